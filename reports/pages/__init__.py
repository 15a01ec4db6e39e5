"""The HTML: the report and the page of the certified values."""

from relmer.reports.pages.corpus_page import corpus_page
from relmer.reports.pages.page import case_anchors, documents_page, page

__all__ = ["case_anchors", "corpus_page", "documents_page", "page"]
