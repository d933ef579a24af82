r"""Geometric Brownian motion behind sharp observations: does a latent SDE find its diffusion?

$dX = \mu X\,dt + \sigma X\,dW$ with $\mu = 1$, $\sigma = 0.5$ from $0.1 + N(0, 0.03^2)$, seen at 51 times up to 1
with noise 0.01. The latent coordinate is $X$ itself, in units of 0.1, with any diffusion $g(x)$ between bounds: its
floor keeps the control finite where a Gaussian marginal reaches below 0. $\sigma$ is the median of $g(x)/x$ along true
states.
"""

import jax
import jax.numpy as jnp
import numpyro.distributions as dist

from ..data import Series
from ..processes import GeometricBrownianMotion
from ._experiment import Experiment
from ._toy_scores import draw_toy, expected_of, toy_metrics
from ._toys import BATCH, MATCHED, OBJECTIVES, Toy
from ._training import adam


__all__ = ["GBM", "LATENT_GBM", "grid_evidence"]

_MU, _SIGMA, _START, _NOISE = 1.0, 0.5, (1.0, 0.3), 0.1


def _truth() -> GeometricBrownianMotion:
    start = dist.Normal(jnp.full(1, _START[0]), jnp.full(1, _START[1]))
    return GeometricBrownianMotion(_MU, _SIGMA, start.to_event(1))


GBM = Toy(
    _truth,
    times=51,
    noise=_NOISE,
    low=0.02,
    high=5.0,
    width=32,
    scales={"sigma": _SIGMA},
    steps=8,
)


@jax.jit
def grid_evidence(data: Series) -> jax.Array:
    """The exact log-density of each series under the truth, by a filter on a grid of the logarithm of the state.

    **Arguments:**

    - `data`: series at equal gaps, without missing values.

    **Returns:** shape `(n,)`. Starts below 0, of probability 4e-4, are left out.

    !!! example

        ```python
        import jax
        from sdekit.experiments._latent_gbm import GBM, grid_evidence
        grid_evidence(GBM.draw(3, jax.random.key(0))[0])
        ```
    """
    z = jnp.linspace(-3.5, 4.0, 1536)
    step, gap = z[1] - z[0], data.ts[0, 1] - data.ts[0, 0]
    normal = jax.scipy.stats.norm
    moved = z + (_MU - _SIGMA**2 / 2) * gap
    kernel = step * normal.pdf(z[None], moved[:, None], _SIGMA * jnp.sqrt(gap))
    start = step * normal.pdf(jnp.exp(z), *_START) * jnp.exp(z)

    def seen(mass, y):
        mass = mass * normal.pdf(y[:, None], jnp.exp(z)[None], _NOISE)
        total = mass.sum(axis=1, keepdims=True)
        return mass / total, jnp.log(total[:, 0])

    def row(mass, y):
        return seen(mass @ kernel, y)

    ys = data.ys[..., 0].T
    mass, first = seen(start[None], ys[0])
    return first + jax.lax.scan(row, mass, ys[1:])[1].sum(axis=0)


LATENT_GBM = Experiment(
    name="latent-gbm",
    paper="li2020",
    summary="geometric Brownian motion behind sharp observations: the diffusion that a latent SDE learns",
    data=lambda setting, key: GBM.draw(setting["n"], key)[0],
    build=GBM.build,
    objective=lambda name: OBJECTIVES[name],
    metrics=lambda outcome: toy_metrics(GBM, outcome, grid_evidence),
    expected=expected_of("the law of the data; a bar of 15 %, set before it ran"),
    scales={
        "smoke": {"n": 512, "held": 16, "models": (MATCHED,), "fit": adam(400, 4e-3, end=0.01, warm=True, clip=10.0)},
        "paper": {"n": 1024, "held": 64, "fit": adam(1500, 4e-3, end=0.01, warm=True, clip=10.0)},
    },
    fit={"batch_size": BATCH},
    draw=lambda outcome, folder: draw_toy(GBM, outcome, folder),
)
