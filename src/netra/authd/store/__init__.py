"""What the auth service keeps: its database, the lock on it, the keys beside it, and the migrations.

It must never know what a login is.
"""
