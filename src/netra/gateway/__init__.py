"""One file a journey: what a user wants, step by step."""
