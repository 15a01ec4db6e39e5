"""What commands ask alike: how a file is read, lme4's arguments, models of one's own, where a report goes."""

import csv
import re
import shlex
from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields
from functools import wraps
from pathlib import Path
from typing import Any

import click
from click.core import ParameterSource

from relmer.datasets import DataError, read_types
from relmer.reports.commands.telling import telling_options
from relmer.reports.records import MOST
from relmer.reports.verdicts import FailOn
from relmer.solver.model import CHECKS

TABS = {"tab": "\t", "\\t": "\t"}
"""How a tab is written where none can be typed."""
DIGITS = re.compile(r"digits<([0-9]{1,9}(?:\.[0-9]{1,9})?)")
ACTIONS = ("na.omit", "na.exclude", "na.fail", "na.pass")
FILE = click.Path(path_type=Path, exists=True, dir_okay=False)
Command = Callable[..., Any]


@dataclass(frozen=True, kw_only=True)
class Reading:
    """How a file is read; `asked` are these as `read_table` and `keep_table` take them."""

    sep: str
    decimal: str
    na: tuple[str, ...]
    types: Path | None

    @property
    def asked(self) -> dict[str, Any]:
        """The separator, the decimal point, marks of missing values, types that are stated."""
        return {
            "separator": TABS.get(self.sep, self.sep),
            "decimal": self.decimal,
            "missing": self.na,
            "types": () if self.types is None else read_types(self.types),
        }


@dataclass(frozen=True, kw_only=True)
class Arguments:
    """lme4's arguments, and the order of levels, as they are written on the command line."""

    weights: str
    offset: str
    subset: str
    contrasts: tuple[str, ...]
    levels: tuple[str, ...]
    na_action: str | None
    ignore_check: tuple[str, ...]

    @property
    def of_case(self) -> dict[str, Any]:
        """These arguments as the fields of a case."""
        return {
            "weights": self.weights,
            "offset": self.offset,
            "subset": self.subset,
            "na_action": self.na_action or "",
            "checks": dict.fromkeys(self.ignore_check, "ignore"),
            "contrasts": by_name("--contrasts", self.contrasts, "f=contr.sum", last=True),
            "levels": {
                name: tuple(next(csv.reader([text], skipinitialspace=True)))
                for name, text in by_name("--levels", self.levels, "f=low,high").items()
            },
        }


@dataclass(frozen=True, kw_only=True)
class Own:
    """A person's own data, and the models of them."""

    cases_file: Path | None
    data: Path | None
    formulas: tuple[str, ...]
    ml: bool
    reading: Reading
    arguments: Arguments

    @property
    def given(self) -> bool:
        """Whether there is any; an option that is of no use without them asks for them."""
        return self.cases_file is not None or self.data is not None or self.stated

    @property
    def stated(self) -> bool:
        """Whether something is said of a model."""
        return self.options not in ((), ("--data",))

    @property
    def options(self) -> tuple[str, ...]:
        """The options that say something of one file of data and its models."""
        said = {"data": self.data, "formula": self.formulas, "ml": self.ml, "na": self.reading.na}
        said |= {"types": self.reading.types, **vars(self.arguments)}
        return tuple(f"--{name.replace('_', '-')}" for name, value in said.items() if value)


# Parameters on which it depends what a report says; the others decide where it goes, and how it is told.
SAYING = {"answers", "pattern", "limit", "accepted", "fail_on"}
SAYING |= {part.name for kind in (Own, Reading, Arguments) for part in fields(kind)}


def invocation(engines: Sequence[str] = ()) -> str:
    """The command that is carried out, as it is given again: with what it judges, without where it writes.

    Files are named without their folders: a report tells nothing of its machine's.
    """
    context = click.get_current_context()
    words = ["relmer", context.info_name or ""]
    for parameter in context.command.params:
        name = parameter.name or ""
        if name not in SAYING or context.get_parameter_source(name) is not ParameterSource.COMMANDLINE:
            continue
        given = context.params[name]
        for value in given if isinstance(given, tuple) else (given,):
            option = [] if isinstance(parameter, click.Argument) else [parameter.opts[0]]
            words += option if value is True else [*option, value.name if isinstance(value, Path) else str(value)]
    words += [word for engine in engines for word in ("--engine", engine)]
    return shlex.join(words)


@dataclass(frozen=True, kw_only=True)
class Reporting:
    """Where a report goes, what is accepted and what fails."""

    out: Path
    accepted: tuple[Path, ...]
    fail_on: tuple[str, ...]
    resume: bool
    annotate_as: str | None

    @property
    def failing(self) -> dict[str, Any]:
        """What fails beside what is wrong or failed, as the fields of a report: each word once, the most digits.

        Raises
        ------
        DataError
            A word is not known, or the number of digits is none.
        """
        known, words, digits = [str(choice) for choice in FailOn], list[FailOn](), list[float]()
        for text in self.fail_on:
            if text in known:
                words.append(FailOn(text))
            elif text.startswith("digits"):
                found = DIGITS.fullmatch(text)
                if found is None or not 0 < float(found[1]) <= MOST:
                    raise DataError(f"--fail-on is {text!r:.60}: write it as 'digits<8', a number up to {MOST:g}")
                digits.append(float(found[1]))
            else:
                raise DataError(f"--fail-on is {text!r:.60}: give {', '.join(known)} or 'digits<8'")
        return {"fail_on": tuple(dict.fromkeys(words)), "fewest_digits": max(digits, default=None)}


# What a service of continuous integration shows beside the code.
annotate_option = click.option(
    "--annotate",
    "annotate_as",
    type=click.Choice(["github"]),
    help="Say what breaks as annotations of GitHub's workflows too.",
)


def by_name(option: str, written: Sequence[str], example: str, last: bool = False) -> dict[str, str]:
    """Values that are written as name=value, by name; of several signs the first divides, or the last.

    Examples
    --------
    >>> by_name("--contrasts", ["factor(x, c(2, 1))=contr.sum"], "f=contr.sum", last=True)
    {'factor(x, c(2, 1))': 'contr.sum'}
    """
    found: dict[str, str] = {}
    for text in written:
        name, sign, value = text.rpartition("=") if last else text.partition("=")
        if not sign or not name.strip() or not value.strip():
            raise DataError(f"{option} is {text!r:.60}: write it as {example}")
        if name.strip() in found:
            raise DataError(f"{option} names {name.strip()!r:.60} twice: leave one")
        found[name.strip()] = value.strip()
    return found


def with_options(command: Command, *options: Callable[[Command], Command]) -> Command:
    """A command with options, which its help lists in this order."""
    for option in reversed(options):
        command = option(command)
    return command


def collected(kind: type[Any], parameter: str) -> Callable[[Command], Command]:
    """Give a command the options that are the fields of a record as one argument."""

    def decorate(command: Command) -> Command:
        @wraps(command)
        def call(*arguments: Any, **options: Any) -> Any:
            part = {field.name: options.pop(field.name) for field in fields(kind)}
            return command(*arguments, **{parameter: kind(**part)}, **options)

        return call

    return decorate


def reading_options(command: Command) -> Command:
    """Give a command the options that say how a file is read, as its argument `reading`."""
    return with_options(
        collected(Reading, "reading")(command),
        click.option("--sep", default=",", show_default=True, help="What stands between fields; tab is one too."),
        click.option("--decimal", default=".", show_default=True, help="The decimal point."),
        click.option("--na", multiple=True, help="A text that stands for a missing value, beside NA and nothing."),
        click.option("--types", type=FILE, metavar="FILE.toml", help="Types of columns, stated instead of guessed."),
    )


def argument_options(command: Command) -> Command:
    """Give a command lme4's arguments, as its argument `arguments`."""
    return with_options(
        collected(Arguments, "arguments")(command),
        click.option(
            "--weights", default="", help="A column, or an expression of columns: Var(e) = sigma^2 / weights."
        ),
        click.option("--offset", default="", help="A column, or an expression of columns: a known part of the mean."),
        click.option("--subset", default="", help="The rows to take, such as \"x > 0 & g != 'a'\"."),
        click.option(
            "--contrasts",
            multiple=True,
            metavar="F=CONTRASTS",
            help="R's contrasts of a factor, such as f=contr.sum; repeat for more.",
        ),
        click.option(
            "--levels", multiple=True, metavar="F=A,B,…", help="Levels of a column in their order; repeat for more."
        ),
        click.option("--na-action", type=click.Choice(ACTIONS), help="What becomes of rows that lack a value."),
        click.option(
            "--ignore-check",
            type=click.Choice([*CHECKS]),
            multiple=True,
            metavar="NAME",
            help=f"A check of lme4's that is not made, here and in lme4: {', '.join(CHECKS)}; repeat for more.",
        ),
    )


def model_options(command: Command) -> Command:
    """Give a command the options that name a person's own data and models, as its argument `own`."""
    return with_options(
        reading_options(argument_options(collected(Own, "own")(command))),
        click.option(
            "--cases",
            "cases_file",
            type=FILE,
            metavar="FILE.toml",
            help="A file of your own cases, such as relmer.toml: many data files and models.",
        ),
        click.option("--data", type=FILE, help="A file of your own with a header: CSV, CSV.gz or Parquet."),
        click.option("--formula", "formulas", multiple=True, help="A model of the columns of --data; repeat for more."),
        click.option("--ml", is_flag=True, help="Maximum likelihood for --formula; REML otherwise."),
    )


def report_options(command: Command) -> Command:
    """Give a command the options that say where its report goes and what fails, as its argument `reporting`."""
    return with_options(
        telling_options("quiet", "verbose", "as_json")(collected(Reporting, "reporting")(command)),
        click.option(
            "--out",
            type=click.Path(path_type=Path, file_okay=False),
            default=Path("relmer-report"),
            show_default=True,
        ),
        click.option(
            "--accepted",
            type=FILE,
            multiple=True,
            metavar="FILE",
            help="Accepted failures of an engine of yours; repeat for more.",
        ),
        click.option(
            "--fail-on",
            metavar=f"{'|'.join(FailOn)}|digits<N",
            multiple=True,
            shell_complete=lambda context, parameter, begun: [str(word) for word in FailOn if word.startswith(begun)],
            help="Fail with status 1 on this too, beside what is wrong or failed; repeat for more. 'digits<8' is any "
            "quantity with fewer than 8 correct digits.",
        ),
        click.option(
            "--resume", is_flag=True, help="Take up the run that was ended in --out: cases that were done are kept."
        ),
        annotate_option,
    )
