r"""A field about that of Gaussian data, for the 8 x 8 digits: what the network learns is what is not Gaussian.

On the path $x_t = (1 - t) z + t x_1$ with data of mean $\mu$ and covariance $U \Lambda U^\top$, the spread of $x_t$ is
$C = t^2 \Lambda + (1 - t)^2$. Given $x_t$, the velocity of a Gaussian law has mean
$\mu + U\,(t\Lambda - (1 - t))\,C^{-1} y$ with $y = U^\top (x - t\mu)$, and variance $\Lambda/C$ in each direction: the
network is fed $C^{-1/2} y$ and its output is scaled by the root of that variance. Without this a small network has to
find the narrow directions of dequantised pixels by itself.
"""

from typing import Any, cast

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float

from .._parameters import AbstractParametric, parameter
from .._types import Array, Key, RealScalar, State
from ..data import Labelled, Series, concatenate
from ..inference import AbstractObjective
from ..interpolants import Dequantiser, Field, InterpolantMatching, LogSNRTimes, Velocity, one_sided_linear
from ..nets import ConditionalMLP
from ._training import single


__all__ = ["DIM", "LEVELS", "AboutGaussian", "DequantisedMatching", "digits_field", "load_digits", "matching", "seen"]

DIM = 64
LEVELS = Dequantiser(17, -1.0, 1.0)
_SPLIT = (1200, 200)


def load_digits(part: str) -> Labelled:
    """One part of the images as integers 0 to 16 with their classes: 1200 to train, 200 to validate, 397 to test."""
    from sklearn.datasets import load_digits as bundle

    bunch = cast(Any, bundle())
    order = np.random.default_rng(0).permutation(len(bunch.target))
    train, valid = _SPLIT
    which = {"train": order[:train], "valid": order[train : train + valid], "test": order[train + valid :]}[part]
    images = jnp.asarray(bunch.data[which], jnp.float32)
    return Labelled(
        Series(jnp.zeros((len(which), 1), jnp.float32), images[:, None]), bunch.target[which], num_classes=10
    )


def seen() -> Labelled:
    """The images to train and to validate: of these a fit holds out its own."""
    return cast(Labelled, concatenate([load_digits("train"), load_digits("valid")]))


class AboutGaussian(AbstractParametric):
    """The velocity of Gaussian data, and a network for the rest."""

    net: ConditionalMLP
    mean: Float[Array, " d"] = parameter(trainable=False)
    values: Float[Array, " d"] = parameter(trainable=False)
    vectors: Float[Array, "d d"] = parameter(trainable=False)

    def __call__(self, t: RealScalar, x: State, condition: Any = None) -> State:
        t = jnp.asarray(t, x.dtype)
        s = 1 - t
        spread = t**2 * self.values + s**2
        y = self.vectors.T @ (x - t * self.mean)
        # From 0 to 1 as the ratio of signal to noise goes from 1e-3 to 1e3.
        level = (jnp.log((t + 1e-3) / (s + 1e-3)) / jnp.log(1e3) + 1) / 2
        rest = jnp.sqrt(self.values / spread) * self.net(level, y / jnp.sqrt(spread), condition)
        return self.mean + self.vectors @ ((t * self.values - s) / spread * y + rest)


class DequantisedMatching(AbstractObjective):
    """`InterpolantMatching` of integers, to which new uniform noise is added at each step."""

    matching: InterpolantMatching

    def __call__(self, model: Any, batch: Any, *, key: Key):
        first, rest = jax.random.split(key)
        points = single(LEVELS.points(batch.series.ys, key=first))
        return self.matching(model, eqx.tree_at(lambda b: b.series.ys, batch, points), key=rest)


def _by_likelihood(t: RealScalar) -> Array:
    """The weight that makes the loss of the velocity a bound of the log-likelihood: half the slope of the ratio of
    signal to noise, by which errors of the denoised image count, times the square of 1 - t."""
    return jnp.asarray(t / (1 - t))


def matching(hidden: float = 0.3) -> DequantisedMatching:
    """The objective: the loss weighted by likelihood, with times even in the logarithm of the signal-to-noise ratio."""
    times = LogSNRTimes(-6.0, 9.5)
    return DequantisedMatching(InterpolantMatching(times=times, weight=_by_likelihood, unconditional=hidden))


def digits_field(data: Labelled, key: Key, width: int, depth: int = 3) -> Field:
    """An untrained field of the digits: exactly that of a Gaussian law with their mean and covariance."""
    images = np.asarray(data.series.ys[:, 0], np.float64)
    scaled = (images + 0.5) * 2 / 17 - 1
    covariance = np.cov(scaled.T) + np.eye(DIM) * (2 / 17) ** 2 / 12
    values, vectors = np.linalg.eigh(covariance)
    net = single(ConditionalMLP(DIM, width, depth, classes=10, embedding=32, key=key))
    zero = lambda f: (f.mlp.layers[-1].weight, f.mlp.layers[-1].bias)
    net = eqx.tree_at(zero, net, replace_fn=jnp.zeros_like)
    mean, values, vectors = (jnp.asarray(a, jnp.float32) for a in (scaled.mean(0), values, vectors))
    return Field(one_sided_linear(), Velocity(AboutGaussian(net, mean, values, vectors)))
