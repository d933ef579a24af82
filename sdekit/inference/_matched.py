"""The control of a posterior that is known by its marginals."""

import equinox as eqx
import jax
import jax.numpy as jnp
import lineax as lx
import numpyro.distributions as dist
from jaxtyping import Float

from .._process import AbstractDiffusion, Additive
from .._types import Array, RealScalar, State
from ..nets import AbstractContext, AbstractMarginals
from ._algebra import symmetric
from ._start import Placement
from ._transitions import covariance_rate, ito_drift


__all__ = ["Matched", "marginal_start"]


class Matched(eqx.Module):
    r"""The control $u$ under which a diffusion has given Gaussian marginals, from $g u = f_q - f_p$.

    With $x = m + L \varepsilon$, $D = g g^\top$: $f_q = m' + L' \varepsilon + \frac12 \nabla \cdot D -
    \frac12 D L^{-\top} \varepsilon$, which has the marginals by the Fokker-Planck equation.
    """

    base: AbstractDiffusion
    marginals: AbstractMarginals
    context: AbstractContext
    end: Float[Array, ""]

    def at(self, t: RealScalar) -> tuple[State, Float[Array, "d d"]]:
        return self.marginals(t, self.context(t))

    def control(self, t: RealScalar, x: State) -> Float[Array, " m"]:
        t = jnp.asarray(t, x.dtype)
        (mean, root), (dmean, droot) = jax.jvp(self.at, (t,), (jnp.ones_like(t),))
        eps = jax.scipy.linalg.solve_triangular(root, x - mean, lower=True)
        score = -jax.scipy.linalg.solve_triangular(root.T, eps, lower=False)
        rate = covariance_rate(self.base, t, x)
        drift = dmean + droot @ eps + 0.5 * rate @ score + 0.5 * self._divergence(t, x)
        gap = drift - ito_drift(self.base, t, x)
        g = self.base.diffusion(t, x)
        if lx.is_diagonal(g):
            return gap / lx.diagonal(g)
        factor = jnp.linalg.cholesky(symmetric(rate))
        return g.as_matrix().T @ jax.scipy.linalg.cho_solve((factor, True), gap)

    def _divergence(self, t, x):
        if issubclass(self.base.structure, Additive):
            return jnp.zeros_like(x)
        return jnp.trace(jax.jacfwd(lambda x: covariance_rate(self.base, t, x))(x), axis1=1, axis2=2)

    def __call__(self, t: RealScalar, x: State, z: Float[Array, "m j"]) -> Float[Array, " m"]:
        inside = t < self.end
        # Past the end marginals may be anything: the control there is evaluated at the end, and dropped.
        u = self.control(jnp.where(inside, t, self.end), x)
        return jnp.where(inside, u, 0).astype(x.dtype)


def marginal_start(mean: State, root: Float[Array, "d d"], where: Placement) -> dist.MultivariateNormal:
    """The law of the standard normal numbers of the start that gives a state of this law."""
    # Once for all series of a batch: the prior is the same.
    inverse = jax.scipy.linalg.solve_triangular(where.root, jnp.eye(where.n, dtype=where.root.dtype), lower=True)
    return dist.MultivariateNormal(inverse @ (mean - where.mean), scale_tril=inverse @ root)
