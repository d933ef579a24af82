"""A neural SDE as a newcomer writes it: two dimensions, an MLP drift, fitted by maximum likelihood of its transitions.

The truth is a damped rotation, so that the drift has a known field to be compared with, and the scale a known law.
"""

import jax
import jax.numpy as jnp
import numpy as np
import numpyro.distributions as dist
import optax

import sdekit as sk
from sdekit.data import Series
from sdekit.inference import TransitionLikelihood
from sdekit.nets import ConstantDiffusion, MLPField
from sdekit.processes import Additive, Diffusion, Ito


A = jnp.array([[-1.0, -2.0], [2.0, -1.0]])
SCALE = jnp.array([0.5, 0.8])
START = dist.Normal(jnp.zeros(2), jnp.array([0.4, 0.6])).to_event(1)


def test_the_drift_field_and_the_scale_come_back():
    h, ts = 0.02, 0.02 * jnp.arange(101)
    truth = Diffusion(lambda t, x: A @ x, ConstantDiffusion(SCALE), START, interpretation=Ito, structure=Additive)
    paths = truth.sample(ts, key=jax.random.key(0), n=128)
    data = Series(jnp.broadcast_to(ts, (128, 101)), paths.xs)
    field = MLPField(2, width=16, depth=1, key=jax.random.key(1))
    model = Diffusion(field, ConstantDiffusion(jnp.ones(2)), START, interpretation=Ito, structure=Additive)
    fit = sk.fit(
        model, TransitionLikelihood(), data, key=jax.random.key(2), steps=600, batch_size=32, progress=False,
        optimiser=optax.adam(optax.cosine_decay_schedule(2e-2, 600)),
    )  # fmt: skip
    # sd of the maximum-likelihood scale: scale / sqrt(2 n); Euler's own bias here is h |trace A| / 4 < 1 %.
    n = 128 * 100
    error = 3 * SCALE / np.sqrt(2 * n) + SCALE * h
    assert (jnp.abs(fit.model.diffusion_field.scale - SCALE) < error).all()
    xs = data.ys[:, ::10].reshape(-1, 2)
    learned = jax.vmap(lambda x: fit.model.drift(0.0, x))(xs)
    residual = jnp.sqrt(((learned - xs @ A.T) ** 2).sum(-1).mean() / ((xs @ A.T) ** 2).sum(-1).mean())
    # A linear least-squares fit of the same data has a relative error of about 0.06; a network is allowed 3 times that.
    assert residual < 0.18, residual
