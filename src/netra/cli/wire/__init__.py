"""`netra wire`: how an auth service is spoken to: shown, checked, learnt."""
