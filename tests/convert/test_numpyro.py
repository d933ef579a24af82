import jax
import jax.numpy as jnp
import numpy as np
import numpyro.distributions as dist
import pytest
from numpyro import handlers
from numpyro.infer import MCMC, NUTS
from numpyro.infer.util import log_density

import sdekit as sk
from sdekit.convert import numpyro_model, with_parameters
from sdekit.evaluate import assert_same_law
from sdekit.processes import BrownianMotion, OrnsteinUhlenbeck


MODEL = OrnsteinUhlenbeck(rate=jnp.array([1.0, 2.0]), mean=0.5, scale=1.0)


def test_parameters_are_replaced_by_name():
    new = with_parameters(MODEL, {"rate": jnp.array([3.0, 4.0]), "scale": 2.0})
    assert new.rate.tolist() == [3.0, 4.0]
    assert new.scale.tolist() == [2.0, 2.0]
    assert new.mean.tolist() == [0.5, 0.5]
    assert jax.tree.structure(new) == jax.tree.structure(MODEL)


def test_names_reach_into_nested_models():
    model = sk.Observed(MODEL, sk.GaussianObservation(0.1))
    names = list(sk.named_parameters(model))
    nested = next(n for n in names if n.endswith("rate"))
    assert "." in nested
    assert with_parameters(model, {nested: 5.0}).process.rate.tolist() == [5.0, 5.0]


def test_draws_become_a_stack_of_models():
    models = jax.vmap(lambda v: with_parameters(MODEL, v))({"rate": jnp.arange(6.0).reshape(3, 2) + 1})
    assert models.rate.shape == (3, 2)
    assert models.mean.shape == (3, 2)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"speed": 1.0}, "`values` names no parameter of OrnsteinUhlenbeck, got 'speed'. Use"),
        ({"rate": jnp.ones(3)}, r"`values\['rate'\]` must have shape \(2,\)"),
    ],
)
def test_unknown_parameters_are_refused(values, message):
    with pytest.raises(ValueError, match=message):
        with_parameters(MODEL, values)


@pytest.mark.parametrize(
    ("priors", "message"),
    [
        ({}, "`priors` must not be empty"),
        ({"speed": dist.Normal()}, "`priors` names no parameter of OrnsteinUhlenbeck, got 'speed'"),
        ({"rate": dist.Normal(jnp.zeros(3), 1.0)}, r"`priors\['rate'\]` must have the parameter's shape \(2,\), got"),
        ({"rate": dist.Normal(0.0, 1.0)}, r"`priors\['rate'\]` leaves the parameter's domain .*LogNormal"),
    ],
)
def test_bad_priors_are_refused(priors, message):
    with pytest.raises(ValueError, match=message):
        numpyro_model(MODEL, lambda *_: 0.0, None, priors)


def test_a_log_density_must_be_one_number():
    program = numpyro_model(MODEL, lambda *_: jnp.zeros(3), None, {"mean": dist.Normal()})
    with pytest.raises(ValueError, match="`log_prob` must return one number"):
        handlers.seed(program, 0)()


def test_the_joint_density_is_prior_times_likelihood():
    prior = dist.LogNormal(0.0, 1.0)
    log_prob = lambda m, ys: m.stationary().log_prob(ys)
    ys = jnp.array([0.2, 0.9])
    program = numpyro_model(MODEL, log_prob, ys, {"rate": prior, "mean": dist.Normal(jnp.zeros(2), 1.0)})
    at = {"rate": jnp.array([0.5, 1.5]), "mean": jnp.array([0.1, -0.2])}
    joint, _ = log_density(program, (), {}, at)
    expected = prior.log_prob(at["rate"]).sum() + dist.Normal().log_prob(at["mean"]).sum()
    expected += log_prob(with_parameters(MODEL, at), ys)
    np.testing.assert_allclose(joint, expected, rtol=1e-12)
    drawn = handlers.seed(program, 0)()
    assert isinstance(drawn, OrnsteinUhlenbeck)


def test_a_conjugate_posterior_is_sampled():
    """The drift of a Brownian motion seen at its end: a normal prior and a normal posterior."""
    model = BrownianMotion(drift_rate=0.0, scale=1.0)
    t, x = 4.0, 3.0
    log_prob = lambda m, x: m.transition(0.0, t, jnp.zeros(1)).log_prob(x)
    program = numpyro_model(model, log_prob, jnp.array([x]), {"drift_rate": dist.Normal(0.0, 2.0)})
    mcmc = MCMC(NUTS(program), num_warmup=200, num_samples=4000, thinning=4, progress_bar=False)
    mcmc.run(jax.random.key(0))
    precision = 1 / 4 + t
    exact = dist.Normal(x / precision, precision**-0.5).sample(jax.random.key(1), (1000,))
    # Thinned draws of NUTS on a Gaussian are all but independent; a shift by half a deviation is found.
    assert_same_law(np.asarray(mcmc.get_samples()["drift_rate"][:, 0]), np.asarray(exact), effect=0.25)
