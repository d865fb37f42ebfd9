"""The alerts: what users notice, what they will notice, and to whom each is brought."""
