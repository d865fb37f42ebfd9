"""What became of a request: asked of a running gateway, or read from the log lines of many."""
