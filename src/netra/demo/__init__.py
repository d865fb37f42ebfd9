"""Gateway, auth service and one user in one command, to try and to break: an assembly, not a mode of the gateway."""
