"""Pure decisions: what happened, may we try again, is this token good. No I/O, no clock, no randomness of its own."""
