"""A driver for tests: given rates and weights, a direct part, one mode that never moves."""

import jax
import jax.numpy as jnp
import numpy as np

import sdekit as sk
from sdekit.noise import AbstractDriver


class Modes(AbstractDriver):
    """Weights on modes of given rates; with `still = 1` a Gaussian read by `sin(t)`."""

    rates: jax.Array = sk.parameter(trainable=False)
    weights: jax.Array = sk.parameter()
    direct: float = 0.0
    still: int = 0
    steady: bool = True

    def readout(self, t):
        extra = jnp.broadcast_to(jnp.sin(jnp.asarray(t, self.weights.dtype)), (*self.weights.shape[:-1], self.still))
        return jnp.concatenate([self.weights, extra], axis=-1)

    @property
    def start(self):
        eye = jnp.eye(self.size, dtype=self.weights.dtype)
        return eye[:, self.modes :]


def covariance(driver, ts):
    """The covariance of the noise at times `ts` above 0, from the covariances of the modes in NumPy."""
    g, w, b = np.asarray(driver.rates), np.asarray(driver.weights), driver.direct
    g, w = np.append(g, 0.0), np.append(w, b)  # the direct part is a mode of rate 0
    total = g[:, None] + g[None, :]
    positive = np.where(total > 0, total, 1.0)
    out = np.empty((len(ts), len(ts)))
    for i, s in enumerate(ts):
        for j, t in enumerate(ts):
            low, high = min(s, t), max(s, t)
            both = np.where(total > 0, -np.expm1(-total * low) / positive, low)
            out[i, j] = w @ (np.exp(-g * (high - low))[:, None] * both) @ w
    return out + driver.still * np.outer(np.sin(ts), np.sin(ts))
