"""Closed forms in rational arithmetic: balanced designs, NIST's one-way layouts."""
