"""Verdicts: one file per rung of the ladder."""

from relmer.reports.judge.ladder import judge_case
from relmer.reports.judge.printed import place, published_figures

__all__ = ["judge_case", "place", "published_figures"]
