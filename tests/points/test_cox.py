"""Log-Gaussian Cox processes: moments against their closed form, likelihood against quadrature."""

import jax
import jax.numpy as jnp
import numpy as np
from scipy import stats

from sdekit.data import Events
from sdekit.evaluate import assert_mean
from sdekit.points import LogGaussianCox
from sdekit.processes import GaussianProcess, Matern32


FIELD = GaussianProcess(Matern32())


def test_counts_have_the_moments_of_the_closed_form():
    """The field has variance v: the mean is that of a log-normal law; counts are overdispersed."""
    cox, n = LogGaussianCox(FIELD, cells=8, room=128), 4000
    counts = np.asarray(cox.sample(jnp.array([0.0, 4.0]), key=jax.random.key(0), n=n).mask.sum(axis=1), float)
    v = float(FIELD.covariance(jnp.zeros(1), jnp.zeros(1))[0, 0])
    np.testing.assert_allclose(cox.expected_counts(0.0, 4.0), 4 * np.exp(v / 2), rtol=1e-9)
    assert_mean(counts, 4 * np.exp(v / 2))
    want = float(cox.count_variance(0.0, 4.0))
    # The standard error of a variance by the bootstrap of its own fourth moment, at 1e-6.
    error = np.sqrt((((counts - counts.mean()) ** 2 - counts.var()) ** 2).mean() / n)
    assert abs(counts.var() - want) < stats.norm.isf(5e-7) * error
    assert want > cox.expected_counts(0.0, 4.0)


def test_the_approximate_likelihood_is_near_the_integral():
    """One cell: the integral over a normal field is one-dimensional."""
    cox = LogGaussianCox(FIELD, cells=1)
    v = float(FIELD.covariance(jnp.zeros(1), jnp.zeros(1))[0, 0])
    x, w = np.polynomial.hermite_e.hermegauss(120)
    for n in (0, 5, 40):
        g = np.sqrt(v) * x
        exact = np.log((w * np.exp(n * g - 3.0 * np.exp(g) - n)).sum() / np.sqrt(2 * np.pi)) + n
        events = Events(np.linspace(0.1, 2.9, max(n, 1)), mask=np.arange(max(n, 1)) < n, t1=3.0)
        np.testing.assert_allclose(cox.log_prob(events), exact, atol=0.06)
