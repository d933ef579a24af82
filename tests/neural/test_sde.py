"""Neural diffusions of every noise and sense; drifts around what is known."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import numpyro.distributions as dist
import pytest

import sdekit as sk
from sdekit import constraints, parameter
from sdekit.data import Series
from sdekit.inference import ELBO, LatentSDE, TransitionLikelihood
from sdekit.nets import ConstantDiffusion, ControlMLP, GaussianHead, GRUEncoder
from sdekit.neural import HybridDrift, neural_sde
from sdekit.processes import Additive, Diagonal, Diffusion, General, Ito, Scalar, Stratonovich
from sdekit.solve import solve


KINDS = [(noise, sense) for noise in (Additive, Diagonal, Scalar, General) for sense in (Ito, Stratonovich)]


@pytest.mark.parametrize(("noise", "sense"), KINDS, ids=lambda k: k.__name__)
def test_every_kind_is_what_it_says(noise, sense):
    m = neural_sde(3, width=8, depth=1, noise=noise, interpretation=sense, time=True, key=jax.random.key(0))
    assert (m.structure, m.interpretation, m.dim) == (noise, sense, 3)
    g = m.diffusion(jnp.zeros(()), jnp.ones(3)).as_matrix()
    assert g.shape == (3, 1 if noise is Scalar else 3)
    np.testing.assert_allclose(np.sqrt((np.asarray(g) ** 2).sum(1)), 0.3, rtol=0.5)
    jacobian = np.asarray(jax.jacfwd(lambda x: m.diffusion(jnp.zeros(()), x).as_matrix())(jnp.ones(3)))
    if noise is Additive:
        np.testing.assert_array_equal(jacobian, 0)
    else:
        assert np.abs(jacobian).max() > 0
    if noise is Diagonal:  # entry i sees the component i alone
        rows = np.asarray(jax.jacfwd(lambda x: jnp.diagonal(m.diffusion(jnp.zeros(()), x).as_matrix()))(jnp.ones(3)))
        np.testing.assert_array_equal(rows - np.diag(np.diag(rows)), 0)


@pytest.mark.parametrize("noise", [Diagonal, General], ids=lambda k: k.__name__)
def test_untrained_and_absurd_models_have_finite_paths(noise):
    m = neural_sde(2, width=8, depth=1, noise=noise, key=jax.random.key(0))
    absurd = jax.tree.map(lambda w: 1e3 * w if eqx.is_inexact_array(w) and w.ndim == 2 else w, m)
    for model in (m, absurd):
        path = solve(model, jnp.linspace(0.0, 20.0, 5), key=jax.random.key(1), steps=100, n=8)
        assert np.isfinite(path.xs).all()
        assert np.abs(np.asarray(path.xs)).max() < 500 * np.sqrt(20)


@pytest.mark.slow
@pytest.mark.parametrize(("noise", "sense", "m"), [(General, Stratonovich, 3), (Diagonal, Ito, 2)])
def test_a_neural_sde_is_the_prior_of_a_latent_one(noise, sense, m):
    """Before training the bound is finite, and no divergence: the posterior starts as the prior."""
    keys = jax.random.split(jax.random.key(0), 4)
    noises = m if noise is General else None
    base = neural_sde(2, width=8, depth=1, noise=noise, interpretation=sense, noises=noises, key=keys[0])
    latent = LatentSDE(
        base=base,
        observation=sk.GaussianObservation(jnp.full(2, 0.3)),
        encoder=GRUEncoder(dim=2, width=8, size=4, key=keys[1]),
        control=ControlMLP(dim=2, noise=m, context=4, width=8, depth=1, key=keys[2]),
        head=GaussianHead(context=4, n=2, width=8, depth=1, key=keys[3]),
    )
    data = Series(jnp.arange(4.0), jax.random.normal(keys[0], (4, 2)))
    value = eqx.filter_jit(eqx.filter_value_and_grad(ELBO(steps=2), has_aux=True))
    (loss, metrics), gradient = value(latent, data, key=jax.random.key(1))
    assert np.isfinite(loss)
    assert abs(float(metrics["kl_path"])) < 1e-9
    assert all(np.isfinite(g).all() for g in jax.tree.leaves(gradient))


def test_faults_are_named():
    key = jax.random.key(0)
    with pytest.raises(TypeError, match="`noise` must be Additive, Diagonal, Scalar or General"):
        neural_sde(2, width=4, depth=1, noise="diagonal", key=key)
    with pytest.raises(ValueError, match="`noises` is for general noise"):
        neural_sde(2, width=4, depth=1, noises=3, key=key)
    with pytest.raises(ValueError, match="`scale` must be positive"):
        neural_sde(2, width=4, depth=1, scale=0.0, key=key)


class Linear(sk.AbstractParametric):
    rate: jax.Array = parameter(constraints.positive)

    def __call__(self, t, x):
        return -self.rate * x


def test_what_is_known_is_the_start_and_the_network_learns_the_rest():
    """dX = (-X + 1.5 tanh(2 X)) dt + 0.3 dW: the pull is known, the push is not."""
    truth = Diffusion(
        lambda t, x: -x + 1.5 * jnp.tanh(2 * x), ConstantDiffusion(0.3), dist.Normal(0.0, jnp.ones(1)).to_event(1),
        structure=Additive,
    )  # fmt: skip
    paths = solve(truth, jnp.arange(0.0, 10.0, 0.05), key=jax.random.key(0), steps=4, n=20)
    data = Series(paths.ts, paths.xs)
    drift = HybridDrift.around(Linear(1.0), dim=1, width=16, depth=1, key=jax.random.key(1))
    x = jnp.array([0.7])
    np.testing.assert_array_equal(drift(0.0, x), -x)
    begin = Diffusion(drift, ConstantDiffusion(0.5), truth.initial, structure=Additive)
    fit = sk.fit(
        begin, TransitionLikelihood(), data, key=jax.random.key(2), steps=400, progress=False,
        frozen=lambda m: m.drift_field.known,
    )  # fmt: skip
    learned = fit.model.drift_field
    assert float(learned.known.rate) == 1.0
    xs = np.linspace(-1.5, 1.5, 13)
    found = np.asarray(jax.vmap(lambda x: learned.network(0.0, x))(jnp.asarray(xs)[:, None]))[:, 0]
    # 200 units of time and noise 0.3: the drift is known to about 0.3 / sqrt(200 / 13) = 0.08 in a thirteenth of the
    # data, and to 0.2 where they are few.
    assert np.sqrt(np.mean((found - 1.5 * np.tanh(2 * xs)) ** 2)) < 0.3
    np.testing.assert_allclose(fit.model.diffusion_field.scale, 0.3, rtol=0.05)
