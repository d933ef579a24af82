"""Tables: models against metrics."""

import dataclasses
import html
import json
import math
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from .._errors import fault
from ._format import number, with_error


__all__ = ["AtLeast", "AtMost", "Report", "Row"]


class AtLeast(NamedTuple):
    """An expected figure that a value may exceed by anything, and not fall below.

    !!! example

        ```python
        from sdekit.evaluate import AtLeast, Report, Row
        Report((Row("ou", "gain", 0.3),)).expect({("ou", "gain"): AtLeast(0.0, "any gain")}).within  # True
        ```
    """

    figure: float
    source: str = ""


class AtMost(NamedTuple):
    """An expected figure that a value may fall below by anything, and not exceed.

    !!! example

        ```python
        from sdekit.evaluate import AtMost, Report, Row
        Report((Row("ou", "loss", 0.3),)).expect({("ou", "loss"): AtMost(0.2)}).within  # False
        ```
    """

    figure: float
    source: str = ""


Expected = tuple[float, float] | tuple[float, float, str] | AtLeast | AtMost


@dataclasses.dataclass(frozen=True)
class Row:
    """One number of a report.

    **Arguments:**

    - `model`, `metric`: what was measured.
    - `value`: the number; `None` where the metric does not apply to the model.
    - `error`: its standard error, or `None`.
    - `ideal`: as in `Estimate`.
    - `expected`, `tolerance`: what it should be, and how far off it may be.
    - `source`: where the expected number comes from.
    - `side`: 1 where the value must be at least what is expected, -1 where at most, 0 where it must be near.

    !!! example

        ```python
        from sdekit.evaluate import Row
        Row("ou", "CRPS", 0.31, expected=0.30, tolerance=0.02).within  # True
        ```
    """

    model: str
    metric: str
    value: float | None
    error: float | None = None
    ideal: float | None = None
    expected: float | None = None
    tolerance: float | None = None
    source: str = ""
    side: int = 0

    @property
    def within(self) -> bool | None:
        """Whether the value is what is expected, or on the side of it that is; `None` if nothing is."""
        if self.expected is None:
            return None
        if self.value is None:
            return False
        if self.side:
            return self.side * (self.value - self.expected) >= 0
        return abs(self.value - self.expected) <= (self.tolerance or 0.0)

    @property
    def distance(self) -> float:
        """How far from ideal: what models are ranked by. Infinite without a value."""
        if self.value is None or self.ideal is None or math.isnan(self.value):
            return math.inf
        if math.isinf(self.ideal):
            return -math.copysign(1.0, self.ideal) * self.value
        return abs(self.value - self.ideal)


@dataclasses.dataclass(frozen=True, repr=False)
class Report:
    """What `evaluate` returns: rows of model, metric, value and standard error.

    Reports add up (`a + b`), print as a table, and know the numbers that were expected.

    **Arguments:**

    - `rows`: a tuple of `Row`.

    !!! example

        ```python
        from sdekit.evaluate import Report, Row
        report = Report((Row("ou", "CRPS", 0.31, 0.02, -float("inf")), Row("persistence", "CRPS", 0.42, 0.03)))
        print(report.to_markdown())
        report["ou", "CRPS"].value
        ```
    """

    rows: tuple[Row, ...]

    @property
    def models(self) -> tuple[str, ...]:
        """The names of the models, in order."""
        return tuple(dict.fromkeys(r.model for r in self.rows))

    @property
    def metrics(self) -> tuple[str, ...]:
        """The names of the metrics, in order."""
        return tuple(dict.fromkeys(r.metric for r in self.rows))

    @property
    def within(self) -> bool:
        """Whether every expected number was met (true where nothing is expected)."""
        return all(r.within is not False for r in self.rows)

    def __len__(self) -> int:
        return len(self.rows)

    def __iter__(self) -> Iterator[Row]:
        return iter(self.rows)

    def __getitem__(self, name: tuple[str, str]) -> Row:
        for row in self.rows:
            if (row.model, row.metric) == name:
                return row
        raise KeyError(fault("name", "is in no row", name, f"models {self.models}, metrics {self.metrics}"))

    def __add__(self, other: "Report") -> "Report":
        twice = {(r.model, r.metric) for r in self.rows} & {(r.model, r.metric) for r in other.rows}
        if twice:
            raise ValueError(fault("other", "has rows of the same name", sorted(twice), "rename a model"))
        return Report(self.rows + other.rows)

    def best(self, metric: str) -> str | None:
        """The model nearest to the ideal of a metric.

        **Arguments:**

        - `metric`: a name in `metrics`.

        **Returns:** the name of the model; `None` if the metric does not rank, or fewer than two models have it.
        """
        ranked = [r for r in self.rows if r.metric == metric and not math.isinf(r.distance)]
        return min(ranked, key=lambda r: r.distance).model if len(ranked) > 1 else None

    def expect(self, figures: Mapping[tuple[str, str], Expected]) -> "Report":
        """The report with expected numbers.

        **Arguments:**

        - `figures`: by `(model, metric)`: the number, its tolerance, and where it comes from (a table of a paper, an
            exact result); or `AtLeast` or `AtMost`.

        **Returns:** a new report.

        **Raises:** `KeyError` for a name that is in no row.

        !!! example

            ```python
            from sdekit.evaluate import Report, Row
            report = Report((Row("ou", "CRPS", 0.31),)).expect({("ou", "CRPS"): (0.30, 0.02, "closed form")})
            report.within  # True
            ```
        """
        rows = {(r.model, r.metric): r for r in self.rows}
        for name, figure in figures.items():
            side = isinstance(figure, AtLeast) - isinstance(figure, AtMost)
            near = 0.0 if side else float(figure[1])
            source = str(figure[-1]) if side or len(figure) == 3 else ""
            new = {"expected": float(figure[0]), "tolerance": near, "source": source, "side": side}
            rows[name] = dataclasses.replace(self[name], **new)
        return Report(tuple(rows.values()))

    def to_markdown(self) -> str:
        """A Markdown table: a row a model and a column a metric, the best in bold; with expected numbers, a row each.

        **Returns:** text.
        """
        head, body = self._cells(bold="**{}**")
        widths = [max(len(line[j]) for line in [head, *body]) for j in range(len(head))]
        left = 2 if self._expects else 1
        rule = ["-" * w if j < left else "-" * max(w - 1, 1) + ":" for j, w in enumerate(widths)]
        pad = lambda line: [
            c.ljust(w) if j < left else c.rjust(w) for j, (c, w) in enumerate(zip(line, widths, strict=True))
        ]
        return "\n".join("| " + " | ".join(line) + " |" for line in [pad(head), rule, *map(pad, body)])

    def to_json(self) -> str:
        """JSON: a list of rows with every field and `within`; NaN and infinite numbers as strings.

        **Returns:** text; `Report.from_json` reads it.
        """
        clean = lambda v: str(v) if isinstance(v, float) and not math.isfinite(v) else v
        rows = [{k: clean(v) for k, v in dataclasses.asdict(r).items()} | {"within": r.within} for r in self.rows]
        return json.dumps(rows, indent=1)

    @staticmethod
    def from_json(text: str) -> "Report":
        """The report that `to_json` wrote.

        **Arguments:**

        - `text`: JSON.

        **Returns:** a report.

        !!! example

            ```python
            from sdekit.evaluate import Report, Row
            Report.from_json(Report((Row("ou", "CRPS", 0.31),)).to_json())
            ```
        """
        read = lambda v: float(v) if isinstance(v, str) else v
        rows = []
        for row in json.loads(text):
            numbers = (read(row[k]) for k in ("value", "error", "ideal", "expected", "tolerance"))
            rows.append(Row(row["model"], row["metric"], *numbers, source=row["source"], side=row.get("side", 0)))
        return Report(tuple(rows))

    def to_pandas(self) -> Any:
        """A `pandas.DataFrame`, one row a number. Needs the extra `sdekit[data]`.

        **Returns:** a data frame with the fields of `Row` and `within` as columns.

        **Raises:** `ImportError` saying what to install.
        """
        try:
            import pandas as pd
        except ImportError as error:
            raise ImportError("`Report.to_pandas` needs pandas. Install it by `pip install sdekit[data]`.") from error
        return pd.DataFrame([{**dataclasses.asdict(r), "within": r.within} for r in self.rows])

    @property
    def _expects(self) -> bool:
        return any(r.expected is not None for r in self.rows)

    def _cells(self, bold: str = "{}") -> tuple[list[str], list[list[str]]]:
        """Head and body of the table as text."""
        if self._expects:
            head = ["model", "metric", "value", "expected", "tolerance", "within"]
            said = {True: "yes", False: "no", None: ""}
            near = lambda r: {1: "at least", -1: "at most"}.get(r.side) or number(r.tolerance, 2)
            body = [
                [r.model, r.metric, with_error(r.value, r.error), number(r.expected), near(r), said[r.within]]
                for r in self.rows
            ]
            return head, body
        rows = {(r.model, r.metric): r for r in self.rows}
        arrow = {-math.inf: " ↓", math.inf: " ↑"}
        ideals = {m: "" for m in self.metrics} | {r.metric: arrow.get(r.ideal, "") for r in self.rows if r.ideal}
        best = {m: self.best(m) for m in self.metrics}
        body = []
        for model in self.models:
            line = [model]
            for metric in self.metrics:
                row = rows.get((model, metric))
                cell = with_error(None, None) if row is None else with_error(row.value, row.error)
                line.append(bold.format(cell) if best[metric] == model else cell)
            body.append(line)
        return ["model", *(m + ideals[m] for m in self.metrics)], body

    def __repr__(self) -> str:
        head, body = self._cells()
        widths = [max(len(line[j]) for line in [head, *body]) for j in range(len(head))]
        line = lambda cells: "  ".join(
            c.ljust(w) if j == 0 else c.rjust(w) for j, (c, w) in enumerate(zip(cells, widths, strict=True))
        ).rstrip()
        return "\n".join(map(line, [head, *body]))

    def _repr_html_(self) -> str:
        head, body = self._cells(bold="<b>{}</b>")
        cell = lambda tag, text: f"<{tag}>{text}</{tag}>"
        keep = lambda text: html.escape(text).replace("&lt;b&gt;", "<b>").replace("&lt;/b&gt;", "</b>")
        row = lambda tag, line: "<tr>" + "".join(cell(tag, keep(c)) for c in line) + "</tr>"
        return "<table>" + row("th", head) + "".join(row("td", line) for line in body) + "</table>"
