"""What a token says, and what it is worth."""
