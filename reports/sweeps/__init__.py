"""Sweeps: thousands of units, on one machine or on a cluster, and what they come to."""
