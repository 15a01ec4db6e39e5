"""Verdicts: one file per rung of the ladder."""

from relmer.reports.judge.each_other import judge_each_other, unjudged
from relmer.reports.judge.ladder import judge_case
from relmer.reports.judge.printed import figures_elsewhere, place, published_figures

__all__ = ["figures_elsewhere", "judge_case", "judge_each_other", "place", "published_figures", "unjudged"]
