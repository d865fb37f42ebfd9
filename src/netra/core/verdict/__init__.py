"""What happened? The table of causes, and the one reading of a reply."""
