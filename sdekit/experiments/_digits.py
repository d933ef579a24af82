r"""Handwritten digits of 8 x 8 pixels: likelihoods that can be compared, and samples that can be looked at.

A class-conditional flow with guidance. Likelihoods are of dequantised integers (17 levels), in bits a dimension and
without a class: an upper bound of those of the integers. Beside them stand a Gaussian and the best Gaussian mixture,
its number of components and its ridge chosen on the validation images: both are exact. Samples are judged by their
sliced distance from the test images, by a classifier of real images, and by how far they are from the nearest training
image. 64 dimensions and 1797 images: this says nothing of images at large.
"""

import math
from pathlib import Path
from typing import Any, cast

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import optax

from .._types import Array, Key
from ..data import Labelled
from ..evaluate import Report, Row
from ..interpolants import ExponentialStep, Field, Hutchinson, base_law, generate, log_prob, uniform_grid
from ..transport import sliced_wasserstein
from ._digits_model import DIM, LEVELS, digits_field, load_digits, matching, seen
from ._experiment import Experiment, Outcome
from ._training import single


__all__ = ["DIGITS", "bits", "how", "mixture", "nearest", "samples"]

_FLOW, _MIXTURE, _GAUSSIAN, _EVEN, _TEST = "flow", "Gaussian mixture", "Gaussian", "uniform", "test images"
_GUIDED = "flow, guidance 2"
_BITS, _BELOW = "bits a dimension", "bits a dimension below the mixture's"
_W2, _ACCURACY = "sliced W2 to the test images", "accuracy of a classifier"
_NEAR = "median distance to the nearest training image"
_FAR = "the same over that among training images"


def _points(data: Labelled, key: Key, copies: int = 1) -> Array:
    return single(LEVELS.points(jnp.tile(data.series.ys[:, 0], (copies, 1)), key=key))


@eqx.filter_jit
def bits(field: Field, x: Array, key: Key, steps: int = 64, probes: int = 4) -> Array:
    """Bits a dimension of points, shape `(n,)`, with random signs for the divergence."""
    base, divergence = base_law(field.path, DIM, jnp.float32), Hutchinson(probes)
    one = lambda y, k: log_prob(field, y, base, steps=steps, divergence=divergence, key=k)
    return LEVELS.bits(jax.vmap(one)(x, jax.random.split(key, x.shape[0])), DIM)


@eqx.filter_jit
def samples(field: Field, classes: Array, scale: Array | float, key: Key, steps: int = 64) -> Array:
    """A point for each class, with guidance, shape `(n, 64)`; `steps` evaluations each."""
    grid, step, base = uniform_grid(field.path, steps), ExponentialStep(), base_law(field.path, DIM, jnp.float32)

    def one(c, k):
        first, rest = jax.random.split(k)
        return generate(field.guided(c, scale), jnp.asarray(base.sample(first)), grid, key=rest, step=step)[-1]

    return jax.vmap(one)(classes, jax.random.split(key, classes.shape[0]))


def mixture(train: np.ndarray, valid: np.ndarray, most: int = 20) -> tuple[Any, Any]:
    """The Gaussian mixture of scikit-learn that is best on `valid`, and the single Gaussian."""
    from sklearn.mixture import GaussianMixture

    build = lambda k, ridge: GaussianMixture(k, reg_covar=ridge, max_iter=100, random_state=0).fit(train)
    counts = [k for k in (1, 2, 5, 7, 10, 14, 20) if k <= most]
    found = [build(k, ridge) for k in counts for ridge in (1e-4, 3e-4, 1e-3, 3e-3)]
    best = max(found, key=lambda m: m.score(valid))
    return best, max((m for m in found if m.n_components == 1), key=lambda m: m.score(valid))


def draw_mixture(fitted: Any, n: int) -> np.ndarray:
    """`n` points of a mixture of full Gaussians, by the roots of its precisions: its covariances are near singular."""
    rng = np.random.default_rng(0)
    which, z = rng.choice(fitted.n_components, n, p=fitted.weights_), rng.standard_normal((n, fitted.means_.shape[1]))
    roots = fitted.precisions_cholesky_
    return fitted.means_[which] + np.stack([np.linalg.solve(roots[k].T, x) for k, x in zip(which, z, strict=True)])


def nearest(x: np.ndarray, of: np.ndarray, skip: int = 0) -> np.ndarray:
    """Distances to the nearest of `of`, or with `skip` to the next."""
    square = (x**2).sum(1)[:, None] - 2 * x @ of.T + (of**2).sum(1)[None]
    return np.sqrt(np.maximum(np.partition(square, skip, axis=1)[:, skip], 0))


def _pixels(x: Array) -> np.ndarray:
    return np.asarray(LEVELS.integers(x)) / 16.0


def _likelihoods(outcome: Outcome, train: Labelled, valid: Labelled, test: Labelled) -> list[Row]:
    keys, field = jax.random.split(outcome.key, 5), outcome.fits[_FLOW].best
    x = _points(test, keys[0])[: outcome.setting["points"]]
    mine = np.asarray(bits(field, x, keys[1]))
    # Several dequantised copies: the mixture, too, sees more noise than there are images.
    fitted = mixture(np.asarray(_points(train, keys[2], 4)), np.asarray(_points(valid, keys[3], 4)))
    theirs = [np.asarray(LEVELS.bits(jnp.asarray(m.score_samples(np.asarray(x))), DIM)) for m in fitted]
    error = lambda v: float(v.std() / len(v) ** 0.5)
    rows = [Row(_FLOW, _BITS, float(mine.mean()), error(mine), 0.0)]
    gain = theirs[0] - mine
    rows.append(Row(_FLOW, _BELOW, float(gain.mean()), error(gain)))
    rows += [Row(n, _BITS, float(v.mean()), error(v), 0.0) for n, v in zip((_MIXTURE, _GAUSSIAN), theirs, strict=True)]
    drawn = LEVELS.integers(jnp.asarray(draw_mixture(fitted[0], len(test)), jnp.float32))
    rows.append(Row(_MIXTURE, _W2, _distance(np.asarray(drawn) / 16.0, test, keys[4]), None, 0.0))
    return [*rows, Row(_EVEN, _BITS, math.log2(LEVELS.levels), None, 0.0)]


def _distance(x: np.ndarray, test: Labelled, key: Key) -> float:
    own = np.asarray(test.series.ys[:, 0]) / 16.0
    return float(sliced_wasserstein(jnp.asarray(x, jnp.float32), jnp.asarray(own), key=key, projections=200))


def _metrics(outcome: Outcome) -> Report:
    from sklearn.svm import SVC

    train, valid, test = (load_digits(part) for part in ("train", "valid", "test"))
    rows = _likelihoods(outcome, train, valid, test)
    known = seen()
    real = np.asarray(known.series.ys[:, 0]) / 16.0
    settings: Any = {"gamma": 0.05, "C": 10.0}
    judge = SVC(**settings).fit(real, np.asarray(known.labels))
    among = float(np.median(nearest(real, real, 1)))
    keys = jax.random.split(jax.random.fold_in(outcome.key, 1), 3)
    classes = jnp.arange(len(test)) % 10
    for name, scale, k in ((_FLOW, 1.0, keys[0]), (_GUIDED, 2.0, keys[1])):
        x = _pixels(samples(outcome.fits[_FLOW].best, classes, scale, k))
        right = float((judge.predict(x) == np.asarray(classes)).mean())
        rows += [
            Row(name, _W2, _distance(x, test, keys[2]), None, 0.0),
            Row(name, _ACCURACY, right, None, 1.0),
            *_near(name, x, real, among),
        ]
    own = np.asarray(test.series.ys[:, 0]) / 16.0
    rows += [
        Row(_TEST, _W2, _distance(real[: len(test)], test, keys[2]), None, 0.0),
        Row(_TEST, _ACCURACY, float((judge.predict(own) == np.asarray(test.labels)).mean()), None, 1.0),
        *_near(_TEST, own, real, among),
    ]
    return Report(tuple(rows))


def _near(name: str, x: np.ndarray, real: np.ndarray, among: float) -> list[Row]:
    found = float(np.median(nearest(x, real)))
    return [Row(name, _NEAR, found), Row(name, _FAR, found / among)]


def _draw(outcome: Outcome, folder: Path) -> None:
    """Samples of each class, without guidance and with; the nearest training images of the first; real images."""
    import matplotlib.pyplot as plt

    from .. import plot

    train, field = seen(), outcome.fits[_FLOW].best
    classes = jnp.repeat(jnp.arange(10), 8)
    real, labels = np.asarray(train.series.ys[:, 0]) / 16.0, np.asarray(train.labels)
    plain, guided = (_pixels(samples(field, classes, w, outcome.key)) for w in (1.0, 2.0))
    square = (plain**2).sum(1)[:, None] - 2 * plain @ real.T + (real**2).sum(1)[None]
    close = real[square.argmin(1)]
    own = np.concatenate([real[labels == c][:8] for c in range(10)])
    with plot.style():
        figure, axes = plt.subplots(1, 4, figsize=(9.0, 2.9))
        names = ("samples", "their nearest training images", "samples, guidance 2", "training images")
        for ax, images, name in zip(axes, (plain, close, guided, own), names, strict=True):
            tiles = np.pad(images.reshape(10, 8, 8, 8), ((0, 0), (0, 0), (1, 0), (1, 0)))
            ax.imshow(tiles.transpose(1, 2, 0, 3).reshape(72, 90), cmap="gray_r", vmin=0, vmax=1)
            ax.set_title(name)
            ax.axis("off")
        plot.save(figure, folder / "digits.png")
    plt.close("all")


def how(steps: int, rate: float) -> dict[str, Any]:
    """Settings of a fit of the digits."""
    optimiser = optax.adam(optax.cosine_decay_schedule(rate, steps))
    return {"steps": steps, "optimiser": optimiser, "batch_size": 128, "chunk": 200, "valid": 1 / 7}


DIGITS = Experiment(
    name="digits",
    paper="albergo2023",
    summary="8 x 8 digits by a class-conditional flow: bits a dimension against Gaussian mixtures, samples, memory",
    data=lambda _setting, _key: seen(),
    build=lambda data, key: {_FLOW: digits_field(cast(Labelled, data), key, 256)},
    objective=lambda _name: matching(),
    metrics=_metrics,
    expected={
        (_FLOW, _BELOW): (0.25, 0.25, "below the best mixture's, exact, on the same points"),
        (_FLOW, _FAR): (1.25, 0.25, "not below 1: a model that copies has smaller distances"),
    },
    scales={
        "smoke": {"points": 100, "fit": how(300, 2e-3)},
        "paper": {"points": 397, "fit": how(6000, 4e-3)},
    },
    baseline=_MIXTURE,
    draw=_draw,
)
