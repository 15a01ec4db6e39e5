"""Pictures as SVG."""

from relmer.reports.pictures.drawings import blocks, cells, image
from relmer.reports.pictures.landscapes import marked_contours, marked_curve
from relmer.reports.pictures.plots import Line, bundle, contour, curve, lattice, least_squares
from relmer.reports.pictures.strips import Bar, bars, strips

__all__ = [
    "Bar",
    "Line",
    "bars",
    "blocks",
    "bundle",
    "cells",
    "contour",
    "curve",
    "image",
    "lattice",
    "least_squares",
    "marked_contours",
    "marked_curve",
    "strips",
]
