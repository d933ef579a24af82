r"""The exact posterior drift of a linear Gaussian diffusion: what a variational control should become.

Given later observations, $\log p(\text{later } y \mid Z_t = s) = -\frac12 s^\top \Lambda_t s + \eta_t^\top s + \ldots$;
the posterior is the prior with the drift of its Brownian motion raised by $u = G^\top (\eta_t - \Lambda_t s)$.
"""

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Float

from .._errors import fault
from .._process import AbstractDiffusion, AbstractLinearGaussian
from .._types import Array, RealScalar, State, Times
from ..data import Series
from ._observed import Observed


__all__ = ["OptimalControl"]


class OptimalControl(eqx.Module):
    r"""The control that turns a linear Gaussian diffusion into its posterior, by a backward information filter.

    Called as `control(t, x, z)`, the field of `sdekit.processes.Controlled`: with it the divergence of path laws less
    the expected log-likelihood is minus the log-evidence, up to the error of the steps and the posterior of the start.

    **Arguments:**

    - `model`: an `Observed` whose process is linear Gaussian and a diffusion (`DrivenOrnsteinUhlenbeck`, `LinearSDE`),
        seen through a `GaussianObservation`.
    - `series`: one series. Missing entries do not count.

    **Raises:** `ValueError` for another process or observation law.

    !!! example

        ```python
        import jax
        import jax.numpy as jnp
        import sdekit as sk
        process = sk.processes.DrivenOrnsteinUhlenbeck(sk.noise.BrownianDriver(), rate=1.0)
        model = sk.Observed(process, sk.GaussianObservation(0.1, matrix=process.reads))
        control = sk.inference.OptimalControl(model, sk.Series([0.0, 1.0], [0.0, 0.5]))
        posterior = sk.processes.Controlled(process.base, process.driver, control)
        posterior.sample(jnp.linspace(0.0, 1.0, 11), key=jax.random.key(0)).xs[-1, 0]  # near 0.5
        ```

    Source: Daems, Opper, Crevecoeur and Birdal (2024), section 3.3, for one observation; Kalman duality in general.
    """

    process: AbstractLinearGaussian
    ts: Times
    precision: Float[Array, "t s s"]
    """$\\Lambda$ at each time of the series, its own observation counted."""
    shift: Float[Array, "t s"]
    """$\\eta$ there."""

    def __init__(self, model: Observed, series: Series):
        process = model.process
        if not (isinstance(process, AbstractLinearGaussian) and isinstance(process, AbstractDiffusion)):
            remedy = "pass an Observed of a DrivenOrnsteinUhlenbeck or a LinearSDE"
            problem = "must be a linear Gaussian diffusion"
            raise ValueError(fault("model.process", problem, type(process).__name__, remedy))
        c, r = model._linear("condition", series)
        self.process, self.ts = process, series.ts
        eye = jnp.eye(c.shape[1], dtype=c.dtype)

        def seen(y, mask):
            # Missing entries are integrated out: the precision of the others is that of the smaller block.
            both = mask[:, None] & mask[None, :]
            part = jnp.linalg.inv(jnp.where(both, r, jnp.eye(r.shape[0], dtype=r.dtype)))
            part = jnp.where(both, part, 0)
            return c.T @ part @ c, c.T @ (part @ jnp.where(mask, y, 0))

        def back(later, row):
            t0, t1, y, mask = row
            precision, shift = _before(process, t0, t1, later[0], later[1], eye)
            more, pull = seen(y, mask)
            now = (precision + more, shift + pull)
            return now, now

        last = seen(series.ys[-1], series.mask[-1])
        rows = (series.ts[:-1], series.ts[1:], series.ys[:-1], series.mask[:-1])
        _, (precision, shift) = jax.lax.scan(back, last, rows, reverse=True)
        self.precision = jnp.concatenate([precision, last[0][None]])
        self.shift = jnp.concatenate([shift, last[1][None]])

    def information(self, t: RealScalar) -> tuple[Float[Array, "s s"], Float[Array, " s"]]:
        r"""$\Lambda_t$ and $\eta_t$ of the observations after `t`."""
        after = jnp.searchsorted(self.ts, t, side="right")
        k = jnp.minimum(after, self.ts.shape[0] - 1)
        eye = jnp.eye(self.shift.shape[1], dtype=self.shift.dtype)
        precision, shift = _before(self.process, t, self.ts[k], self.precision[k], self.shift[k], eye)
        ahead = after < self.ts.shape[0]
        return jnp.where(ahead, precision, 0), jnp.where(ahead, shift, 0)

    def __call__(self, t: RealScalar, x: State, z: Float[Array, "m j"]) -> Float[Array, " m"]:
        state = jnp.concatenate([x, z.ravel()])
        precision, shift = self.information(t)
        assert isinstance(self.process, AbstractDiffusion)
        return self.process.diffusion(t, state).transpose().mv(shift - precision @ state)


def _before(process, t0, t1, precision, shift, eye):
    """The information of what lies after `t1`, seen from `t0`."""
    a, b, q = process.discretise(t0, t1)
    gain = jnp.linalg.solve(eye + precision @ q, jnp.concatenate([precision @ a, (shift - precision @ b)[:, None]], 1))
    back = a.T @ gain
    return (back[:, :-1] + back[:, :-1].T) / 2, back[:, -1]
