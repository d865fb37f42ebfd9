"""One module a hop of a login's way, asked through the very code that logins use."""
