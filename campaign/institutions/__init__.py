"""The registry of institutions: records of the Research Organization Registry (ROR), and their search."""
