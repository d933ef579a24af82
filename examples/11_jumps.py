# %% [markdown]
# # Markov jump processes
#
# A system that jumps between a few states, seen now and then. What are its rates, how sure are we, is it in balance?

# %%
import os
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np

import sdekit as sk
from sdekit import plot
from sdekit.inference import MarginalLikelihood, confidence
from sdekit.jumps import (
    Conditional,
    GammaPrior,
    GaussianEmission,
    Given,
    Hidden,
    RateMatrix,
    em,
    endpoint_holding,
    entropy_rate,
    flashing_ratchet,
    gibbs,
    mean_first_passage,
    relaxation_times,
    stationary,
    viterbi,
)


jax.config.update("jax_enable_x64", True)
out = Path(os.environ.get("SDEKIT_OUT", "out"))
fast = os.environ.get("SDEKIT_EXAMPLES") == "fast"
paths, draws = (100, 50) if fast else (1000, 1000)


def save(axes, name):
    plot.save(axes, out / f"{name}.png", dpi=110)


# %% [markdown]
# ## What a generator says
#
# The flashing ratchet: three sites on a ring, with a potential that is switched on and off. It is out of balance, and
# everything about it is known.

# %%
ratchet = flashing_ratchet(1.0)
print("stationary law     ", np.round(stationary(ratchet), 4))
print("relaxation times   ", np.round(relaxation_times(ratchet), 4))
print("entropy production ", float(entropy_rate(ratchet)))
print("from site 0 to 2   ", float(mean_first_passage(ratchet)[0, 2]))
print("time in each state on a bridge of length 1 from 0 to 2", np.round(endpoint_holding(ratchet, 1.0)[0, 2], 4))

# %% [markdown]
# ## Rates from a panel
#
# Paths seen at 50 times. EM finds all thirty rates; nothing is said about the potential.

# %%
record = ratchet.sample(jnp.array([0.0, 2.5]), key=jax.random.key(0), n=paths)
panel = record.to_panel(jnp.linspace(0.0, 2.5, 50), num_states=6)
save(plot.timeline(panel[:12]), "jumps-panel")
found = em(RateMatrix(np.ones((6, 6)) - np.eye(6), Conditional()), panel)
truth = np.asarray(ratchet.generator())
print(f"{found.steps} steps, error {np.sqrt(np.mean((np.asarray(found.model.generator()) - truth) ** 2)):.3f}")
save(plot.rate_matrix(found.model), "jumps-rates")

# %% [markdown]
# ## How sure?
#
# Standard errors from the curvature of the likelihood, and a posterior that does not lean on it.

# %%
chain = RateMatrix([[0.0, 1.0], [2.0, 0.0]], Conditional())
small = chain.sample(jnp.array([0.0, 20.0]), key=jax.random.key(1), n=5).to_panel(jnp.arange(21.0), num_states=2)
estimate = em(chain, small)
print(confidence(estimate.model, MarginalLikelihood(), small))
posterior = gibbs(estimate.model, small, GammaPrior(1.0, 1.0), key=jax.random.key(2), draws=draws, burn=50)
print("posterior mean", np.round(posterior.values.mean(0), 3), "deviation", np.round(posterior.values.std(0), 3))

# %% [markdown]
# ## Behind noise
#
# The states themselves need not be seen.

# %%
start = Given(jnp.array([0.5, 0.5]))
hidden = Hidden(RateMatrix([[0.0, 0.5], [1.0, 0.0]], start), GaussianEmission([0.0, 3.0], [1.0, 1.0]))
seen = hidden.sample(jnp.linspace(0.0, 40.0, 200), key=jax.random.key(3))
series = sk.data.Series(seen.ts, seen.xs)
fitted = em(Hidden(RateMatrix([[0.0, 1.0], [1.0, 0.0]], start), GaussianEmission([-1.0, 2.0], [2.0, 2.0])), series)
print(fitted.model.process.generator(), fitted.model.observation.mean.ravel())
print("the most likely states:", np.asarray(viterbi(fitted.model, series))[:30])
