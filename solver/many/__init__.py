"""One design, many responses: what depends on X and Z is done once, and the searches run side by side."""

from relmer.solver.many.together import Together, minima, together

__all__ = ["Together", "minima", "together"]
