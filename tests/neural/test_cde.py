"""Controlled equations: a closed form, padding, causality, permutations, learning."""

import diffrax
import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.linalg

from sdekit.data import Labelled, Series
from sdekit.neural import (
    CrossEntropy,
    Hermite,
    Linear,
    LogSignature,
    NeuralCDE,
    Rectilinear,
    SquaredError,
    neural_rde,
    solve_cde,
)

from .test_controls import TS, D, T, gappy, values


CAUSAL = [Hermite(), Rectilinear()]


answer = eqx.filter_jit(lambda m, series: m(series))
answers = eqx.filter_jit(lambda m, stack: jax.vmap(m)(stack))
trace = eqx.filter_jit(lambda m, series: m.trace(series))


def model(control, **options):
    return NeuralCDE.build(control, dim=D, state=4, width=6, depth=1, outputs=2, key=jax.random.key(0), **options)


def seen_up_to(series, k):
    """The series as it is known at row `k`: later rows are not observed, and hold rubbish."""
    later = (np.arange(series.length) > k)[:, None]
    return Series(series.ts, jnp.where(later, 1e6, series.ys), series.mask & ~later)


def test_a_linear_equation_is_a_product_of_exponentials():
    """On a straight piece, dz = sum_i A_i z dX_i gives exp(sum_i A_i D_i) z."""
    rng = np.random.default_rng(0)
    a = 0.5 * rng.normal(size=(D, 3, 3))
    ys, z = values(1), rng.normal(size=3)
    path = Linear(time=False)(Series(TS, ys))
    zs = solve_cde(lambda z: jnp.einsum("cij,j->ic", a, z), path, jnp.asarray(z), steps=400)
    for k, move in enumerate(np.diff(ys, axis=0)):
        z = scipy.linalg.expm(np.einsum("c,cij->ij", move, a)) @ z
        np.testing.assert_allclose(zs[k + 1], z, rtol=1e-3, atol=1e-4)


def test_a_curved_path_drives_as_in_diffrax():
    ys, m = values(6), model(Hermite())
    xs = jnp.asarray(np.column_stack([TS, ys]))
    curve = diffrax.CubicInterpolation(jnp.asarray(TS), diffrax.backward_hermite_coefficients(jnp.asarray(TS), xs))
    term = diffrax.ControlTerm(lambda t, z, _: m.field(z), curve).to_ode()
    found = diffrax.diffeqsolve(
        term, diffrax.Tsit5(), TS[0], TS[-1], None, jnp.ones(4), saveat=diffrax.SaveAt(ts=jnp.asarray(TS)),
        stepsize_controller=diffrax.PIDController(1e-8, 1e-8, jump_ts=jnp.asarray(TS)),
    )  # fmt: skip
    zs = eqx.filter_jit(lambda m, path: solve_cde(m.field, path, jnp.ones(4), 300))(m, Hermite()(Series(TS, ys)))
    np.testing.assert_allclose(zs, found.ys, atol=1e-4)


def test_heuns_error_falls_with_the_square_of_the_steps():
    path = Hermite()(Series(TS, values(2)))
    m = model(Hermite())
    run = jax.jit(lambda path, steps: solve_cde(m.field, path, jnp.ones(4), steps)[-1], static_argnums=1)
    solved = lambda steps: np.asarray(run(path, steps))
    fine = solved(640)
    errors = [np.abs(solved(steps) - fine).max() for steps in (10, 20, 40)]
    assert 3 < errors[0] / errors[1] < 5
    assert 3 < errors[1] / errors[2] < 5


def test_a_log_ode_step_sees_what_increments_do_not():
    """Two loops with the same ends, opposite areas: depth 1 cannot tell them apart, depth 2 can."""
    loop = jnp.array([[0.0, 0.0], [1.0, 0.0], [1.0, 1.0], [0.0, 1.0], [0.0, 0.0]])
    both = [Series(jnp.arange(5.0), ys) for ys in (loop, loop[::-1])]
    out = {}
    for depth in (1, 2):
        m = neural_rde(window=4, order=depth, dim=2, state=4, width=6, depth=1, outputs=2, key=jax.random.key(0))
        out[depth] = [np.asarray(answer(m, series)) for series in both]
    np.testing.assert_allclose(out[1][0], out[1][1], atol=1e-12)
    assert np.abs(out[2][0] - out[2][1]).max() > 1e-3


@pytest.mark.parametrize("control", [Linear(counts=3.0), LogSignature(2), *CAUSAL], ids=repr)
def test_padding_and_empty_rows_change_nothing(control):
    m, series = model(control), gappy()
    seen = np.asarray(series.mask.any(-1))
    expected = answer(m, Series(series.ts[seen], series.ys[seen], series.mask[seen]))
    padded = series.pad(9)
    np.testing.assert_allclose(answer(m, padded), expected, rtol=1e-12)
    np.testing.assert_allclose(trace(m, padded)[T - 1], expected, rtol=1e-12)


@pytest.mark.parametrize("control", CAUSAL, ids=repr)
def test_predictions_as_data_come_in_do_not_peek_and_end_at_the_last_one(control):
    m, series = model(control), gappy()
    found = np.asarray(trace(m, series))
    for k in np.flatnonzero(np.asarray(series.mask.any(-1))):
        np.testing.assert_allclose(answer(m, seen_up_to(series, k)), found[k], atol=1e-12)


def test_a_control_that_looks_ahead_fails_that_law():
    m, series = model(Linear()), gappy()
    found = np.asarray(trace(m, series))
    gaps = [np.abs(answer(m, seen_up_to(series, k)) - found[k]).max() for k in range(T)]
    assert max(gaps) > 1e-3


def test_items_in_another_order_give_answers_in_that_order():
    stack = gappy(0).join(gappy(1), gappy(2))
    m, order = model(Hermite()), np.array([2, 0, 1])
    np.testing.assert_array_equal(answers(m, stack[order]), answers(m, stack)[order])


def test_components_in_another_order_with_weights_in_that_order_change_nothing():
    series, order = gappy(), np.array([2, 0, 1])
    m = model(Hermite())
    columns = np.concatenate([[0], 1 + order])
    turned = eqx.tree_at(lambda m: m.initial.layers[0].weight, m, m.initial.layers[0].weight[:, columns])
    rows = (np.arange(4)[:, None] * (D + 1) + columns[None]).ravel()
    last = lambda m: (m.field.mlp.layers[-1].weight, m.field.mlp.layers[-1].bias)
    turned = eqx.tree_at(last, turned, tuple(x[rows] for x in last(m)))
    other = Series(series.ts, series.ys[:, order], series.mask[:, order])
    np.testing.assert_allclose(answer(turned, other), answer(m, series), atol=1e-12)


def test_losses_are_those_of_numpy():
    stack = gappy(0).join(gappy(1), gappy(2))
    m = model(Hermite())
    logits = np.asarray(answers(m, stack))
    p = np.exp(logits) / np.exp(logits).sum(1, keepdims=True)
    labels = np.array([0, 1, 1])
    loss, metrics = eqx.filter_jit(CrossEntropy())(m, Labelled(stack, labels), key=jax.random.key(0))
    np.testing.assert_allclose(loss, -np.log(p[np.arange(3), labels]).mean())
    np.testing.assert_allclose(metrics["accuracy"], (logits.argmax(1) == labels).mean())
    numbers = np.array([[0.0, 1.0], [2.0, 3.0], [4.0, 5.0]])
    loss, _ = eqx.filter_jit(SquaredError())(m, Labelled(stack, numbers), key=jax.random.key(0))
    np.testing.assert_allclose(loss, ((logits - numbers) ** 2).mean())


def test_labels_that_do_not_fit_are_refused():
    stack, m = gappy().stack(), model(Hermite())
    key, cross, squared = jax.random.key(0), eqx.filter_jit(CrossEntropy()), eqx.filter_jit(SquaredError())
    with pytest.raises(ValueError, match="`model` must return 5 logits"):
        cross(m, Labelled(stack, [0], num_classes=5), key=key)
    with pytest.raises(TypeError, match="`batch` must be a Labelled"):
        cross(m, stack, key=key)
    with pytest.raises(ValueError, match=r"`batch\.labels` must be classes"):
        cross(m, Labelled(stack, [[0.5]]), key=key)
    with pytest.raises(ValueError, match=r"`batch\.labels` must be numbers"):
        squared(m, Labelled(stack, [0]), key=key)
    with pytest.raises(ValueError, match=r"`labels\[0\]` must be a class, 0\.\.1"):
        Labelled(stack, [2], num_classes=2)
    with pytest.raises(ValueError, match=r"`labels` must have shape \(1,\)"):
        Labelled(stack, [0, 1])
    with pytest.raises(ValueError, match=r"`labels\[0, 0\]` must be finite"):
        Labelled(stack, [[np.nan]])


def test_a_log_ode_step_of_depth_two_is_of_the_next_order():
    """For dz = sum_i A_i z dX_i the areas come with commutators: [A_j, A_i] for i < j."""
    rng = np.random.default_rng(4)
    a = rng.normal(size=(2, 3, 3))
    more = np.concatenate([a, (a[1] @ a[0] - a[0] @ a[1])[None]])
    ts = np.linspace(0.0, 1.0, 9)
    shape = np.column_stack([np.sin(3 * ts), np.cos(4 * ts)])
    z = rng.normal(size=3)

    @jax.jit
    def stepped(ys):
        """One window over all of it, at depth 1 and 2, each along its log-signature with small steps."""
        solved = lambda depth, m: solve_cde(
            lambda z: jnp.einsum("cij,j->ic", m, z),
            LogSignature(8, depth, Linear(time=False))(Series(ts, ys)),
            jnp.asarray(z),
            200,
        )[-1]
        return solved(1, a), solved(2, more)

    errors = []
    for size in (0.2, 0.1):
        exact = z
        for move in np.diff(size * shape, axis=0):
            exact = scipy.linalg.expm(np.einsum("c,cij->ij", move, a)) @ exact
        errors.append([np.abs(np.asarray(out) - exact).max() for out in stepped(jnp.asarray(size * shape))])
    ratios = np.array(errors[0]) / np.array(errors[1])
    assert 2**1.6 < ratios[0] < 2**2.4
    assert 2**2.6 < ratios[1] < 2**3.6


def test_gradients_are_finite_differences():
    m, series = model(Hermite(), steps=2), gappy()
    total = eqx.filter_jit(lambda m: (m(series) ** 2).sum())
    gradient = eqx.filter_jit(eqx.filter_grad(lambda m: (m(series) ** 2).sum()))(m)
    where = lambda m: m.field.mlp.layers[0].weight
    nudged = lambda e: eqx.tree_at(where, m, where(m).at[2, 1].add(e))
    slope = (total(nudged(1e-5)) - total(nudged(-1e-5))) / 2e-5
    np.testing.assert_allclose(where(gradient)[2, 1], slope, rtol=1e-6)


@pytest.mark.parametrize("control", [LogSignature(2), Hermite(counts=3.0)], ids=repr)
def test_single_precision_is_near_double(control):
    m, series = model(control), gappy()
    to = lambda tree, dtype: jax.tree.map(lambda x: x.astype(dtype) if eqx.is_inexact_array(x) else x, tree)
    found = answer(to(m, jnp.float32), to(series, jnp.float32))
    assert found.dtype == jnp.float32
    np.testing.assert_allclose(found, answer(m, series), rtol=1e-4, atol=1e-5)
