"""The dashboard for Grafana, made of the definitions of the metrics."""
