"""Campaigns and their texts: what is pledged, in every language, in versions that never change."""
