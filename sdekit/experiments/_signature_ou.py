"""A neural SDE trained by the score of a signature kernel of its paths, against exact marginals and covariance."""

from typing import Any, cast

import equinox as eqx
import jax
import numpy as np

from .._types import Array, Key, PyTree
from ..data import AbstractRecord, Series
from ..inference import AbstractObjective, SignatureMatching
from ._experiment import Experiment
from ._rising_ou import COV, FLOOR, MODEL, W1, Seen, Standard, build, data, draw, metrics
from ._training import adam


__all__ = ["SIGNATURE_OU"]


class _Standardised(AbstractObjective):
    """A score of what a `Seen` shows, against the data in the same units."""

    score: SignatureMatching

    def __call__(self, model: PyTree, batch: AbstractRecord, *, key: Key) -> tuple[Array, dict[str, Array]]:
        series = cast(Series, batch)
        ys = jax.vmap(jax.vmap(model.standard))(series.ts, series.ys)
        return self.score(model, eqx.tree_at(lambda s: s.ys, series, ys), key=key)


def _build(record: Any, key: Key) -> dict[str, Seen]:
    standard = Standard.of(np.asarray(cast(Series, record).ys[..., 0]), alike=True)
    return {MODEL: cast(Any, Seen)(build(record, key, time=False)[MODEL], standard)}


SIGNATURE_OU = Experiment(
    name="signature-ou",
    paper="issa2023",
    summary="a neural SDE trained by a signature kernel of whole paths, against exact marginals and covariance",
    data=data,
    build=_build,
    objective=lambda _name: _Standardised(SignatureMatching(paths=32, times=16)),
    metrics=metrics,
    expected={
        (MODEL, W1): (0.0, 0.05, "the exact marginals"),
        (MODEL, COV): (0.0, 0.05, "the exact covariance"),
    },
    scales={
        "smoke": {"n": 8192, "draws": 8192, "fit": adam(200, 1e-2, end=0.1, warm=True, clip=5.0, average=True)},
        "paper": {"n": 8192, "draws": 65536, "fit": adam(1000, 1e-2, end=0.1, warm=True, clip=5.0, average=True)},
    },
    fit={"batch_size": 64},
    draw=draw,
    baseline=FLOOR,
)
