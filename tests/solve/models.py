"""Small diffusions with known answers."""

from collections.abc import Callable

import equinox as eqx
import jax
import jax.numpy as jnp
import lineax as lx
import numpyro.distributions as dist

from sdekit._process import AbstractDiffusion, Additive, Diagonal, General, Ito, Scalar
from sdekit.solve import solve


class Equation(AbstractDiffusion):
    """Fields written down: the vector `f(x, p)` and the matrix `g(x, p)`."""

    p: jax.Array
    # The fields are static: models of one kind share them, and so share compiled programs.
    f: Callable = eqx.field(static=True)
    g: Callable = eqx.field(static=True)
    structure: type = eqx.field(static=True)
    interpretation: type = eqx.field(static=True, default=Ito)
    start: tuple = eqx.field(static=True, default=(1.0,))

    @property
    def dim(self):
        return len(self.start)

    @property
    def initial(self):
        return dist.Delta(jnp.asarray(self.start, jnp.result_type(self.p)), event_dim=1)

    def drift(self, t, x):
        return self.f(x, self.p)

    def diffusion(self, t, x):
        return lx.MatrixLinearOperator(self.g(x, self.p))

    def draw(self, ts, *, key):
        return solve(self, ts, key=key)


_still = lambda x, _p: jnp.zeros_like(x)
_ou_drift = lambda x, p: p[0] * (p[1] - x)
_ou_noise = lambda _x, p: p[2].reshape(1, 1)
_gbm_drift = lambda x, p: p[0] * x
_gbm_noise = lambda x, p: jnp.diag(p[1] * x)
_pendulum_drift = lambda x, _p: -jnp.sin(2 * x)
_pendulum_noise = lambda _x, p: p[0].reshape(1, 1)
_area_noise = lambda x, _p: jnp.stack([jnp.ones_like(x[0]), x[0]])[:, None]
_twisted_drift = lambda x, _p: -x
_twisted_noise = lambda x, _p: jnp.stack([jnp.stack([x[0], 0 * x[0]]), jnp.stack([x[0], x[1]])])
_still_noise = lambda x, p: jnp.eye(x.shape[0]) * p[0]


def ou(rate=2.0, mean=0.5, scale=0.3, dtype=None):
    return Equation(jnp.asarray([rate, mean, scale], dtype), _ou_drift, _ou_noise, Additive)


def gbm(drift=0.3, scale=0.6, interpretation=Ito, structure=Diagonal):
    return Equation(jnp.asarray([drift, scale]), _gbm_drift, _gbm_noise, structure, interpretation)


def pendulum(scale=0.7):
    """A nonlinear drift with additive noise."""
    return Equation(jnp.asarray([scale]), _pendulum_drift, _pendulum_noise, Additive)


def area(interpretation=Ito):
    """`(W, int W dW)`: one motion drives both components."""
    return Equation(jnp.zeros(1), _still, _area_noise, Scalar, interpretation, (0.0, 0.0))


def twisted(interpretation=Ito):
    """Two motions whose fields do not commute; the correction is `(x_0, x_0 + x_1) / 2`, by hand."""
    return Equation(jnp.zeros(1), _twisted_drift, _twisted_noise, General, interpretation, (1.0, 0.5))


def motion(scale=1.0, dim=1):
    return Equation(jnp.asarray([scale]), _still, _still_noise, Additive, Ito, (0.0,) * dim)
