"""What can be set from outside: each setting once, with its meaning, its default and the checks on its value.

It must never print, log or raise the value of a setting that may be a secret.
"""
