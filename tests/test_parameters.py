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


class Reversed(dist.Normal):
    """A law whose leaves come in another order, as those of any law do in some processes."""

    @classmethod
    def gather_pytree_data_fields(cls):
        return tuple(reversed(sorted(super().gather_pytree_data_fields())))


class Started(sk.AbstractParametric):
    initial: dist.Distribution = sk.law_field(trainable=True)


@pytest.mark.parametrize("law", [dist.Normal, Reversed])
def test_the_parameters_of_a_law_keep_their_names_and_domains_in_any_order(law):
    model = Started(law(jnp.array(0.0), jnp.array(2.0)))
    raw = sk.unconstrain(model).initial
    np.testing.assert_allclose([raw.loc, raw.scale], [0.0, np.log(2.0)], atol=1e-6)
    assert {k: float(v) for k, v in sk.named_parameters(model).items()} == {"initial.loc": 0.0, "initial.scale": 2.0}
