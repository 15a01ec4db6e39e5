"""The HTML: the report, the page of the certified values, and that of a sweep."""

from relmer.reports.pages.corpus_page import corpus_page
from relmer.reports.pages.page import case_anchors, documents_page, page
from relmer.reports.pages.sweep_page import sweep_page

__all__ = ["case_anchors", "corpus_page", "documents_page", "page", "sweep_page"]
