"""The Dramatiq worker: thin actors over the domains' operations."""
