"""Adapted steps: the law at the times saved, rejected steps, and what is recorded."""

import diffrax
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import stats

from sdekit._errors import SolveError
from sdekit.evaluate import assert_law
from sdekit.solve import solve

from .models import gbm, ou, twisted


TS = jnp.array([0.0, 0.35, 1.0])
PID = diffrax.PIDController(rtol=1e-2, atol=1e-3)


def test_the_law_at_every_saved_time_is_exact_to_the_tolerance(key):
    """Times that are saved are stepped on: interpolation would lose the noise inside the step."""
    rate, mean, scale = 2.0, 0.5, 0.3
    path = solve(ou(rate, mean, scale), TS, key=key, n=2000, controller=PID)
    for j in (1, 2):
        t = float(TS[j])
        law = stats.norm(mean + (1 - mean) * np.exp(-rate * t), scale * np.sqrt(-np.expm1(-2 * rate * t) / (2 * rate)))
        assert_law(np.asarray(path.xs[:, j, 0]), law.cdf, effect=0.12, tolerance=0.005)
    assert path.made.solver == "ShARK" and path.made.dt is None and path.made.noise == "VirtualBrownianTree"
    assert path.made.rejected.shape == (2000,)


def test_paths_follow_their_tree(key):
    tree = diffrax.VirtualBrownianTree(0.0, 1.0, 2.0**-14, (1,), key, diffrax.SpaceTimeLevyArea)
    path = solve(gbm(), TS, noise=tree, x0=jnp.ones(1), controller=diffrax.PIDController(rtol=1e-4, atol=1e-5))
    exact = jnp.exp((0.3 - 0.18) * TS + 0.6 * jax.vmap(lambda t: tree.evaluate(t)[0])(TS))
    np.testing.assert_allclose(path.xs[:, 0], exact, rtol=3e-3)


def test_noise_that_does_not_commute_revisits_rejected_steps(key):
    path = solve(twisted(), TS, key=key, controller=PID, dt=0.5)
    assert int(path.made.rejected) > 0
    assert bool(jnp.isfinite(path.xs).all())


def test_running_out_of_steps_says_where(key):
    with pytest.raises(SolveError, match=r"`max_steps` = 5 steps and reached t = 0\.\d+ of 1 \(ShARK, adaptive\)"):
        solve(ou(), TS, key=key, controller=diffrax.PIDController(rtol=1e-6, atol=1e-6), max_steps=5)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (dict(controller=PID, solver=diffrax.Euler()), "error estimate"),
        (dict(controller=diffrax.ConstantStepSize()), "must adapt"),
        (dict(controller=PID, noise=diffrax.UnsafeBrownianPath((1,), jax.random.key(0))), "UnsafeBrownianPath"),
        (
            dict(controller=PID, noise=diffrax.VirtualBrownianTree(0.0, 1.0, 1e-3, (1,), jax.random.key(0))),
            "must know SpaceTimeLevyArea",
        ),
    ],
)
def test_what_cannot_be_adapted_is_refused(key, arguments, message):
    with pytest.raises(ValueError, match=message):
        solve(ou(), TS, key=key, **arguments)
