"""What a sweep comes to, its rows read in batches: memory does not grow with their number."""

from collections.abc import Iterable, Mapping
from pathlib import Path

import numpy as np
import pyarrow as pa

from relmer.datasets import DataError
from relmer.reports.sweeps.columns import TAKEN, columns, texts
from relmer.reports.sweeps.performance import Performance
from relmer.reports.sweeps.reading import BATCH, Manifest, Told, batches, files_of, manifest_of
from relmer.reports.sweeps.tally import Tally
from relmer.reports.swept import Part, Source, Sweep

# Whose rows are of several kinds: those of designs, and of cases each case.
WITH_KINDS = ("designs", "cases")
# Source, engine, kind (or empty), transformation.
Group = tuple[str, str, str, str]
Tallies = dict[Group, Tally]


def report_on(folder: Path, size: int = BATCH) -> Sweep:
    """Sum up a sweep as far as it is finished, `size` rows at a time.

    Raises
    ------
    DataError
        The folder holds no sweep, or one that is damaged; one line.
    """
    manifest = manifest_of(folder)
    tallies: Tallies = {}
    for path in files_of(folder):
        try:
            for batch in batches(path, TAKEN, size):
                add(tallies, manifest.sources, batch)
        except DataError as error:
            told = str(error)
            raise DataError(told if str(path) in told else f"{path}: {told}") from error
    if not tallies:
        raise DataError(f"{folder} has no rows yet: its Parquet files are empty")
    return sweep(folder, manifest, tallies)


def add(tallies: Tallies, sources: Mapping[str, Told], batch: pa.RecordBatch) -> None:
    """Take in a batch.

    Raises
    ------
    DataError
        A row is of no source of the plan, or has no status or verdict that is one.
    """
    if not batch.num_rows:
        return
    found = columns(batch)
    names, where = zip(*(texts(batch[name]) for name in ("source", "engine", "kind", "transformation")), strict=True)
    if unknown := {*names[0]} - {*sources}:
        raise DataError(f"a row's source is {min(unknown)!r}, which the manifest does not name")
    groups, members = np.unique(np.stack(where), axis=1, return_inverse=True)
    order = np.argsort(members, kind="stable")
    starts = np.searchsorted(members[order], np.arange(groups.shape[1] + 1))
    for k, places in enumerate(groups.T.tolist()):
        source, engine, kind, transformation = (own[place] for own, place in zip(names, places, strict=True))
        told = sources[source]
        group = (source, engine, kind if told.what in WITH_KINDS else "", transformation)
        if group not in tallies:
            # A transformation changes what is true.
            truth = None if transformation else told.truth
            tallies[group] = Tally(None if truth is None else Performance(truth))
        tallies[group].add(found, order[starts[k] : starts[k + 1]])


def sweep(folder: Path, manifest: Manifest, tallies: Tallies) -> Sweep:
    """The counts as records."""
    sources = tuple(
        source_of(told, manifest, {group: tally for group, tally in tallies.items() if group[0] == told.name})
        for told in manifest.sources.values()
    )
    name = manifest.plan.get("question")
    return Sweep(
        name=name if isinstance(name, str) and name else folder.resolve().name,
        relmer=manifest.relmer,
        engines=manifest.engines,
        machine=manifest.machine,
        planned=manifest.units,
        found=sum(part.units for source in sources for part in source.engines),
        sources=sources,
    )


def source_of(told: Told, manifest: Manifest, own: Tallies) -> Source:
    """One source."""
    known = [*manifest.engines]
    engines = sorted(
        {group[1] for group in own}, key=lambda name: (known.index(name) if name in known else len(known), name)
    )
    kinds, changes = ({group[place] for group in own} for place in (2, 3))
    names = (told.theta_names, told.coefficients)

    def parts(place: int | None, values: Iterable[str]) -> tuple[Part, ...]:
        """Each engine on what each value names."""
        found = []
        for value in sorted(values):
            for engine in engines:
                picked = [t for g, t in own.items() if g[1] == engine and (place is None or g[place] == value)]
                if picked:
                    named = {} if place is None else {"kind" if place == 2 else "transformation": value}
                    found.append(merged(picked).part(told.name, engine, **named, names=names))
        return tuple(found)

    return Source(
        name=told.name,
        what=told.what,
        units=told.units,
        level=told.level,
        engines=parts(None, [""]),
        kinds=parts(2, kinds) if len(kinds) > 1 else (),
        transformations=parts(3, changes) if len(changes) > 1 else (),
    )


def merged(tallies: Iterable[Tally]) -> Tally:
    """All together."""
    whole = Tally()
    for tally in tallies:
        whole.merge(tally)
    return whole
