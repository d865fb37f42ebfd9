"""Listeners to events: each can be taken out, none can break a login."""
