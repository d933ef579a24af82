"""Formulas from fields: the truth of Lotka and Volterra, and of Lorenz; refusal of what cannot be told apart."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.integrate import solve_ivp

from sdekit.neural import Formula, Joined, Polynomials, Terms, symbolic
from sdekit.neural._symbolic import stepwise


def lotka(t, x):
    return jnp.stack([0.7 * x[0] - 1.3 * x[0] * x[1], x[0] * x[1] - 0.9 * x[1]])


def lorenz(t, x):
    return jnp.stack([10 * (x[1] - x[0]), x[0] * (28 - x[2]) - x[1], x[0] * x[1] - 8 / 3 * x[2]])


def path(field, x0, end, n):
    rhs = lambda t, x: np.asarray(field(t, x))
    return solve_ivp(rhs, (0, end), x0, t_eval=np.linspace(0, end, n), rtol=1e-8, atol=1e-8).y.T


ORBIT = path(jax.jit(lotka), [1.0, 1.0], 12.0, 200)


def test_the_equations_of_lotka_and_volterra_are_found_on_one_orbit():
    formula = symbolic(lotka, ORBIT, variables=("x", "y"))
    assert formula.terms == (("x", "x y"), ("y", "x y"))
    assert str(formula) == "x' = 0.7 x - 1.3 x y\ny' = -0.9 y + 1 x y"
    at = jnp.array([0.3, 2.0])
    np.testing.assert_allclose(formula(0.0, at), lotka(0.0, at), atol=1e-8)


def test_the_equations_of_lorenz_are_found_among_cubics():
    xs = path(jax.jit(lorenz), [1.0, 2.0, 20.0], 5.0, 500)
    formula = symbolic(lorenz, xs, library=Polynomials(3), threshold=0.01, variables=("x", "y", "z"))
    assert formula.terms == (("x", "y"), ("x", "y", "x z"), ("z", "x y"))
    np.testing.assert_allclose(np.sort(formula.values), np.sort([-10, 10, 28, -1, -1, -8 / 3, 1]), atol=1e-6)


def test_terms_of_a_users_own():
    own = Terms((("sin({0})", lambda x: jnp.sin(x[0])),))
    xs = np.random.default_rng(0).uniform(-3, 3, (100, 2))
    pendulum = lambda t, x: jnp.stack([x[1], -2 * jnp.sin(x[0]) - 0.5 * x[1]])
    formula = symbolic(pendulum, xs, library=Joined(Polynomials(3), own), variables=("q", "v"))
    assert str(formula) == "q' = 1 v\nv' = -0.5 v - 2 sin(q)"


def test_small_disturbances_are_left_out():
    """What a network says too much, of a twentieth of the field. On one orbit the six terms nearly depend."""
    noisy = lambda t, x: lotka(t, x) * (1 + 0.05 * jnp.sin(7 * x.sum()))
    formula = symbolic(noisy, ORBIT)
    assert formula.terms == (("x0", "x0 x1"), ("x1", "x0 x1"))


def test_steps_are_those_of_a_brute_force():
    rng = np.random.default_rng(0)
    columns, active = rng.normal(size=(40, 5)), list(range(5))
    columns[:, 4] += 2 * columns[:, 0]
    target = columns @ [1.0, 0.05, -0.4, 0.0, 0.2] + 0.1 * rng.normal(size=40)
    rest = lambda some: np.sum((target - columns[:, some] @ np.linalg.lstsq(columns[:, some], target)[0]) ** 2)
    allowed = rest(active) + 0.3**2 * np.sum(target**2)
    while True:
        smaller = min(([j for j in active if j != k] for k in active), key=rest)
        if rest(smaller) > allowed:
            break
        active = smaller
    expected = np.zeros(5)
    expected[active] = np.linalg.lstsq(columns[:, active], target)[0]
    assert 1 < len(active) < 5
    np.testing.assert_allclose(stepwise(columns, target, 0.3), expected, atol=1e-10)


def test_monomials_are_those_of_a_brute_force():
    x = np.array([2.0, 3.0, 5.0])
    names = Polynomials(3).names(("a", "b", "c"))
    values = np.asarray(Polynomials(3)(jnp.asarray(x)))
    assert len(names) == len(set(names)) == 20
    for name, value in zip(names, values, strict=True):
        code = name.replace(" ", "*").replace("^", "**")
        assert eval(code, {"a": 2.0, "b": 3.0, "c": 5.0}) == value


def test_a_component_of_nothing_is_zero():
    formula = symbolic(lambda t, x: jnp.stack([x[0], 0 * x[1]]), ORBIT, library=Polynomials(1))
    assert str(formula) == "x0' = 1 x0\nx1' = 0"
    np.testing.assert_array_equal(formula(0.0, jnp.ones(2))[1], 0)


def test_a_formula_is_a_drift_with_as_many_parameters_as_terms():
    formula = symbolic(lotka, ORBIT)
    gradient = jax.jacrev(lambda v: eqx.tree_at(lambda f: f.values, formula, v)(0.0, jnp.array([2.0, 3.0])))
    # Places in the order of the library: x0 and then x1 stand first, x0 x1 last, in both components.
    assert formula.places == ((1, 0), (2, 1), (4, 0), (4, 1))
    np.testing.assert_array_equal(gradient(formula.values), [[2.0, 0, 6.0, 0], [0, 3.0, 0, 6.0]])


def test_what_cannot_be_told_apart_is_refused():
    line = np.linspace(0, 1, 50)[:, None] * np.ones((1, 2))
    with pytest.raises(ValueError, match="`xs` tell only 3 of 6 terms apart"):
        symbolic(lotka, line)
    with pytest.raises(ValueError, match="`threshold` must lie in"):
        symbolic(lotka, ORBIT, threshold=0.0)
    with pytest.raises(ValueError, match="`field` must be finite"):
        symbolic(lambda t, x: x / 0, ORBIT)
    with pytest.raises(ValueError, match="`variables` must name 2 components"):
        symbolic(lotka, ORBIT, variables=("x",))
    with pytest.raises(ValueError, match=r"Formula\.places"):
        Formula(Polynomials(1), ((2, 0),), jnp.ones(1), ("x",))
    with pytest.raises(ValueError, match=r"Formula\.values"):
        Formula(Polynomials(1), ((1, 0),), jnp.ones(2), ("x",))
