"""What is kept fresh between requests, so that no login pays for it."""
