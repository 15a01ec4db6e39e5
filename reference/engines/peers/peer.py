"""What the adapters to packages of the Python Package Index share: what they declare, and how they are asked."""

import platform
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from importlib.metadata import PackageNotFoundError, version
from typing import ClassVar

import pandas as pd

from relmer.datasets import Case
from relmer.reference.engines import Columns, EngineUnsupported, Fitted, Told, estimates_of
from relmer.reference.own_fits import design_of
from relmer.solver.model import Design

AS_COLUMNS = "y, X and Z are the design's, as numeric columns: y ~ 1 + x2 + (1 + x2 | g1); formulas are not read"

# Warnings of how Python's packages call one another: none of a fit.
OF_CALLS = (DeprecationWarning, FutureWarning)


class Peer:
    """A package of the Python Package Index; a subclass says which, and how it fits.

    Attributes
    ----------
    name, package
        Of the engine, and of what is to be installed.
    """

    name: ClassVar[str]
    package: ClassVar[str]
    witness_of = None
    definition = False
    in_child = True
    capabilities = frozenset({"fit"})
    dialect: ClassVar[Mapping[str, str]] = {"formulas": AS_COLUMNS}

    @property
    def house(self) -> str:
        """Whose program it is: the package's own name."""
        return self.package

    @property
    def needs(self) -> tuple[str, ...]:
        """What must be installed."""
        return (f"the Python package {self.package}",)

    def available(self) -> str:
        """Nothing if the package is installed, else what to install; it is not imported."""
        try:
            self.version()
        except PackageNotFoundError:
            return f"the Python package {self.package} is not installed: pip install 'relmer[{self.name}]'"
        return ""

    def version(self) -> str:
        """Version of the package."""
        return version(self.package)

    def environment(self) -> Mapping[str, str]:
        """Versions of Python, numpy, scipy and the package, and the platform."""
        return {
            self.package: version(self.package),
            "Python": platform.python_version(),
            **{name: version(name) for name in ("numpy", "scipy", "pandas")},
            "platform": f"{platform.system()} {platform.machine()}",
        }

    def fit(self, case: Case) -> Fitted:
        """All that the package tells of its fit; V is Z G Z' + R of its G."""
        design = design_of(case)
        if not design.terms:
            raise EngineUnsupported(f"{self.package} fits mixed models; this one has no random effects")
        if design.weights is not None:
            raise EngineUnsupported(f"{self.package} is asked without weights only")
        said = self.tell(case, design)
        return Fitted(estimates_of(design, said), warnings=said.warnings)

    def tell(self, case: Case, design: Design) -> Told:
        """Fit a case with the package."""
        raise NotImplementedError


def frame_of(columns: Columns) -> pd.DataFrame:
    """The columns of a model as a frame."""
    return pd.DataFrame(dict(columns.table))


@contextmanager
def said_meanwhile() -> Iterator[list[str]]:
    """Collect the warnings of a fit, each once; the list is filled when the context ends."""
    told: list[str] = []
    with warnings.catch_warnings(record=True) as heard:
        warnings.simplefilter("always")
        yield told
    told += dict.fromkeys(str(one.message) for one in heard if not issubclass(one.category, OF_CALLS))
