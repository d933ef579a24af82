"""The Goursat equation against Bessel functions and a plain double loop."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.special import iv, jv

from sdekit.math import goursat


@pytest.mark.parametrize("a", [0.3, 2.0, -1.5])
def test_on_a_square_it_is_a_bessel_function_to_second_order(a):
    """k'' = a k on the unit square has the corner I_0(2 sqrt(a)), J_0 where a is negative."""
    exact = iv(0, 2 * np.sqrt(a)) if a > 0 else jv(0, 2 * np.sqrt(-a))
    errors = [abs(float(goursat(jnp.full((1, 1), a), refine=r)) - exact) for r in (16, 32)]
    assert errors[1] < 1e-3
    assert 3.5 < errors[0] / errors[1] < 4.5, errors


@pytest.mark.parametrize("shape", [(1, 1), (1, 5), (4, 1), (3, 5), (5, 3)])
def test_diagonals_visit_the_cells_that_a_double_loop_visits(shape, key):
    c = np.asarray(jax.random.normal(key, shape))
    k = np.ones((shape[0] + 1, shape[1] + 1))
    for i, j in np.ndindex(shape):
        square = c[i, j] ** 2 / 12
        k[i + 1, j + 1] = (k[i, j + 1] + k[i + 1, j]) * (1 + c[i, j] / 2 + square) - k[i, j] * (1 - square)
    assert np.isclose(goursat(jnp.asarray(c)), k[-1, -1], rtol=1e-12)


def test_cells_cut_by_hand_are_cells_cut(key):
    c = jax.random.normal(key, (2, 3))
    cut = jnp.kron(c, jnp.full((3, 3), 1 / 9))
    assert np.isclose(goursat(cut), goursat(c, refine=3), rtol=1e-12)


def test_it_refuses_no_parts():
    with pytest.raises(ValueError, match="refine"):
        goursat(jnp.ones((2, 2)), refine=0)
