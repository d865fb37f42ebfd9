"""Switching the lab's auth service at run time, from outside: a small listener of its own."""
