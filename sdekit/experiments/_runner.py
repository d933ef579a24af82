"""Running an experiment: fit, measure, compare with what was expected, write it down."""

import dataclasses
import json
import math
import platform
import time
from importlib import metadata
from pathlib import Path
from typing import Any

import jax

from .._errors import require
from ..fit import fit
from ._experiment import SCALES, Experiment, Outcome


__all__ = ["Row", "Run", "run"]

_PACKAGES = ("sdekit", "jax", "jaxlib", "equinox", "diffrax", "optax", "numpyro", "numpy")


@dataclasses.dataclass(frozen=True)
class Row:
    """One metric of a run, and the figure that was expected of it.

    **Arguments:**

    - `metric`, `value`: the name and the figure found.
    - `expected`, `tolerance`: the figure expected and how far off it may be, `None` where nothing was.
    - `within`: whether it was met; `None` where nothing was expected.
    - `baseline`: the figure of a trivial method, or `None`.
    - `source`: where the expected figure comes from.

    !!! example

        ```python
        from sdekit.experiments import Row
        Row("rate", 1.02, expected=1.0, tolerance=0.1, within=True)
        ```
    """

    metric: str
    value: float
    expected: float | None = None
    tolerance: float | None = None
    within: bool | None = None
    baseline: float | None = None
    source: str = ""


@dataclasses.dataclass(frozen=True)
class Run:
    """What a run of an experiment found.

    **Arguments:**

    - `name`, `paper`, `scale`, `seed`: what ran.
    - `seconds`: how long it took.
    - `rows`: the metrics, each a `Row`.

    !!! example

        ```python
        from sdekit.experiments import Row, Run
        Run("demo", "hurst1951", "smoke", 0, 1.5, (Row("rate", 1.0),)).to_markdown()
        ```
    """

    name: str
    paper: str
    scale: str
    seed: int
    seconds: float
    rows: tuple[Row, ...]

    @property
    def passed(self) -> bool:
        """Whether every expected figure was met."""
        return all(row.within is not False for row in self.rows)

    def to_dict(self) -> dict[str, Any]:
        """The content of `metrics.json`."""
        fields = ("metric", "value", "expected", "tolerance", "within", "baseline")
        rows = [{name: _number(getattr(row, name)) for name in fields} for row in self.rows]
        head = {"name": self.name, "paper": self.paper, "scale": self.scale, "seed": self.seed}
        return {**head, "versions": versions(), "seconds": round(self.seconds, 3), "rows": rows}

    def to_markdown(self) -> str:
        """The table, one row a metric."""
        lines = [
            f"# {self.name} ({self.scale}, seed {self.seed})",
            "",
            "| metric | value | expected | tolerance | within | baseline | expected figure from |",
            "|---|---|---|---|---|---|---|",
        ]
        for row in self.rows:
            verdict = {True: "yes", False: "**no**", None: ""}[row.within]
            figures = [_text(v) for v in (row.value, row.expected, row.tolerance)]
            lines.append(" | ".join(["| " + row.metric, *figures, verdict, _text(row.baseline), row.source + " |"]))
        return "\n".join(lines) + "\n"


def _number(value: Any) -> Any:
    """JSON knows no NaN and no infinity: they are written as text, so that the file stays valid."""
    return str(value) if isinstance(value, float) and not math.isfinite(value) else value


def _text(value: float | None) -> str:
    return "" if value is None else f"{value:.6g}"


def versions() -> dict[str, str]:
    """The versions of Python and of the packages that the figures depend on.

    **Returns:** name to version.

    !!! example

        ```python
        from sdekit.experiments import versions
        versions()["python"]
        ```
    """
    found = {"python": platform.python_version()}
    for name in _PACKAGES:
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            found[name] = "not installed"
    return found


def run(experiment: Experiment, *, scale: str, seed: int, out: Path | str, progress: bool = True) -> Run:
    """Run an experiment and write `metrics.json`, `table.md` and the figures.

    **Arguments:**

    - `experiment`: what to run.
    - `scale`: `"smoke"` or `"paper"`.
    - `seed`: of everything random in it.
    - `out`: the folder to write to; it is made where it does not exist.
    - `progress`: whether the fits show a progress bar.

    **Returns:** a `Run`; its `passed` says whether all expected figures were met.

    **Raises:** `ValueError` for an unknown scale.

    !!! example

        ```python
        from sdekit.experiments import get, run
        found = run(get("ou_mle"), scale="smoke", seed=0, out="out/ou_mle", progress=False)
        found.passed
        ```
    """
    require(scale in SCALES, "scale", f"must be one of {SCALES}", scale, "pass 'smoke' or 'paper'")
    out = Path(out)
    out.mkdir(parents=True, exist_ok=True)
    start = time.perf_counter()
    setting = experiment.scales[scale]
    data_key, build_key, fit_key, measure_key = jax.random.split(jax.random.key(seed), 4)
    data = experiment.data(setting, data_key)
    fits = {}
    for i, (name, model) in enumerate(experiment.build(data, build_key).items()):
        options = {k: v(name) if callable(v) else v for k, v in experiment.fit.items()}
        key = jax.random.fold_in(fit_key, i)
        fits[name] = fit(model, experiment.objective(name), data, key=key, progress=progress, **options)
    outcome = Outcome(data, fits, setting, measure_key)
    found = experiment.measure(outcome)
    rows = tuple(_row(experiment, metric, found) for metric in found)
    result = Run(experiment.name, experiment.paper, scale, seed, time.perf_counter() - start, rows)
    (out / "metrics.json").write_text(json.dumps(result.to_dict(), indent=2) + "\n")
    (out / "table.md").write_text(result.to_markdown())
    if experiment.draw is not None:
        experiment.draw(outcome, out)
    return result


def _row(experiment: Experiment, metric: str, found: dict[str, float]) -> Row:
    value, expected = float(found[metric]), experiment.expected.get(metric)
    if expected is None:
        return Row(metric, value)
    baseline = None if expected.baseline is None else float(found[expected.baseline])
    within = expected.holds(value)
    return Row(metric, value, expected.value, expected.tolerance, within, baseline, expected.source)
