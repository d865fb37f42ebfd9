"""Requests to attempts, outcomes to answers: values in, values out. It is given a gateway."""
