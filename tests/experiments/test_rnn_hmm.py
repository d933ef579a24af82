"""The statistics of sequences that the experiment compares, on sequences drawn in NumPy; false alarms: 1e-6."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import stats

from sdekit.experiments import _rnn_hmm as rnn_hmm
from sdekit.experiments._fev_outcome import NormalOutcome


def test_sequences_of_the_chain_have_its_exact_statistics():
    rng = np.random.default_rng(0)
    matrix, labels = rnn_hmm.chain(2)
    n, draw = 40_000, lambda p: (rng.random(len(p))[:, None] >= np.cumsum(p, 1)[:, :-1]).sum(1)
    state, found = draw(np.full((n, 2), 0.5)), []
    for _ in range(30):
        found.append(draw(labels[state]))
        state = draw(matrix[state])
    seen, exact = rnn_hmm.statistics(np.stack(found, 1)), rnn_hmm.exact(2)
    # By the inequality of Dvoretzky, Kiefer and Wolfowitz at 1e-6, for the fewest there are: over 10,000 runs.
    limit = np.sqrt(np.log(2e6) / 2 / 10_000)
    for name in seen:
        gap = np.abs(seen[name] - exact[name]).max()
        # An autocovariance is a mean of products of size one at most, less the square of a mean.
        assert gap < (4 * stats.norm.isf(1e-8) / np.sqrt(n) if name == rnn_hmm._MOVES else limit), name


def test_an_outcome_with_given_events_says_that_it_has_no_draws():
    with pytest.raises(TypeError, match="`observation` has no law of the acute events"):
        NormalOutcome(jnp.zeros(2), jnp.ones(2)).sample(jnp.array([1.0, 0.0]), key=jax.random.key(0))
