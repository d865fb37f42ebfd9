"""Attempts as spans in the traces of whoever asks, and of whoever is asked: OpenTelemetry's, and only when wanted."""
