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
from ..evaluate import Report
from ..fit import fit
from ._experiment import SCALES, Experiment, Outcome


__all__ = ["Run", "run", "versions"]

_PACKAGES = ("sdekit", "jax", "jaxlib", "equinox", "diffrax", "optax", "numpyro", "numpy")


@dataclasses.dataclass(frozen=True)
class Run:
    """What a run of an experiment found.

    **Arguments:**

    - `name`, `paper`, `scale`, `seed`: what ran.
    - `seconds`: how long it took.
    - `report`: the metrics, with the figures that were expected.
    - `baseline`: the model of the report that the others stand beside, or `None`.

    !!! example

        ```python
        from sdekit.evaluate import Report, Row
        from sdekit.experiments import Run
        Run("demo", "hurst1951", "smoke", 0, 1.5, Report((Row("ou", "rate", 1.0),))).to_dict()["rows"]
        ```
    """

    name: str
    paper: str
    scale: str
    seed: int
    seconds: float
    report: Report
    baseline: str | None = None

    @property
    def passed(self) -> bool:
        """Whether every expected figure was met."""
        return self.report.within

    def to_dict(self) -> dict[str, Any]:
        """The content of `metrics.json`."""
        beside = {r.metric: r.value for r in self.report if r.model == self.baseline}
        rows = [
            {
                "metric": f"{r.model}: {r.metric}",
                "value": _number(r.value),
                "expected": r.expected,
                "tolerance": r.tolerance,
                **({"side": r.side} if r.side else {}),
                "within": None if r.within is None else bool(r.within),
                "baseline": None if r.model == self.baseline else _number(beside.get(r.metric)),
            }
            for r in self.report
        ]
        head = {"name": self.name, "paper": self.paper, "scale": self.scale, "seed": self.seed}
        return {**head, "versions": versions(), "seconds": round(self.seconds, 3), "rows": rows}

    def to_markdown(self) -> str:
        """The table, and where the expected figures come from."""
        sources = [f"- {r.model}, {r.metric}: {r.source}" for r in self.report if r.source]
        lines = [f"# {self.name} ({self.scale}, seed {self.seed})", "", self.report.to_markdown()]
        return "\n".join([*lines, *(["", "Expected figures:", "", *sources] if sources else [])]) + "\n"


def _number(value: float | None) -> float | None:
    """JSON knows no NaN and no infinity."""
    return value if value is not None and math.isfinite(value) else None


def versions() -> dict[str, str]:
    """The versions of Python and of the packages that figures depend on.

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
        run(get("ou_mle"), scale="smoke", seed=0, out="out/ou_mle", progress=False)
        ```
    """
    require(scale in SCALES, "scale", f"must be one of {SCALES}", scale, "pass 'smoke' or 'paper'")
    out = Path(out)
    out.mkdir(parents=True, exist_ok=True)
    start = time.perf_counter()
    setting = experiment.scales[scale]
    data_key, build_key, fit_key, key = jax.random.split(jax.random.key(seed), 4)
    data = experiment.data(setting, data_key)
    how = {**experiment.fit, **setting.get("fit", {})}
    models = experiment.build(data, build_key)
    fits = {
        name: fit(model, experiment.objective(name), data, key=jax.random.fold_in(fit_key, i), progress=progress, **how)
        for i, (name, model) in enumerate(models.items())
        if name in setting.get("models", (name,))
    }
    outcome = Outcome(data, fits, setting, key)
    report = experiment.metrics(outcome)
    # A model that this scale leaves out owes no figure; every other name that is in no row is a slip.
    left_out = {name for name in experiment.expected if name[0] in models and name[0] not in fits}
    left_out -= {(row.model, row.metric) for row in report}
    report = report.expect({name: of for name, of in experiment.expected.items() if name not in left_out})
    seconds = time.perf_counter() - start
    found = Run(experiment.name, experiment.paper, scale, seed, seconds, report, experiment.baseline)
    (out / "metrics.json").write_text(json.dumps(found.to_dict(), indent=2) + "\n")
    (out / "table.md").write_text(found.to_markdown())
    if experiment.draw is not None:
        experiment.draw(outcome, out)
    return found
