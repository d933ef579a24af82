"""A point process as a newcomer writes it: an exponential Hawkes process, fitted on `Events`.

Intensity $\\lambda(t) = \\mu + \\alpha \\beta \\sum_{t_i < t} e^{-\\beta (t - t_i)}$, branching ratio $\\alpha < 1$.
"""

import jax
import jax.numpy as jnp
import numpy as np
import optax
from jaxtyping import Array, Float

import sdekit as sk
from sdekit import constraints, parameter
from sdekit.evaluate import assert_law
from sdekit.inference import MarginalLikelihood, confidence
from sdekit.paths import EventPath
from sdekit.processes import AbstractDensity, AbstractPointProcess


class ExponentialHawkes(AbstractPointProcess, AbstractDensity):
    """One mark, exponential kernel."""

    base: Float[Array, ""] = parameter(constraints.positive)
    branching: Float[Array, ""] = parameter(constraints.unit_interval)
    decay: Float[Array, ""] = parameter(constraints.positive)

    dim = 1

    def _excitation(self, t, history):
        """The sum of `exp(-decay (t - t_i))` over the events before `t`."""
        lag = jnp.where(history.mask & (history.ts < t), t - history.ts, jnp.inf)
        return jnp.exp(-self.decay * lag).sum()

    def intensity(self, t, history):
        return (self.base + self.branching * self.decay * self._excitation(t, history))[None]

    def compensator(self, a, b, history):
        def total(t):
            lag = jnp.where(history.mask & (history.ts < t), t - history.ts, 0.0)
            return self.base * t - self.branching * jnp.expm1(-self.decay * lag).sum()

        return (total(b) - total(a))[None]

    def log_prob(self, record):
        gaps = jnp.diff(record.ts, prepend=record.ts[:1])
        seen = record.mask.astype(record.ts.dtype)

        def step(r, inputs):
            gap, before = inputs
            r = jnp.exp(-self.decay * gap) * (r + before)
            return r, r

        before = jnp.concatenate([jnp.zeros(1, seen.dtype), seen[:-1]])
        _, r = jax.lax.scan(step, jnp.zeros((), gaps.dtype), (gaps, before))
        log_rate = jnp.log(self.base + self.branching * self.decay * r)
        return jnp.where(record.mask, log_rate, 0.0).sum() - self.compensator(record.t0, record.t1, record)[0]

    def draw(self, ts, *, key):
        """Ogata's thinning on `[ts[0], ts[-1]]`; the intensity falls between events, so its present value bounds it."""
        room = 512

        def cond(state):
            return (state[1] < ts[-1]) & (state[3] < room)

        def body(state):
            key, t, r, count, times = state
            key, k1, k2 = jax.random.split(key, 3)
            bound = self.base + self.branching * self.decay * r
            wait = jax.random.exponential(k1, dtype=ts.dtype) / bound
            r = r * jnp.exp(-self.decay * wait)
            t = t + wait
            keep = jax.random.uniform(k2, dtype=ts.dtype) * bound <= self.base + self.branching * self.decay * r
            keep &= t < ts[-1]
            times = jnp.where(keep, times.at[count].set(t), times)
            return key, t, r + keep, count + keep, times

        state = (key, ts[0], jnp.zeros_like(ts[0]), jnp.array(0), jnp.full(room, jnp.inf, ts.dtype))
        *_, count, times = jax.lax.while_loop(cond, body, state)
        mask = jnp.arange(room) < count
        return EventPath(times, mask=mask, t0=ts[0], t1=ts[-1])


TRUTH = ExponentialHawkes(base=0.8, branching=0.5, decay=2.0)
WINDOW = jnp.array([0.0, 60.0])


def _events():
    return TRUTH.sample(WINDOW, key=jax.random.key(0), n=24).to_record()


def test_fits_on_events_with_the_engines_unchanged():
    events = _events()
    start = ExponentialHawkes(base=2.0, branching=0.2, decay=0.5)
    fit = sk.fit(
        start,
        MarginalLikelihood(),
        events,
        key=jax.random.key(1),
        steps=60,
        optimiser=sk.FullBatch(optax.lbfgs()),
        progress=False,
    )
    table = confidence(fit.model, MarginalLikelihood(), events)
    truth = sk.named_parameters(TRUTH)
    for name, estimate, error in zip(table.names, table.estimate, table.standard_error, strict=True):
        assert abs(estimate - float(truth[name])) < 3 * error, (name, estimate, error)


def test_time_rescaling_gives_unit_exponentials():
    """Under the truth, the compensator between events is a unit exponential (Meyer 1971; Brown et al. 2002)."""
    events = _events()

    def increments(item):
        starts = jnp.concatenate([item.t0[None], item.ts[:-1]])
        return jax.vmap(lambda a, b: TRUTH.compensator(a, b, item)[0])(starts, item.ts)

    gaps = np.asarray(jax.vmap(increments)(events))[np.asarray(events.mask)]
    assert_law(gaps, lambda x: -np.expm1(-x))


def test_padding_changes_nothing():
    events = _events()
    item = events[0]
    longer = item.pad(item.ts.shape[0] + 7)
    np.testing.assert_allclose(TRUTH.log_prob(longer), TRUTH.log_prob(item), rtol=1e-12)
