"""The word: an experiment is data, models, an objective, and the figures that should come out."""

import dataclasses
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from .._errors import fault
from .._types import Key, PyTree
from ..data import AbstractRecord
from ..evaluate import AtLeast, AtMost, Report
from ..fit import Fit
from ..inference import AbstractObjective


__all__ = ["SCALES", "Experiment", "Outcome"]

SCALES = ("smoke", "paper")


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
        import jax
        import sdekit as sk
        from sdekit.experiments import Outcome

        series = sk.data.Series([0.0, 1.0], [0.2, 0.1])
        Outcome(series, {}, {}, jax.random.key(0))
        ```
    """

    data: AbstractRecord
    fits: Mapping[str, Fit]
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
    - `metrics`: `Outcome -> Report`.
    - `expected`: by `(model, metric)`: the figure, its tolerance, and where it comes from (a table of the paper, or an
        exact result); or `AtLeast` or `AtMost` of `sdekit.evaluate`. Every metric may stay without.
    - `scales`: the settings of the scales `"smoke"` (a minute) and `"paper"`. Two of them the runner reads itself:
        `"models"`, the names of those to fit (all by default), and `"fit"`, which goes over `fit`.
    - `fit`: keyword arguments of `sdekit.fit`; `{"steps": 100}`.
    - `baseline`: the model in the report whose metrics stand as the baseline of the others', or `None`.
    - `draw`: `(Outcome, folder) -> None`, writes the figures, or `None`.

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
    build: Callable[[AbstractRecord, Key], Mapping[str, PyTree]]
    objective: Callable[[str], AbstractObjective]
    metrics: Callable[[Outcome], Report]
    expected: Mapping[tuple[str, str], tuple[float, float, str] | AtLeast | AtMost]
    scales: Mapping[str, Mapping[str, Any]]
    fit: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    baseline: str | None = None
    draw: Callable[[Outcome, Path], None] | None = None

    def __post_init__(self):
        missing = [scale for scale in SCALES if scale not in self.scales]
        if missing:
            raise ValueError(fault("scales", f"must hold {SCALES}", sorted(self.scales), f"add {missing}"))
