"""Verifiable numbers: each day's tally and the list behind it, chained to the day before; the nightly dataset."""
