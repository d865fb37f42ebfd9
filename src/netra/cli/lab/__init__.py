"""`netra lab`: an auth service and a proxy that misbehave as they are told, to try gateways and front ends with."""
