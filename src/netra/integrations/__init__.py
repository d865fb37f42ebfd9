"""Netra's routes inside an application of others, a module for each framework.

They must never decide anything about a login: what a route answers, it answers as the listener's.
"""
