"""The rows of settings, by what they are about; `settings/variables.py` says which attributes they become."""
