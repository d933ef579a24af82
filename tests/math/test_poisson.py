"""Poisson numbers by their counter, against SciPy. False alarms: 1e-6 a test."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import stats

from sdekit.math import counter_poisson


MEANS = np.array([0.01, 0.7, 5.0, 9.99, 10.0, 17.0, 300.0, 1e4])
N = 100_000
draw = jax.jit(counter_poisson)


@pytest.mark.parametrize("dtype", [jnp.float32, jnp.float64])
def test_numbers_have_the_law_of_scipy(key, dtype):
    found = np.asarray(draw(key, 3, jnp.broadcast_to(jnp.asarray(MEANS, dtype)[:, None], (len(MEANS), N))))
    level = 1e-6 / (3 * len(MEANS))
    for x, m in zip(found, MEANS, strict=True):
        assert abs(x.mean() - m) < stats.norm.isf(level / 2) * np.sqrt(m / N)
        # Their fourth central moment is m + 3 m^2. A mean of 0.01 has too few events for a normal limit.
        spread = np.sqrt((m + 2 * m**2) / N)
        assert abs(((x - m) ** 2).mean() - m) < stats.norm.isf(level / 2) * spread * (1.5 if m < 0.1 else 1)
        edges = np.unique(stats.poisson.ppf(np.linspace(0, 1, 202)[1:-1], m))
        expected = N * np.diff(np.concatenate([[0.0], stats.poisson.cdf(edges, m), [1.0]]))
        keep = expected >= 10
        seen = np.bincount(np.searchsorted(edges, x), minlength=len(expected))
        seen, expected = (np.append(c[keep], c[~keep].sum()) for c in (seen, expected))
        some = expected > 0
        # What is left over from the rounding of cells belongs to none.
        assert stats.chi2.sf(((seen - expected)[some] ** 2 / expected[some]).sum(), some.sum() - 1) > level


def test_a_number_depends_on_its_key_step_lane_and_mean_alone(key):
    means = jnp.asarray(np.resize([0.5, 40.0, 6.0, 2000.0], 64))
    one = np.asarray(draw(key, 5, means))
    np.testing.assert_array_equal(one[:7], draw(key, 5, means[:7]))
    steps = jax.jit(jax.vmap(counter_poisson, (None, 0, None)))(key, jnp.arange(4, 6), means)
    np.testing.assert_array_equal(steps[1], one)
    assert (np.asarray(steps[0]) != one).any()
    assert (np.asarray(counter_poisson(key, 5, means, stream=1)) != one).any()


def test_no_mean_no_number(key):
    odd = np.asarray(draw(key, 0, jnp.array([0.0, -1.0, jnp.nan])))
    np.testing.assert_array_equal(odd, [0, -1, -1])
    with pytest.raises(ValueError, match="`mean` must hold fewer"):
        jax.eval_shape(lambda: counter_poisson(key, 0, jnp.zeros(2**24)))
