"""Volatility is rough: the log realised variance of the S&P 500 has a Hurst index near 0.13 at all moments."""

import jax.numpy as jnp
import numpy as np

from ..data import Series, load
from ..evaluate import Report, Row
from ..fractional import ExactMLE, HurstEstimate, Path, StructureFunctions, Variations, Whittle
from ._experiment import Experiment, Outcome


__all__ = ["ROUGH_VOLATILITY"]

_SOURCE = "an independent implementation on the same 1000 days, lags 1 to 30; about 0.14 in Gatheral et al. (2018)"
_FIGURES = {0.5: 0.138, 1.0: 0.134, 2.0: 0.128}
_STRUCTURE = StructureFunctions(qs=tuple(_FIGURES), lags=range(1, 31), of=Path())  # pyright: ignore[reportArgumentType]
_OTHERS = {"exact likelihood": ExactMLE(of=Path()), "Whittle": Whittle(of=Path()), "variations": Variations(of=Path())}


def _data(setting, key) -> Series:
    """The logarithm of realised variance, in the order of trading days: weekends are no gaps."""
    raw = load("sp500_realised_variance")
    variance = raw.ys[:, raw.names.index("realised_variance")]
    return Series(jnp.arange(len(variance), dtype=variance.dtype), jnp.log(variance), names=("log realised variance",))


def _structure(outcome: Outcome) -> HurstEstimate:
    assert isinstance(outcome.data, Series)
    return _STRUCTURE(outcome.data)


def _metrics(outcome: Outcome) -> Report:
    assert isinstance(outcome.data, Series)
    rows = []
    hursts = np.asarray(_structure(outcome).diagnostic.hursts)  # pyright: ignore[reportAttributeAccessIssue]
    for q, hurst in zip(_FIGURES, hursts, strict=True):
        rows.append(Row("structure functions", f"H at q = {q:g}", float(hurst)))
    for name, estimator in _OTHERS.items():
        found = estimator(outcome.data)
        rows.append(Row(name, "H", float(found.hurst), float(found.standard_error)))
    return Report(tuple(rows))


def _draw(outcome: Outcome, folder) -> None:
    import matplotlib.pyplot as plt

    from .. import plot

    assert isinstance(outcome.data, Series)
    plot.save(plot.hurst(_structure(outcome)), folder / "structure-functions.png")
    plot.save(plot.hurst(_OTHERS["Whittle"](outcome.data)), folder / "spectrum.png")
    plt.close("all")


ROUGH_VOLATILITY = Experiment(
    name="rough-volatility",
    paper="gatheral2018",
    summary="the log realised variance of the S&P 500 is rough: H near 0.13 at all moments",
    data=_data,
    build=lambda _data, _key: {},
    objective=lambda _name: None,  # pyright: ignore[reportArgumentType]
    metrics=_metrics,
    expected={
        **{("structure functions", f"H at q = {q:g}"): (h, 0.005, _SOURCE) for q, h in _FIGURES.items()},
        ("exact likelihood", "H"): (0.165, 0.005, "an independent implementation; noise of measurement not modelled"),
    },
    scales={"smoke": {}, "paper": {}},
    draw=_draw,
)
