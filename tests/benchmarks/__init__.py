"""Benchmarks: each prints its figures and their ratio to a yardstick measured in the same run. No timed tests."""
