"""Domains that follow from the static fields of a model."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import numpyro.distributions as dist
import pytest

import sdekit as sk
from sdekit import constraints, parameter


class Bounded(sk.AbstractParametric):
    bounds: tuple[float, float] | None = eqx.field(static=True)
    value: jax.Array = parameter(
        lambda self: constraints.positive if self.bounds is None else constraints.interval(*self.bounds),
        trainable=lambda self: self.bounds is not None,
    )


def test_the_domain_of_each_model_is_its_own():
    for bounds, raw in (((1.0, 3.0), np.log(0.25 / 0.75)), ((0.0, 6.0), np.log(0.25 / 0.75)), (None, np.log(1.5))):
        model = Bounded(bounds, jnp.array(1.5))
        np.testing.assert_allclose(sk.unconstrain(model).value, raw, rtol=1e-6)
        np.testing.assert_allclose(sk.constrain(sk.unconstrain(model)).value, 1.5, rtol=1e-6)
        assert bool(sk.trainable(model).value) is (bounds is not None)
        assert list(sk.named_parameters(model)) == (["value"] if bounds else [])


def test_values_outside_the_domain_of_the_model_are_refused():
    with pytest.raises(ValueError, match=r"`Bounded\.value` must satisfy"):
        Bounded((1.0, 3.0), jnp.array(4.0))
    Bounded(None, jnp.array(4.0))


@pytest.mark.parametrize("order", [("loc", "scale"), ("scale", "loc")])
def test_laws_know_their_parameters_in_whatever_order_they_are_held(order, monkeypatch):
    """NumPyro holds them in the order of a set of strings, which is another one in another process."""
    monkeypatch.setattr(dist.Normal, "gather_pytree_data_fields", classmethod(lambda cls: order))
    law = dist.Normal(jnp.array([-1.0, 2.0]), jnp.array([0.1, 0.2]))
    raw = sk.unconstrain(law)
    np.testing.assert_allclose(raw.loc, law.loc)
    np.testing.assert_allclose(raw.scale, np.log(np.asarray(law.scale)), rtol=1e-6)
    np.testing.assert_allclose(sk.constrain(raw).scale, law.scale, rtol=1e-6)
