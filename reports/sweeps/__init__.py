"""Sweeps: thousands of fits as rows of a Parquet data set, and what they come to."""

from relmer.reports.sweeps.told import write_report

__all__ = ["write_report"]
