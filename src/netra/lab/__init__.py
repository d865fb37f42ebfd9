"""An auth service that fails as it is told: for trying out, never for serving users."""
