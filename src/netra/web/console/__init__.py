"""The console: one page for operators that keeps itself up to date."""
