"""Invented rows for a demonstration, marked as such: one module for each domain that has any."""
