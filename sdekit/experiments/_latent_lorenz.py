r"""The stochastic Lorenz system behind sharp observations: does a latent SDE find its diffusion?

$\alpha_i x_i$ is the noise of component $i$, $\alpha = 0.15$, from $N(0, 1)$, seen at 41 times up to 1 with noise of a
hundredth of the deviation of each component. No figure of the paper says how good its fit is.
"""

import jax.numpy as jnp
import numpyro.distributions as dist

from ..processes import Diagonal, Diffusion, Lorenz
from ._experiment import Experiment
from ._toy_scores import draw_toy, expected_of, toy_metrics
from ._toys import BATCH, MATCHED, OBJECTIVES, Toy
from ._training import adam


__all__ = ["LATENT_LORENZ", "LORENZ"]

_ALPHA = 0.15
# Means and deviations of the components over [0, 1] and 4096 paths.
_CENTRE, _UNIT = (0.0, 0.0, 20.8), (8.9, 11.6, 15.4)


def _truth() -> Diffusion:
    """The system in units of the deviations of its components."""
    raw, centre, unit = Lorenz(scale=_ALPHA), jnp.asarray(_CENTRE), jnp.asarray(_UNIT)
    back = lambda x: centre + unit * x
    return Diffusion(
        lambda t, x: raw.drift(t, back(x)) / unit,
        lambda t, x: _ALPHA * back(x) / unit,
        dist.Normal(-centre / unit, 1 / unit).to_event(1),
        structure=Diagonal,
    )


LORENZ = Toy(
    _truth,
    times=41,
    noise=0.01,
    low=0.005,
    high=2.0,
    width=64,
    scales={f"alpha {i}": _ALPHA for i in (1, 2, 3)},
    steps=16,
)

LATENT_LORENZ = Experiment(
    name="latent-lorenz",
    paper="li2020",
    summary="the stochastic Lorenz system behind sharp observations: the diffusion that a latent SDE learns",
    data=lambda setting, key: LORENZ.draw(setting["n"], key)[0],
    build=LORENZ.build,
    objective=lambda name: OBJECTIVES[name],
    metrics=lambda outcome: toy_metrics(LORENZ, outcome),
    expected=expected_of("the law of the data; a bar of 15 %, set before it ran"),
    scales={
        "smoke": {"n": 512, "held": 8, "models": (MATCHED,), "fit": adam(800, 4e-3, end=0.01, warm=True, clip=10.0)},
        "paper": {"n": 1024, "held": 32, "fit": adam(1500, 4e-3, end=0.01, warm=True, clip=10.0)},
    },
    fit={"batch_size": BATCH},
    draw=lambda outcome, folder: draw_toy(LORENZ, outcome, folder),
)
