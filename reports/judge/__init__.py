"""Verdicts: one file per rung of the ladder."""
