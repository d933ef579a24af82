"""A jump process as a newcomer writes it: two states, fitted on a `Panel`.

The transition matrix of the two-state chain is known: with $r = q_{01} + q_{10}$ and stationary law $\\pi$,
$P_{ij}(h) = \\pi_j + e^{-r h} (\\delta_{ij} - \\pi_j)$.
"""

import jax
import jax.numpy as jnp
import numpy as np
import optax
from jaxtyping import Array, Float

import sdekit as sk
from sdekit import constraints, parameter
from sdekit.data import Panel
from sdekit.inference import MarginalLikelihood, confidence
from sdekit.paths import JumpPath
from sdekit.processes import AbstractDensity, AbstractJumpProcess


class TwoState(AbstractJumpProcess, AbstractDensity):
    """Rates `up` (0 to 1) and `down` (1 to 0); starts stationary."""

    up: Float[Array, ""] = parameter(constraints.positive)
    down: Float[Array, ""] = parameter(constraints.positive)

    dim = 1

    def rates(self, t):
        return jnp.array([[-self.up, self.up], [self.down, -self.down]])

    def stationary_probabilities(self):
        return jnp.stack([self.down, self.up]) / (self.up + self.down)

    def transition_matrix(self, h):
        law = self.stationary_probabilities()
        return law[None, :] + jnp.exp(-(self.up + self.down) * h) * (jnp.eye(2) - law[None, :])

    def log_prob(self, record):
        law = self.stationary_probabilities()
        matrices = jax.vmap(self.transition_matrix)(jnp.diff(record.ts))
        moves = matrices[jnp.arange(len(matrices)), record.states[:-1], record.states[1:]]
        seen = record.mask[1:] & record.mask[:-1]
        moves = jnp.where(seen, moves, 1.0)
        return jnp.log(law[record.states[0]]) + jnp.log(moves).sum()

    def draw(self, ts, *, key):
        room = 256
        first, rest = jax.random.split(key)
        s0 = jax.random.bernoulli(first, self.stationary_probabilities()[1]).astype(int)

        def step(carry, k):
            t, s = carry
            wait = jax.random.exponential(k, dtype=ts.dtype) / jnp.where(s == 0, self.up, self.down)
            return (t + wait, 1 - s), (t + wait, 1 - s)

        _, (times, states) = jax.lax.scan(step, (ts[0], s0), jax.random.split(rest, room))
        times, states = jnp.concatenate([ts[:1], times]), jnp.concatenate([s0[None], states])
        return JumpPath(times, states, ts[-1], times <= ts[-1])


TRUTH = TwoState(up=0.7, down=1.6)


def _panel(n=400):
    ts = np.sort(np.random.default_rng(0).uniform(0.0, 8.0, (n, 9)), axis=1)
    paths = TRUTH.sample(jnp.array([0.0, 8.0]), key=jax.random.key(3), n=n)
    states = jax.vmap(lambda path, times: jax.vmap(path)(times))(paths, jnp.asarray(ts))
    lengths = np.random.default_rng(1).integers(4, 10, n)
    return Panel.from_list(
        [t[:k] for t, k in zip(ts, lengths, strict=True)],
        [np.asarray(s).reshape(-1)[:k].astype(int) for s, k in zip(states, lengths, strict=True)],
    )


def test_fits_on_a_ragged_panel_with_the_engines_unchanged():
    panel = _panel()
    start = TwoState(up=2.0, down=0.3)
    fit = sk.fit(
        start,
        MarginalLikelihood(),
        panel,
        key=jax.random.key(1),
        steps=40,
        optimiser=sk.FullBatch(optax.lbfgs()),
        progress=False,
    )
    table = confidence(fit.model, MarginalLikelihood(), panel)
    truth = sk.named_parameters(TRUTH)
    for name, estimate, error in zip(table.names, table.estimate, table.standard_error, strict=True):
        assert abs(estimate - float(truth[name])) < 3 * error, (name, estimate, error)


def test_the_likelihood_is_that_of_the_matrix_exponential():
    import scipy.linalg

    panel = _panel(5)
    for item in (panel[i] for i in range(5)):
        ts, states = np.asarray(item.ts)[np.asarray(item.mask)], np.asarray(item.states)[np.asarray(item.mask)]
        q = np.asarray(TRUTH.rates(0.0))
        expected = np.log(1.6 / 2.3 if states[0] == 0 else 0.7 / 2.3)
        for h, a, b in zip(np.diff(ts), states[:-1], states[1:], strict=True):
            expected += np.log(scipy.linalg.expm(q * h)[a, b])
        np.testing.assert_allclose(TRUTH.log_prob(item), expected, rtol=1e-10)
