"""What has happened, as lines: written, kept from waiting, and read back."""
