"""The linear noise approximation as a process: linear Gaussian, so that a Kalman filter is its likelihood."""

from typing import Any

import diffrax
import equinox as eqx
import jax
import jax.numpy as jnp
import numpyro.distributions as dist

from .._errors import require
from .._process import AbstractLinearGaussian, AbstractMarginal, draw_chain
from .._types import Key, Law, RealScalar, State, Times
from ..paths import SampledPath
from ._moments import LinearNoiseClosure, moment_field
from ._network import ReactionNetwork


__all__ = ["LinearNoise"]

_CLOSURE = LinearNoiseClosure()


class LinearNoise(AbstractLinearGaussian, AbstractMarginal):
    r"""$X_t \approx \phi(t) + \xi_t$ with the rate equations $\dot\phi = S^\top a(\phi)$ and Gaussian noise
    $d\xi = J(\phi)\,\xi\,dt + S^\top \mathrm{diag}(\sqrt{a(\phi)})\,dW$.

    A linear Gaussian process that starts at the counts of the network at time 0: means and covariances are exact for
    linear networks. Wrapped in `Observed` it serves counts seen with noise, at irregular times and in part, through
    `MarginalLikelihood` and `fit`.

    **Arguments:**

    - `network`: a `ReactionNetwork` whose propensities do not depend on time.
    - `spread`: the standard deviation of the counts at time 0, a small positive number (a Kalman filter needs one).
    - `steps`: how many steps of the solver (Tsit5) between two times.

    **Raises:** `ValueError` for `steps < 1`, `spread <= 0` or time-dependent propensities.

    Source: Komorowski, Finkenstaedt, Harper and Rand (2009), Bayesian inference of biochemical kinetic parameters using
    the linear noise approximation.

    !!! example

        ```python
        import jax.numpy as jnp
        from sdekit.jumps import LinearNoise, ReactionNetwork
        network = ReactionNetwork({"in": "0 -> X", "out": "X -> 0"}, {"in": 10.0, "out": 0.1}, {"X": 0})
        LinearNoise(network).marginal(50.0).mean  # [99.326]
        ```
    """

    network: ReactionNetwork
    spread: float = eqx.field(static=True)
    steps: int = eqx.field(static=True)

    def __init__(self, network: ReactionNetwork, spread: float = 1e-3, steps: int = 32):
        self.network, self.spread, self.steps = network, spread, steps

    def __check_init__(self):
        require(self.steps >= 1, "LinearNoise.steps", "must be a positive integer", self.steps, "pass steps=32")
        require(self.spread > 0, "LinearNoise.spread", "must be positive", self.spread, "pass spread=1e-3")
        remedy = "use moments(), which takes any network"
        require(not self.network.is_time_dependent, "LinearNoise.network", "depends on time", self.network, remedy)

    @property
    def dim(self) -> int:
        return self.network.dim

    @property
    def initial(self) -> Law:
        x = self.network.start.astype(self.network.rates.dtype)
        return dist.Normal(x, jnp.full_like(x, self.spread)).to_event(1)

    def discretise(self, t0: RealScalar, t1: RealScalar) -> tuple[Any, Any, Any]:
        start = self.network.start.astype(self.network.rates.dtype)
        phi0 = self._run(jnp.zeros((), start.dtype), t0, start, jnp.zeros((self.dim, self.dim), start.dtype))[0]
        phi, a, q = self._run(t0, t1, phi0, jnp.zeros((self.dim, self.dim), start.dtype))
        return a, phi - a @ phi0, (q + q.T) / 2

    def _run(self, t0, t1, phi, c):
        """The rate equations, their derivative by the start, and the covariance of the noise from `t0` to `t1`."""
        dtype = phi.dtype
        whole = moment_field(self.network, _CLOSURE, dtype)
        s = jnp.asarray(self.network.stoichiometry, dtype)

        def field(t, y):
            phi, flow, c = y
            jacobian = s.T @ jax.jacfwd(lambda x: self.network.propensities(t, x))(phi)
            dphi, dc = whole(t, (phi, c))
            return dphi, jacobian @ flow, dc

        t0, t1 = jnp.asarray(t0, dtype), jnp.asarray(t1, dtype)
        gap = jnp.where(t1 > t0, t1 - t0, 1)
        unit = lambda u, y: jax.tree.map(lambda v: v * jnp.where(t1 > t0, gap, 0), field(t0 + u * gap, y))
        y0 = (phi, jnp.eye(self.dim, dtype=dtype), c)
        found = diffrax.diffeqsolve(
            diffrax.ODETerm(lambda u, y, _: unit(jnp.asarray(u, dtype), y)), diffrax.Tsit5(),
            0.0, 1.0, 1 / self.steps, y0, max_steps=self.steps + 1,
        )  # fmt: skip
        assert found.ys is not None
        return jax.tree.map(lambda v: v[-1], found.ys)

    def transition(self, t0: RealScalar, t1: RealScalar, x: State) -> Law:
        a, b, q = self.discretise(t0, t1)
        return dist.MultivariateNormal(a @ x + b, q + self._jitter(q))

    def marginal(self, t: RealScalar) -> Law:
        dtype = self.network.rates.dtype
        start = self.network.start.astype(dtype)
        c = jnp.eye(self.dim, dtype=dtype) * self.spread**2
        phi, _, c = self._run(jnp.zeros((), dtype), t, start, c)
        return dist.MultivariateNormal(phi, (c + c.T) / 2 + self._jitter(c))

    def _jitter(self, q):
        # What a network conserves has no noise of its own.
        return jnp.eye(self.dim, dtype=q.dtype) * self.spread**2

    def draw(self, ts: Times, *, key: Key) -> SampledPath:
        return draw_chain(self, self.initial, ts, key=key)
