"""Pledges: made, confirmed, held, corrected, withdrawn, erased."""
