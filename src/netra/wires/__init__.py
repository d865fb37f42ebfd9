"""Auth services described as data, and the reader of these files."""
