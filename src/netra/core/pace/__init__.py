"""May we, when, how often? Deadlines, retries and their budget."""
