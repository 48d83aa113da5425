"""Campaigns and their texts: the wording of the pledge in every language, in versions that never change."""
