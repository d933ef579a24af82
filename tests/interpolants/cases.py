"""Every path, and mixtures at its ends drawn from a seed."""

import jax.numpy as jnp
import numpy as np
import numpyro.distributions as dist
from hypothesis import strategies as st

import sdekit.interpolants as si


MEAN = (0.3, -0.2)
PATHS = {
    "linear": si.linear(),
    "linear, quadratic": si.linear(si.quadratic_gamma(0.7)),
    "linear, sine": si.linear(si.sine_gamma()),
    "trigonometric": si.trigonometric(),
    "encoding-decoding": si.encoding_decoding(),
    "mirror": si.mirror(),
    "flow matching": si.flow_matching(),
    "flow matching, noisy": si.flow_matching(0.1),
    "one-sided linear": si.one_sided_linear(),
    "one-sided trigonometric": si.one_sided_trigonometric(),
    "one-sided root": si.one_sided_root(),
    "VP": si.variance_preserving(),
    "sub-VP": si.sub_variance_preserving(),
    "VE": si.variance_exploding(high=20.0),
    "OUVE": si.ouve(MEAN),
    "mean-reverting": si.mean_reverting(MEAN, 0.7),
    "Resfusion": si.resfusion(MEAN),
    "geometric Brownian": si.geometric_brownian(0.1, 0.5, 2),
    "from SDE": si.from_sde(lambda t: -1.0 - t, lambda t: 1.0 + t**2),
}
NOISY = {name: path for name, path in PATHS.items() if path.gamma is not None}
ONE_SIDED = {name: path for name, path in PATHS.items() if path.one_sided}
DIFFUSIONS = {name: path for name, path in ONE_SIDED.items() if path.data_time == 0.0}
seeds = st.integers(0, 2**31 - 1)
times = st.floats(1e-3, 1 - 1e-3)


def mixture(rng, k, dtype=float):
    """A mixture of `k` Gaussians in the plane with full covariances."""
    a = rng.normal(size=(k, 2, 2))
    covariances = a @ np.swapaxes(a, 1, 2) + 0.3 * np.eye(2)
    logits = jnp.asarray(rng.normal(size=k), dtype)
    normal = dist.MultivariateNormal(jnp.asarray(2 * rng.normal(size=(k, 2)), dtype), jnp.asarray(covariances, dtype))
    return dist.MixtureSameFamily(dist.Categorical(logits=logits), normal)


def ends(path, law0, law1):
    return (None if path.alpha is None else law0), (None if path.beta is None else law1)
