"""Learns how an auth service speaks, from three logins: a good one, a wrong password, an unknown user.

It must never show or write a token, a password or an identifier.
"""
