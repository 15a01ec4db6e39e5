"""Pictures as SVG."""

from relmer.reports.pictures.drawings import blocks, image
from relmer.reports.pictures.plots import Line, bundle, contour, curve, lattice, least_squares

__all__ = ["Line", "blocks", "bundle", "contour", "curve", "image", "lattice", "least_squares"]
