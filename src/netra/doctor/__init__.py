"""Finds out why logins fail, or will fail, and says so in words that lead to the cure.

It must never change anything, and never print a secret.
"""
