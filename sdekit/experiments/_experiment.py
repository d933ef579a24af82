"""The word: an experiment is data, models, an objective, and the figures that should come out."""

import dataclasses
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from .._errors import fault, require
from .._types import Key, PyTree
from ..data import AbstractRecord


__all__ = ["Expected", "Experiment", "Outcome"]

SCALES = ("smoke", "paper")


@dataclasses.dataclass(frozen=True)
class Expected:
    """A figure that should come out.

    **Arguments:**

    - `value`: the figure.
    - `tolerance`: how far off it may be, in the same unit.
    - `source`: where it comes from: a table of the paper, or an exact result, and which.
    - `baseline`: the name of the metric of a trivial method to set beside it, or `None`.

    **Raises:** `ValueError` for a negative tolerance or an empty source.

    !!! example

        ```python
        from sdekit.experiments import Expected
        Expected(0.0, tolerance=1e-6, source="AR(1) closed form")
        ```
    """

    value: float
    tolerance: float
    source: str
    baseline: str | None = None

    def __post_init__(self):
        require(self.tolerance >= 0, "tolerance", "must not be negative", self.tolerance, "pass 0 or more")
        require(bool(self.source), "source", "must not be empty", self.source, "say where the figure comes from")

    def holds(self, value: float) -> bool:
        return abs(value - self.value) <= self.tolerance


@dataclasses.dataclass(frozen=True)
class Outcome:
    """What a run leaves for its metrics and figures to look at.

    **Arguments:**

    - `data`: the record that the models were fitted to.
    - `fits`: the fits, by the name of the model.
    - `setting`: the settings of the scale that ran.
    - `key`: a key for what is still to be drawn.

    !!! example

        ```python
        import jax, sdekit as sk
        from sdekit.experiments import Outcome
        series = sk.Series([0.0, 1.0], [0.2, 0.1])
        Outcome(series, {}, {}, jax.random.key(0))
        ```
    """

    data: AbstractRecord
    fits: Mapping[str, Any]
    setting: Mapping[str, Any]
    key: Key


@dataclasses.dataclass(frozen=True)
class Experiment:
    """A paper's experiment, or an exact result, as data.

    **Arguments:**

    - `name`: what `sdekit reproduce` calls it.
    - `paper`: the key of the paper in `sdekit.cite.PAPERS`.
    - `summary`: one line that says what is shown.
    - `data`: `(setting, key) -> record`.
    - `build`: `(record, key) -> {name: model}`.
    - `objective`: `name of the model -> objective`.
    - `fit`: keyword arguments of `sdekit.fit`; a value may be a function of the name of the model.
    - `measure`: `Outcome -> {metric: value}`.
    - `expected`: `{metric: Expected}`; a metric without an expected figure is reported as it is.
    - `scales`: the settings of the scales `"smoke"` (a minute) and `"paper"`.
    - `draw`: `(Outcome, folder) -> files`, the figures, or `None`.

    **Raises:** `ValueError` if a scale is missing.

    !!! example

        ```python
        from sdekit.experiments import get
        get("ou_mle").paper  # 'uhlenbeck1930'
        ```
    """

    name: str
    paper: str
    summary: str
    data: Callable[[Mapping[str, Any], Key], AbstractRecord]
    build: Callable[[AbstractRecord, Key], dict[str, PyTree]]
    objective: Callable[[str], Any]
    measure: Callable[[Outcome], dict[str, float]]
    expected: Mapping[str, Expected]
    scales: Mapping[str, Mapping[str, Any]]
    fit: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    draw: Callable[[Outcome, Path], list[Path]] | None = None

    def __post_init__(self):
        missing = [scale for scale in SCALES if scale not in self.scales]
        if missing:
            raise ValueError(fault("scales", f"must hold {SCALES}", sorted(self.scales), f"add {missing}"))
