"""A neural SDE trained by scores of its laws at pairs of times, against exact marginals and covariance."""

from ..inference import FiniteDimensionalMatching
from ._experiment import Experiment
from ._rising_ou import COV, FLOOR, MODEL, W1, build, data, draw, metrics
from ._training import adam


__all__ = ["FDM_OU"]

FDM_OU = Experiment(
    name="fdm-ou",
    paper="zhang2025",
    summary="a neural SDE trained by scores of its laws at pairs of times, against exact marginals and covariance",
    data=data,
    build=lambda record, key: build(record, key, time=False),
    objective=lambda _name: FiniteDimensionalMatching(paths=128, sets=16, whiten=True, steps=1, window=6),
    metrics=metrics,
    expected={
        (MODEL, W1): (0.0, 0.05, "the exact marginals"),
        (MODEL, COV): (0.0, 0.05, "the exact covariance"),
    },
    scales={
        "smoke": {"n": 8192, "draws": 65536, "fit": adam(800, 1e-2, end=0.1, warm=True, clip=5.0, average=True)},
        "paper": {"n": 8192, "draws": 65536, "fit": adam(3000, 1e-2, end=0.1, warm=True, clip=5.0, average=True)},
    },
    fit={"batch_size": 256},
    draw=draw,
    baseline=FLOOR,
)
