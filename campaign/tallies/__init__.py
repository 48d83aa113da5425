"""Tallies: every public count, folded exactly once from the pledges.

A trigger on ``pledges`` writes a delta for every change of a counted pledge, in the same transaction. The fold
deletes a batch of deltas and adds them to the tallies, in one transaction. So no two pledges wait for one row.
"""
