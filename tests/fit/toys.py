"""Small models, objectives and records, whose optimum is known in closed form."""

import jax
import jax.numpy as jnp
import numpy as np

import sdekit as sk
from sdekit import constraints, parameter
from sdekit._types import Array, as_vector
from sdekit.data import Series
from sdekit.inference import AbstractObjective
from sdekit.processes import OrnsteinUhlenbeck


class Line(sk.AbstractParametric):
    """`y = slope . t^(0, 1, ...) + noise`."""

    slope: Array = parameter(converter=as_vector)
    noise: Array = parameter(constraints.positive, converter=as_vector)
    offset: Array = parameter(constraints.positive, trainable=False, converter=as_vector, default=0.1)


class GaussianLoss(AbstractObjective):
    """Negative log-likelihood of a `Line`, a mean over items; `jitter` adds noise from the key to the loss."""

    jitter: float = 0.0

    def __call__(self, model, batch, *, key):
        def one(item):
            powers = jnp.vander(item.ts, model.slope.shape[0], increasing=True)
            residual = (item.ys[:, 0] - powers @ model.slope) / model.noise
            return 0.5 * jnp.mean(residual**2) + jnp.log(model.noise[0]), jnp.mean(residual**2)

        loss, square = jax.tree.map(jnp.mean, jax.vmap(one)(batch))
        noise = self.jitter * jax.random.normal(key, ()) * model.slope[0]
        return loss + noise, {"square": square}


class OUTransitions(AbstractObjective):
    """Negative log-density of the transitions of an Ornstein-Uhlenbeck process, given the first state."""

    def __call__(self, model, batch, *, key):
        def one(item):
            step = lambda t0, t1, x, y: model.transition(t0, t1, x).log_prob(y)
            return -jax.vmap(step)(item.ts[:-1], item.ts[1:], item.ys[:-1], item.ys[1:]).mean()

        return jax.vmap(one)(batch).mean(), {}


def lines(items: int = 8, times: int = 6, seed: int = 0, dtype=None) -> Series:
    """Noisy straight lines with one slope, in JAX's default precision unless another is asked for."""
    dtype = jnp.result_type(float) if dtype is None else dtype
    rng = np.random.default_rng(seed)
    ts = np.broadcast_to(np.linspace(0.0, 1.0, times), (items, times)).astype(dtype)
    ys = (0.3 + 1.7 * ts + 0.2 * rng.standard_normal(ts.shape)).astype(dtype)
    return Series(ts, ys)


def line(dtype=None, slope=(0.0, 0.0)) -> Line:
    dtype = jnp.result_type(float) if dtype is None else dtype
    return Line(jnp.asarray(slope, dtype), jnp.ones(1, dtype), jnp.full(1, 0.1, dtype))


def least_squares(data: Series) -> tuple[np.ndarray, float]:
    """The closed form for `Line`: coefficients and root mean square residual."""
    ts, ys = np.asarray(data.ts).ravel(), np.asarray(data.ys).ravel()
    design = np.stack([np.ones_like(ts), ts], 1)
    slope, *_ = np.linalg.lstsq(design, ys, rcond=None)
    return slope, float(np.sqrt(np.mean((ys - design @ slope) ** 2)))


def ornstein_uhlenbeck(times: int = 201, items: int = 2) -> Series:
    truth = OrnsteinUhlenbeck(rate=1.0, mean=2.0, scale=0.5)
    path = truth.sample(jnp.linspace(0.0, 20.0, times), key=jax.random.key(7), n=items)
    return Series(jnp.broadcast_to(path.ts, (items, times)), path.xs)


def ar1(data: Series) -> tuple[float, float, float]:
    """Rate, mean and scale from the regression of each state on the one before (equal steps)."""
    ys, h = np.asarray(data.ys)[..., 0], float(data.ts[0, 1] - data.ts[0, 0])
    x, y = ys[:, :-1].ravel(), ys[:, 1:].ravel()
    a, b = np.polyfit(x, y, 1)
    q = np.mean((y - a * x - b) ** 2)
    rate = -np.log(a) / h
    return rate, b / (1 - a), float(np.sqrt(q * 2 * rate / (1 - a**2)))


def same_bits(one, other) -> bool:
    """Whether two PyTrees of arrays and keys agree to the last bit."""
    data = lambda x: jax.random.key_data(x) if jnp.issubdtype(x.dtype, jax.dtypes.prng_key) else x
    left, right = jax.tree.leaves(one), jax.tree.leaves(other)
    pairs = zip(left, right, strict=True)
    return all(np.asarray(data(a)).tobytes() == np.asarray(data(b)).tobytes() for a, b in pairs)


def same_history(one, other) -> bool:
    """Whether two histories agree to the last bit, wall clock apart."""
    return list(one) == list(other) and all(one[n].tobytes() == other[n].tobytes() for n in one if n != "seconds")
