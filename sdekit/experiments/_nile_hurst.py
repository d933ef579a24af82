"""Hurst's own series: the annual minimum of the Nile at Roda, 622 to 1284."""

from ..data import Series, load
from ..evaluate import Report, Row
from ..fractional import ARFIMA, DFA, AbstractHurstEstimator, ExactMLE, Noise, RescaledRange, Variations, Whittle
from ._experiment import Experiment, Outcome


__all__ = ["NILE_HURST"]

_SOURCE = "an independent implementation on the same 663 values; the literature has about 0.84"
_ESTIMATORS: dict[str, AbstractHurstEstimator] = {
    "exact likelihood": ExactMLE(of=Noise()),
    "Whittle": Whittle(of=Noise()),
    "exact likelihood, ARFIMA(0, d, 0)": ExactMLE(ARFIMA(), of=Noise()),
    "variations": Variations(of=Noise()),
    "DFA": DFA(of=Noise()),
    "rescaled range": RescaledRange(of=Noise()),
}


def _series(outcome: Outcome) -> Series:
    assert isinstance(outcome.data, Series)
    return outcome.data


def _metrics(outcome: Outcome) -> Report:
    rows = []
    for name, estimator in _ESTIMATORS.items():
        found = estimator(_series(outcome))
        rows.append(Row(name, "Hurst index", float(found.hurst), float(found.standard_error)))
    return Report(tuple(rows))


def _draw(outcome: Outcome, folder) -> None:
    import matplotlib.pyplot as plt

    from .. import plot

    for name in ("exact likelihood", "Whittle", "variations", "DFA", "rescaled range"):
        axes = plot.hurst(_ESTIMATORS[name](_series(outcome)))
        plot.save(axes, folder / f"{name.replace(' ', '-').lower()}.png")
    plt.close("all")


NILE_HURST = Experiment(
    name="nile-hurst",
    paper="hurst1951",
    summary="the Hurst index of the annual minima of the Nile, 622 to 1284",
    data=lambda _setting, _key: load("nile_minima"),
    build=lambda _data, _key: {},
    objective=lambda _name: None,  # pyright: ignore[reportArgumentType]
    metrics=_metrics,
    expected={
        ("exact likelihood", "Hurst index"): (0.83, 0.01, _SOURCE),
        ("Whittle", "Hurst index"): (0.84, 0.01, _SOURCE),
    },
    scales={"smoke": {}, "paper": {}},
    draw=_draw,
)
