"""Staff: who may work at the desk, what each may do there, and where their rights end."""
