"""The page of the certified values: a line for each fit, its digits with their radii on demand; no script."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

from relmer.reference.certificates import LEVELS, Certificate, Elsewhere, Reading, inferred
from relmer.reports.pages.page import asset, digest, environment


@dataclass(frozen=True)
class Row:
    """One quantity in both readings: its key, and value and radius of each."""

    key: str
    readings: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Fit:
    """A certificate as the page shows it."""

    certificate: Certificate
    reading: Reading
    rows: tuple[Row, ...]

    @property
    def rank(self) -> str:
        """Rank and size of each covariance matrix, as "1 of 2, 1 of 1"."""
        if self.reading.centre is None:
            return "full" if self.reading.regular else "0"
        ranks = [f"{face.rank} of {len(face.R)}" for face in self.reading.centre]
        return "full" if self.reading.regular else ", ".join(ranks)

    @property
    def radius(self) -> str:
        """The largest proved radius of a value."""
        return max(self.reading.values.values(), key=lambda value: value.error).radius

    @property
    def refused(self) -> tuple[tuple[str, str], ...]:
        """Methods of degrees of freedom that it has not, and why."""
        return tuple(self.reading.inference.refused.items()) if self.reading.inference else ()

    @property
    def told(self) -> tuple[str, ...]:
        """What the search met on its way, in sentences."""
        starts = self.reading.starts
        if starts is None:
            return ()
        return (
            f"{starts.reached} of {starts.tried} random starts came to this optimum.",
            *(f"Elsewhere: criterion {other.criterion}, {self.in_words(other)}." for other in starts.elsewhere),
        )

    def in_words(self, other: Elsewhere) -> str:
        """What a stationary point is; its ranks as "rank 1 of 2", with the names of the terms where there are more."""
        terms = self.certificate.model.random
        ranks = [f"{rank} of {len(term.columns)}" for rank, term in zip(other.ranks, terms, strict=True)]
        if len(terms) > 1:
            ranks = [f"{rank} in {term.name}" for rank, term in zip(ranks, terms, strict=True)]
        rank = f"rank {' and '.join(ranks)}"
        if other.dual is None:
            return f"a local minimum of {rank}"
        return f"stationary on the face of {rank}, dual {other.dual}"


def corpus_page(stored: Sequence[Certificate], links: Mapping[str, str] = MappingProxyType({})) -> str:
    """Render `corpus.html`; `links` has the address of a case in the report of a run."""
    style = asset("page.css")
    fits = tuple(fit(certificate) for certificate in stored)
    seen = Counter(one.reading.level for one in fits)
    return (
        environment()
        .get_template("corpus.html")
        .render(
            fits=fits,
            links=links,
            levels=[(level, seen[level], meaning) for level, meaning in LEVELS.items()],
            style=style,
            policy=f"default-src 'none'; style-src '{digest(style)}'; base-uri 'none'; form-action 'none'",
        )
    )


def fit(certificate: Certificate) -> Fit:
    """Arrange one certificate; the `double` reading is shown first, it is what an engine reads."""
    both = (certificate.double, certificate.readings["decimal"])
    values = [{**reading.values, **inferred(reading)} for reading in both]
    keys = dict.fromkeys(key for own in values for key in own)
    rows = tuple(
        Row(key, tuple((v.value, v.radius) if (v := own.get(key)) else ("", "") for own in values)) for key in keys
    )
    return Fit(certificate, certificate.double, rows)
