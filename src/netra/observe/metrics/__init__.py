"""Metrics: their definitions as a table, and who counts them."""
