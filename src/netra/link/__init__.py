"""How one question is asked: a slot, an exchange, an outcome, and whether to ask again."""
