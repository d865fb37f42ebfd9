"""The demo before a real Prometheus and a real Alertmanager: broken, told by an alert, mended, and told again."""
