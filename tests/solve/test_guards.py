"""What is refused says what, where, the value and the remedy; what breaks says when and why."""

import diffrax
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from sdekit._errors import SolveError
from sdekit._process import Additive, Diagonal
from sdekit.noise import Brownian, Correlated
from sdekit.solve import FirstPassage, solve

from .models import Equation, gbm, motion, ou, twisted


KEY = jax.random.key(0)
TS = jnp.linspace(0.0, 1.0, 5)
NOISE = Brownian(0.0, 0.125, 8, key=KEY)
FINE = Brownian(0.0, 0.125, 8, key=KEY, levy_area=diffrax.SpaceTimeLevyArea)


def x(d=1):
    return jnp.ones(d)


REFUSED = {
    "no key": (ou, TS, {}, "`key` must be given"),
    "empty times": (ou, jnp.zeros(0), dict(key=KEY), "at least 1"),
    "unsorted times": (ou, jnp.array([0.0, 2.0, 1.0]), dict(key=KEY), "Sort the times"),
    "duplicate times": (ou, jnp.array([0.0, 1.0, 1.0]), dict(key=KEY), "Merge duplicate"),
    "time that is not finite": (ou, jnp.array([0.0, jnp.nan]), dict(key=KEY), "must be finite"),
    "dt of zero": (ou, TS, dict(key=KEY, dt=0.0), "`dt` must be positive and finite, got 0.0"),
    "dt below zero": (ou, TS, dict(key=KEY, dt=-0.1), "`dt` must be positive"),
    "dt not a number": (ou, TS, dict(key=KEY, dt=float("nan")), "`dt` must be positive"),
    "dt above the span": (ou, TS, dict(key=KEY, dt=2.0), "span of ts, 1, got 2.0. Pass a step below it, e.g. 0.001"),
    "steps that float32 cannot tell apart": (
        ou, jnp.array([1e6, 1e6 + 1], jnp.float32), dict(key=KEY, dt=0.01), "nearer origin",
    ),
    "no paths": (ou, TS, dict(key=KEY, n=0), "`n` must be a positive"),
    "empty chunks": (ou, TS, dict(key=KEY, n=2, chunk=0), "`chunk` must be a positive"),
    "a noise for many paths": (ou, TS, dict(key=KEY, n=2, noise=NOISE), "vmap over noises"),
    "x0 of another dimension": (ou, TS, dict(key=KEY, x0=x(2)), "`x0` must have shape"),
    "x0 without a dimension": (ou, TS, dict(key=KEY, x0=1.0), "a state is a vector"),
    "a step beside a noise": (ou, TS, dict(noise=FINE, x0=x(), dt=0.1), "the steps are those of the noise"),
    "times off the grid": (
        ou, jnp.array([0.0, 0.3]), dict(noise=FINE, x0=x()), r"`ts\[1\]` must be a time of the grid of `noise`",
    ),
    "times beyond the grid": (ou, jnp.array([0.0, 2.0]), dict(noise=FINE, x0=x()), r"`ts\[1\]` must be a time"),
    "a noise with too little": (ou, TS, dict(noise=NOISE, x0=x()), "must know SpaceTimeLevyArea, which ShARK needs"),
    "a noise of another dimension": (twisted, TS, dict(noise=NOISE, x0=x(2)), "as many components"),
    "an unsafe noise": (
        ou, TS, 
        dict(noise=diffrax.UnsafeBrownianPath((1,), KEY), x0=x(), solver=diffrax.Euler()), "UnsafeBrownianPath",
    ),
    "a tree without adapted steps": (
        ou, TS, dict(noise=diffrax.VirtualBrownianTree(0.0, 1.0, 0.1, (1,), KEY), x0=x(), solver=diffrax.Euler()),
        "must be a sdekit.noise.AbstractNoise",
    ),
    "a solver that halves steps": (ou, TS, dict(key=KEY, solver=diffrax.HalfSolver(diffrax.Euler())), "inside a step"),
    "a name for a solver": (ou, TS, dict(key=KEY, solver="euler"), "must be a Diffrax solver"),
    "an additive solver": (gbm, TS, dict(key=KEY, solver=diffrax.ShARK()), "is for additive noise alone"),
    "an ODE solver": (gbm, TS, dict(key=KEY, solver=diffrax.Tsit5()), "converges neither"),
    "Milstein on correlated noise": (
        lambda: gbm(structure=Diagonal), TS,
        dict(noise=Correlated(NOISE, jnp.ones((1, 1))), x0=x(), solver=diffrax.ItoMilstein()), "StratonovichMilstein",
    ),
    "too many steps": (ou, TS, dict(key=KEY, dt=0.01, max_steps=10), "below the 100 steps, got 10"),
    "Euler backwards": (
        ou, TS, dict(key=KEY, solver=diffrax.Euler(), adjoint=diffrax.BacksolveAdjoint()), "Use diffrax.Heun",
    ),
    "Milstein backwards": (
        ou, TS, dict(key=KEY, solver=diffrax.EulerHeun(), adjoint=diffrax.BacksolveAdjoint()), "BacksolveAdjoint",
    ),
    "SRK backwards": (ou, TS, dict(key=KEY, adjoint=diffrax.BacksolveAdjoint()), "cannot run backwards"),
    "an event under a backward solve": (
        ou, TS, 
        dict(key=KEY, solver=diffrax.Heun(), adjoint=diffrax.BacksolveAdjoint(), event=FirstPassage(2.0)), "`event`",
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", REFUSED.values(), ids=REFUSED)
def test_refused(case):
    model, ts, arguments, message = case
    with pytest.raises(ValueError, match=f"(?i){message}"):
        solve(model(), ts, **arguments)


def test_a_traced_step_is_refused():
    with pytest.raises(ValueError, match="must be a known number"):
        jax.jit(lambda dt: solve(ou(), TS, key=KEY, dt=dt).xs)(0.1)


_explode = lambda x, _p: x**3
_root = lambda x, _p: jnp.sqrt(x)
_noise = lambda _x, p: p[0].reshape(1, 1)


def test_an_explosion_says_when_which_path_and_why():
    model = Equation(jnp.ones(1), _explode, _noise, Additive)
    x0 = jnp.array([[0.1], [5.0], [0.1]])
    with pytest.raises(SolveError) as caught:
        solve(model, TS, key=KEY, n=3, x0=x0, dt=0.01, solver=diffrax.Euler())
    message = str(caught.value)
    assert "lost path 1: component 0 is not finite at t = 0." in message
    assert "of 100, Euler, dt = 0.01" in message and "grown without bound" in message and "smaller steps" in message


def test_leaving_the_domain_says_which_field_and_where():
    model = Equation(jnp.ones(1), _root, _noise, Additive)
    with pytest.raises(SolveError, match=r"The drift is not finite there: the state has left its domain"):
        solve(model, TS, key=KEY, x0=jnp.array([0.05]), dt=0.05, solver=diffrax.Euler())


def test_a_start_that_is_not_finite_is_said_to_be():
    with pytest.raises(SolveError, match="could not start the path"):
        solve(motion(), TS, key=KEY, x0=jnp.array([jnp.nan]), dt=0.1)


def test_under_jit_states_after_the_break_are_not_finite():
    model = Equation(jnp.ones(1), _root, _noise, Additive)
    run = lambda x0: solve(model, TS, key=KEY, x0=x0, dt=0.05, solver=diffrax.Euler()).xs
    xs = np.asarray(jax.jit(run)(jnp.array([0.05])))
    assert not np.isfinite(xs).all()
