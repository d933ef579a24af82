"""Strong orders, from solves with coarse and fine steps of one Brownian motion."""

import diffrax
import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from sdekit._process import Ito
from sdekit.noise import Brownian
from sdekit.solve import solve

from .models import gbm, pendulum


FINEST = 1024
LEVELS = (16, 64, 256)
PATHS = 1000


@eqx.filter_jit
def _errors(model, solver, reference, key):
    """Root mean square errors at time 1 with as many steps as each level says."""

    def one(key):
        area = diffrax.SpaceTimeLevyArea
        noise = Brownian(0.0, 1 / FINEST, FINEST, key=key, levy_area=area)
        end = lambda noise, solver: solve(
            model, jnp.array([0.0, 1.0]), noise=noise, x0=model.initial.mean, solver=solver
        )
        coarse = [end(noise.coarsen(FINEST // n), solver).xs[-1, 0] for n in LEVELS]
        exact = end(noise, reference).xs[-1, 0] if reference is not None else _gbm(model, noise)
        return jnp.stack(coarse) - exact

    return jnp.sqrt(jnp.mean(jax.vmap(one)(jax.random.split(key, PATHS)) ** 2, axis=0))


def _gbm(model, noise):
    drift, scale = model.p
    w = noise.coarsen(FINEST).increment(0)[0]
    return jnp.exp(drift - (scale**2 / 2 if model.interpretation is Ito else 0.0) + scale * w)


@pytest.mark.parametrize(
    ("model", "solver", "reference", "order"),
    [
        pytest.param(gbm(), diffrax.Euler(), None, 0.5, id="Euler, multiplicative"),
        pytest.param(pendulum(), diffrax.Euler(), diffrax.ShARK(), 1.0, id="Euler, additive"),
        pytest.param(gbm(), diffrax.ItoMilstein(), None, 1.0, id="Milstein"),
        pytest.param(pendulum(), diffrax.ShARK(), diffrax.ShARK(), 1.5, id="ShARK"),
        pytest.param(pendulum(), diffrax.SRA1(), diffrax.ShARK(), 1.5, id="SRA1"),
    ],
)
def test_strong_order(model, solver, reference, order):
    errors = np.asarray(_errors(model, solver, reference, jax.random.key(5)))
    slope = -np.polyfit(np.log(LEVELS), np.log(errors), 1)[0]
    assert slope == pytest.approx(order, abs=0.1), errors
