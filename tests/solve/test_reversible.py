"""Gradients that take the steps back: those of full backpropagation, in memory that does not grow with the steps."""

import diffrax
import equinox as eqx
import jax
import jax.numpy as jnp
import mpmath
import numpy as np
import numpyro.distributions as dist
import pytest

from sdekit._process import Stratonovich
from sdekit.noise import Brownian, Correlated, FractionalBrownian
from sdekit.processes import Diffusion
from sdekit.solve import EES25, FirstPassage, Reversible, solve

from .models import area, gbm, ou, pendulum, twisted


EVEN = jnp.linspace(0.0, 1.0, 3)
UNEVEN = jnp.array([0.0, 0.3, 0.4, 1.0])
HEUN, EES = diffrax.ReversibleHeun(), EES25()
FULL = diffrax.DirectAdjoint()


def both(loss, *arguments):
    """The gradient of `loss(adjoint, *arguments)` by steps taken back, and by full backpropagation."""
    which = tuple(range(len(arguments)))
    take = lambda adjoint: jax.value_and_grad(lambda *a: loss(adjoint, *a), argnums=which)
    return jax.jit(lambda *a: (take(Reversible())(*a), take(FULL)(*a)))(*arguments)


def weighed(xs):
    return jnp.sum(jnp.sin(xs) * jnp.arange(1.0, xs.size + 1).reshape(xs.shape))


def same(taken_back, full, rtol):
    assert float(taken_back[0]) == pytest.approx(float(full[0]), rel=1e-12)
    for a, b in zip(jax.tree.leaves(taken_back[1]), jax.tree.leaves(full[1]), strict=True):
        assert np.abs(b).max() > 0
        np.testing.assert_allclose(a, b, rtol=0, atol=rtol * np.abs(b).max())


def slopes(run, p, h=1e-6):
    """Central differences."""
    return [(run(p.at[i].add(h)) - run(p.at[i].add(-h))) / (2 * h) for i in range(p.shape[0])]


MODELS = {
    "additive": ou(),
    "diagonal": gbm(),
    "scalar": area(),
    "general": twisted(),
    "general, Stratonovich": twisted(Stratonovich),
}


CASES = [(name, HEUN, 1e-11) for name in list(MODELS)[:-1]] + [
    (name, EES, 1e-5) for name in ("diagonal", "general, Stratonovich")
]


@pytest.mark.parametrize(("name", "solver", "rtol"), CASES)
def test_gradients_are_those_of_full_backpropagation(key, name, solver, rtol):
    model, ts = MODELS[name], EVEN
    used = name in ("additive", "diagonal")  # the others have no parameters

    def loss(adjoint, x0, p):
        moved = eqx.tree_at(lambda m: m.p, model, p) if used else model
        path = solve(moved, ts, key=key, n=4, chunk=2, dt=0.01, x0=x0, solver=solver, adjoint=adjoint)
        return weighed(path.xs) + (0 if used else p.sum())

    same(*both(loss, jnp.asarray(model.start) + 0.1, model.p), rtol)


def test_gaps_that_differ(key):
    def loss(adjoint, p):
        model = eqx.tree_at(lambda m: m.p, gbm(), p)
        return weighed(solve(model, UNEVEN, key=key, n=2, dt=0.05, solver=HEUN, adjoint=adjoint).xs)

    run = jax.jit(lambda p: loss(Reversible(), p))
    np.testing.assert_allclose(jax.grad(run)(gbm().p), slopes(run, gbm().p), rtol=1e-7)


def test_gradients_by_times_and_by_initial_states_of_each_path(key):
    def loss(adjoint, gaps, x0):
        ts = jnp.concatenate([jnp.zeros(1), jnp.cumsum(gaps)])
        return weighed(solve(pendulum(), ts, key=key, n=2, steps=10, x0=x0, solver=HEUN, adjoint=adjoint).xs)

    same(*both(loss, jnp.array([0.3, 0.2]), jnp.array([[0.3], [-1.0]])), 1e-11)


def test_gradients_by_what_a_given_noise_holds(key):
    base = Brownian(0.0, 0.05, 20, dim=2, key=key)

    def loss(adjoint, mixing, x0):
        noise = Correlated(base, mixing)
        return weighed(solve(twisted(), EVEN, noise=noise, x0=x0, solver=HEUN, adjoint=adjoint).xs)

    same(*both(loss, jnp.array([[1.0, 0.0], [0.5, 0.8]]), jnp.array([1.0, 0.5])), 1e-11)


def test_gradients_along_fractional_noise(key):
    noise = FractionalBrownian(0.7, 0.0, 0.05, 20, key=key)

    def loss(adjoint, p):
        model = eqx.tree_at(lambda m: m.p, gbm(), p)
        return weighed(solve(model, EVEN, noise=noise, x0=jnp.ones(1), solver=EES, adjoint=adjoint).xs)

    same(*both(loss, gbm().p), 1e-5)


def test_gradients_by_what_a_field_closes_over(key):
    def loss(adjoint, rate):
        model = Diffusion(
            lambda _t, x: -rate * x, lambda _t, x: 0.3 * jnp.ones_like(x), dist.Delta(jnp.ones(1), event_dim=1)
        )
        return weighed(solve(model, EVEN, key=key, dt=0.05, solver=HEUN, adjoint=adjoint).xs)

    same(*both(loss, jnp.asarray(1.5)), 1e-11)


def test_series_of_their_own_times_under_vmap(key):
    """A map over gradients, with times that are traced: loops of unequal, unknown length."""
    every = jnp.array([[0.0, 0.3, 0.4], [0.0, 0.05, 0.6]])

    def loss(p, ts, k, adjoint):
        model = eqx.tree_at(lambda m: m.p, ou(), p)
        return weighed(solve(model, ts, key=k, dt=0.05, solver=HEUN, adjoint=adjoint).xs)

    keys = jax.random.split(key, 2)
    back = jax.grad(lambda p, ts, k: loss(p, ts, k, Reversible()))
    mapped = jax.jit(jax.vmap(back, (None, 0, 0)))(ou().p, every, keys)
    for ts, k, gradient in zip(every, keys, mapped, strict=True):
        run = jax.jit(lambda p, ts=ts, k=k: loss(p, ts, k, None))
        np.testing.assert_allclose(gradient, slopes(run, ou().p), rtol=1e-7)


def test_path_i_is_that_of_the_plain_solve(key):
    plain = solve(gbm(), EVEN, key=key, n=5, dt=0.05, solver=HEUN)
    for chunk in (2, 5):
        taken = solve(gbm(), EVEN, key=key, n=5, chunk=chunk, dt=0.05, solver=HEUN, adjoint=Reversible())
        np.testing.assert_allclose(taken.xs, plain.xs, rtol=1e-13)
    one = solve(gbm(), EVEN, key=jax.random.fold_in(key, 3), dt=0.05, solver=HEUN, adjoint=Reversible())
    np.testing.assert_allclose(one.xs, plain.xs[3], rtol=1e-13)
    assert one.made.adjoint == "Reversible"


def _memory(adjoint, steps, n=4):
    def loss(p):
        model = eqx.tree_at(lambda m: m.p, pendulum(), p)
        path = solve(model, EVEN[:2], key=jax.random.key(0), n=n, steps=steps, solver=HEUN, adjoint=adjoint)
        return path.xs.sum()

    return jax.jit(jax.grad(loss)).lower(jnp.ones(1)).compile().memory_analysis().temp_size_in_bytes


def test_memory_does_not_grow_with_the_steps():
    few, many = (_memory(Reversible(), steps) for steps in (100, 10_000))
    assert many <= few + 256
    assert _memory(None, 4000) > 20 * many, "the default keeps the state before each step"


def test_a_way_back_that_loses_the_path_is_an_error(key):
    """Back along a drift of rate 40, rounding grows by exp(2 * 40)."""
    model = ou(rate=40.0)

    def gradient(ts, adjoint):
        moved = lambda p: eqx.tree_at(lambda m: m.p, model, p)
        loss = lambda p: solve(moved(p), ts, key=key, dt=0.01, solver=EES, adjoint=adjoint).xs.sum()
        return jax.jit(jax.grad(loss))(model.p)

    with pytest.raises(RuntimeError, match="lost the path on its way back"):
        jax.block_until_ready(gradient(jnp.array([0.0, 2.0]), Reversible()))
    often = jnp.linspace(0.0, 2.0, 101)  # saved times are where the way back starts afresh
    taken, full = gradient(often, Reversible(rtol=0.1)), gradient(often, FULL)
    np.testing.assert_allclose(taken, full, atol=1e-2 * np.abs(full).max(), rtol=0)


def test_float32_stays_and_agrees(key):
    model, ts = ou(dtype=jnp.float32), EVEN.astype(jnp.float32)

    def loss(adjoint, p):
        moved = eqx.tree_at(lambda m: m.p, model, p)
        return weighed(solve(moved, ts, key=key, dt=0.05, solver=HEUN, adjoint=adjoint).xs.astype(jnp.float32))

    taken, full = both(loss, model.p)
    assert taken[1][0].dtype == jnp.float32
    same((full[0], taken[1]), full, 1e-4)


REFUSED = {
    "a solver without a way back": (dict(solver=diffrax.Heun()), "ReversibleHeun"),
    "the default solver": ({}, "cannot take its steps back"),
    "an event": (dict(solver=HEUN, event=FirstPassage(2.0)), "event"),
    "a bar for one path": (dict(solver=HEUN, progress=True), "`progress` cannot move"),
    "adapted steps": (dict(solver=EES, controller=diffrax.PIDController(rtol=1e-2, atol=1e-2)), "`adjoint`"),
}


@pytest.mark.parametrize("case", REFUSED.values(), ids=REFUSED)
def test_refused(key, case):
    arguments, message = case
    with pytest.raises(ValueError, match=message):
        solve(ou(), EVEN, key=key, adjoint=Reversible(), **arguments)


def test_lifted_diffusions_are_refused(key):
    import sdekit as sk

    lifted = sk.processes.Lifted(sk.processes.OrnsteinUhlenbeck(rate=1.0), sk.noise.BrownianDriver())
    with pytest.raises(ValueError, match="does not fit an ExponentialIntegrator"):
        solve(lifted, EVEN, key=key, adjoint=Reversible())


def test_a_tolerance_must_be_positive():
    with pytest.raises(ValueError, match="`rtol` must be positive"):
        Reversible(rtol=0.0)


def test_steps_back_undo_steps_to_sixth_order():
    """The order of the defect and of the method, in 60 digits, from the tableau that is stepped."""
    tableau = EES.tableau
    with mpmath.workdps(60):
        # The doubles of the tableau are rounded; its entries at x = 1/10 are these fractions.
        exact = [mpmath.mpf(1) / 3, -mpmath.mpf(5) / 48, mpmath.mpf(15) / 16]
        flat = [float(tableau.a_lower[0][0]), *map(float, tableau.a_lower[1])]
        np.testing.assert_allclose(flat, [float(v) for v in exact], rtol=1e-14)
        np.testing.assert_allclose(tableau.b_sol, [0.1, 0.5, 0.4], rtol=1e-14)
        weights = [mpmath.mpf(1) / 10, mpmath.mpf(1) / 2, mpmath.mpf(2) / 5]
        field = lambda y: mpmath.matrix([mpmath.sin(y[1]) + y[0] * y[1], mpmath.cos(y[0]) - y[1] ** 2 * y[0]])

        def step(y, h):
            k1 = field(y)
            k2 = field(y + h * exact[0] * k1)
            k3 = field(y + h * (exact[1] * k1 + exact[2] * k2))
            return y + h * (weights[0] * k1 + weights[1] * k2 + weights[2] * k3)

        start = mpmath.matrix([0.7, -0.4])
        defect = lambda h: mpmath.norm(step(step(start, h), -h) - start)
        assert float(mpmath.log(defect(1e-3) / defect(5e-4), 2)) == pytest.approx(6, abs=0.01)


def test_the_solver_converges_in_the_sense_of_stratonovich(key):
    """`dX = X o dW` is `exp(W)`, with the order 1 that commuting noise has."""
    fine = Brownian(0.0, 2.0**-9, 2**9, key=key)
    model, errors = gbm(0.0, 1.0, Stratonovich), []
    for factor in (2, 8):
        noise = fine.coarsen(factor)
        xs = solve(model, noise.grid.times(), noise=noise, x0=jnp.ones(1), solver=EES).xs[:, 0]
        exact = jnp.exp(jnp.concatenate([jnp.zeros(1), jnp.cumsum(noise.increments()[:, 0])]))
        errors.append(float(jnp.max(jnp.abs(xs - exact))))
    assert errors[0] < errors[1] / 2.5 and errors[0] < 1e-2


def test_not_for_diffeqsolve():
    with pytest.raises(NotImplementedError, match="solve"):
        Reversible().loop()
