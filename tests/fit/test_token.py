"""Optimisers made of the same code and numbers are equal; others are not."""

import functools

import jax.numpy as jnp
import numpy as np
import optax
import pytest

from sdekit.fit import FullBatch, Optax
from sdekit.fit._token import Structural, describe_token, token


MAKERS = {
    "adam": lambda r: optax.adam(r),
    "clip": lambda r: optax.chain(optax.clip_by_global_norm(1.0), optax.adamw(r, weight_decay=0.1)),
    "schedule": lambda r: optax.sgd(optax.cosine_decay_schedule(r, 100), momentum=0.9),
    "pieces": lambda r: optax.sgd(optax.piecewise_constant_schedule(r, {10: 0.5, 20: 0.1})),
    "lbfgs": lambda r: optax.lbfgs(r, memory_size=5),
    "masked": lambda r: optax.masked(optax.adam(r), {"a": True, "b": False}),
    "hyper": lambda r: optax.inject_hyperparams(optax.adam)(learning_rate=r),
}


@pytest.mark.parametrize("name", MAKERS)
def test_equal_when_made_alike(name):
    make = MAKERS[name]
    one, two, other = Structural(make(0.1)), Structural(make(0.1)), Structural(make(0.2))
    assert one == two
    assert hash(one) == hash(two)
    assert one != other
    assert " at 0x" not in repr(one)
    assert repr(one) == repr(two)


def test_numbers_of_other_kinds_differ():
    values = [1, 1.0, True, 0.0, -0.0, None, "1", (1,), [1], np.float64(1), np.ones(1), np.ones(2), jnp.ones(1)]
    tokens = [token(v) for v in values]
    for i, a in enumerate(tokens):
        for j, b in enumerate(tokens):
            same_array = {i, j} == {10, 12}  # a NumPy and a JAX array of the same numbers compile alike
            assert (a == b) == (i == j or same_array), (values[i], values[j])


def test_functions_that_call_themselves_and_objects():
    def make(n):
        def loop(k):
            return n if k == 0 else loop(k - 1)

        return loop

    assert token(make(1)) == token(make(1))
    assert token(make(1)) != token(make(2))
    assert token(functools.partial(max, 1)) == token(functools.partial(max, 1))
    thing, unhashable = object(), {1, 2}
    assert token(thing) == token(thing)
    assert token(thing) != token(object())
    assert token(unhashable) == token(unhashable)
    assert token(unhashable) != token({1, 2})
    assert describe_token(token(make(1))) == describe_token(token(make(1)))


def test_wrappers_compare_by_what_they_wrap():
    assert Optax(optax.adam(0.1)).transformation == Optax(optax.adam(0.1)).transformation
    assert FullBatch().transformation == FullBatch(optax.lbfgs()).transformation
