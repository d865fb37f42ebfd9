"""Whom we believe over TLS, and who is there instead."""
