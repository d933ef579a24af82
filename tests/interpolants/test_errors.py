"""What is wrong is said: where, the value, and the remedy."""

import jax
import jax.numpy as jnp
import numpyro.distributions as dist
import pytest

import sdekit as sk
import sdekit.interpolants as si
from sdekit.data import Snapshots
from sdekit.solve import solve


FIELD = si.Field(si.one_sided_linear(), si.Velocity(lambda t, x: -x))
LAW = dist.Normal(jnp.zeros(1), 1.0).to_event(1)
KEY = jax.random.key(0)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: FIELD.velocity(1.5, jnp.ones(1)), "`t` must lie in \\[0, 1\\], got 1.5"),
        (lambda: si.linear().at(-0.2, jnp.ones(1), jnp.ones(1), key=KEY), "`t` must lie in \\[0, 1\\]"),
        (lambda: FIELD.velocity(0.5, jnp.ones((3, 1))), "`x` must have shape \\(d,\\)"),
        (lambda: si.linear().at(0.5, jnp.ones(1), jnp.ones(2), key=KEY), "must have one shape"),
        (lambda: si.linear().at(0.5, jnp.ones(1), None, key=KEY), "`x1` is an end of this path"),
        (lambda: si.AffinePath(), "must not both be absent"),
        (
            lambda: si.linear(si.SmoothSchedule(lambda t: (t * (1 - t)) ** 0.25)),
            "infinite gamma times slope at an end.*RootSchedule",
        ),
        (lambda: si.trigonometric(si.brownian_gamma(8.0)), "`gamma` must stay below 1"),
        (lambda: si.mean_reverting([0.0], scale=-1.0), "`scale` must be positive"),
        (lambda: si.Field(si.flow_matching(), si.Score(lambda t, x: x)), "speak of the noise of a path that has none"),
        (lambda: si.Field(si.linear(), si.Velocity(lambda t, x: x)).score(0.5, jnp.ones(1)), "add a Score or Noise"),
        (lambda: si.Field(si.linear(), si.Score(lambda t, x: x)).drift(0.5, jnp.ones(1)), "add a Velocity, Drift or"),
        (lambda: si.Field(si.linear(), si.Noise(lambda t, x: x[:0])).noise(0.5, jnp.ones(1)), "must return shape"),
        (lambda: si.GenerativeDiffusion(FIELD, -1.0, dim=1), "`epsilon` must not be negative"),
        (lambda: si.GenerativeDiffusion(FIELD, 1.0), "`dim` must be given"),
        (
            lambda: si.GenerativeDiffusion(si.Field(si.linear(), si.Velocity(lambda t, x: x)), 1.0, LAW),
            "does not tell the Score of a two-sided path",
        ),
        (
            lambda: si.GenerativeDiffusion(FIELD, 1.0, dim=1).sample(jnp.array([0.0, 1.5]), key=KEY),
            "`ts` must lie in \\[0, 1\\]",
        ),
        (lambda: si.base_law(si.linear(), 2), "must have an end that is noise"),
        (lambda: si.log_snr_grid(si.one_sided_linear(), 5), "has no finite ratio of signal to noise"),
        (
            lambda: si.generate(FIELD, jnp.ones(1), jnp.array([0.0, 0.5, 0.5]), key=KEY, step=si.EulerStep()),
            "rise or fall throughout",
        ),
        (
            lambda: si.InterpolantMatching()(FIELD, Snapshots(jnp.arange(2.0), jnp.ones((2, 3, 1))), key=KEY),
            "`batch` must have one time",
        ),
        (
            lambda: si.InterpolantMatching()(
                si.Field(si.linear(), si.Drift(lambda t, x: x)), Snapshots(jnp.zeros(1), jnp.ones((1, 3, 1))), key=KEY
            ),
            "`batch` must have two times",
        ),
        (lambda: si.exact_field(si.linear(), LAW), "`law1` is an end of this path"),
        (lambda: si.exact_field(si.one_sided_linear(), law1=dist.Gamma(jnp.ones(1)).to_event(1)), "must be Gaussian"),
        (lambda: si.kl_bound(si.LossGaps(0.1, 0.1), 0.0), "the flow, epsilon = 0, has no such bound"),
        (lambda: si.ExponentialStep(order=3), "must be 1 or 2"),
        (
            lambda: si.generate(
                si.Field(si.linear(), si.Velocity(lambda t, x: x)), jnp.ones(1), jnp.array([0.0, 1.0]),
                key=KEY, step=si.ExponentialStep(),
            ),
            "must have an end that is noise",
        ),
    ],
)  # fmt: skip
def test_faults_are_named(call, message):
    import re

    with pytest.raises(ValueError) as caught:  # noqa: PT011
        call()
    assert re.search(message, str(caught.value), re.S | re.I), str(caught.value)


def test_types_are_named():
    with pytest.raises(TypeError, match="`parts` must be kinds of field"):
        si.Field(si.linear(), lambda t, x: x)
    with pytest.raises(TypeError, match="`model` must be a Field"):
        si.InterpolantMatching()(lambda t, x: x, Snapshots(jnp.zeros(1), jnp.ones((1, 3, 1))), key=KEY)


def test_a_solve_past_the_end_stops_with_an_error():
    field = si.Field(si.one_sided_linear(), si.Velocity(lambda t, x: -t * x))
    process = si.GenerativeDiffusion(field, 0.0, dim=1)
    with pytest.raises(sk.SolveError):
        solve(process, jnp.array([0.0, 1.5]), key=KEY, steps=4)
