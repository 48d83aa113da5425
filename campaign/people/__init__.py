"""People: one row for one address, and what they consented to."""
