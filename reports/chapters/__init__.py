"""A chapter per document: its figures, its pictures and what they say."""

from relmer.reports.chapters.chapter import chapters
from relmer.reports.chapters.tables import arranged, rounded, tally

__all__ = ["arranged", "chapters", "rounded", "tally"]
