"""Metamorphic laws: how an engine's answer must move when its problem is changed, held against any engine."""

from relmer.reports.laws.asking import Heard, Outcome, heard, outcome, smallest
from relmer.reports.laws.kept import Kept
from relmer.reports.laws.law import LAWS, Law
from relmer.reports.laws.page import command_of, written_page
from relmer.reports.laws.problem import Problem, case_of, problem_of
from relmer.reports.laws.recorded import written_record

__all__ = [
    "LAWS",
    "Heard",
    "Kept",
    "Law",
    "Outcome",
    "Problem",
    "case_of",
    "command_of",
    "heard",
    "outcome",
    "problem_of",
    "smallest",
    "written_page",
    "written_record",
]
