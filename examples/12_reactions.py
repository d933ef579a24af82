# %% [markdown]
# # Reaction networks
#
# Molecules meet, split, appear and vanish, one reaction at a time. From equations written as in a textbook to exact
# paths, exact laws, and rates from data.

# %%
import os
from pathlib import Path

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

import sdekit as sk
from sdekit import plot
from sdekit.inference import MarginalLikelihood, confidence
from sdekit.jumps import (
    Projection,
    Reaction,
    ReactionNetwork,
    TauLeaping,
    moments,
    reaction_events,
    score_expectation,
    simulate,
)


out = Path(os.environ.get("SDEKIT_OUT", "out"))
fast = os.environ.get("SDEKIT_EXAMPLES") == "fast"
n = 500 if fast else 20000


def save(axes, name):
    plot.save(axes, out / f"{name}.png", dpi=110)


# %% [markdown]
# ## A network
#
# Pairs of molecules join and fall apart. Rates are named; a rate constant is that of Gillespie: the propensity of
# `2 A -> B` is the constant times the number of pairs.

# %%
network = ReactionNetwork(
    {"join": "2 A -> B", "part": "B -> 2 A"}, rates={"join": 0.00166, "part": 0.2}, start={"A": 301}, room=1024
)
path = network.sample(jnp.array([0.0, 10.0]), key=jax.random.key(0))
save(plot.jumps(path, component=1), "reactions-path")

# %% [markdown]
# ## Many paths, and the law
#
# `simulate` keeps the counts at given times and nothing between. `A + 2 B` is conserved, so that the projection has
# 151 states and not 301 times 151.

# %%
paths = simulate(network, jnp.array([0.0, 10.0]), key=jax.random.key(1), n=n)
chain = Projection(network, {"A": 301, "B": 150})
law, lost = chain.law(10.0)
save(plot.counts(paths.xs[:, -1, 1], chain.marginal_law("B", law), label="B at time 10"), "reactions-law")
print(f"{chain.size} states, lost mass {float(lost):.1e}")

# %% [markdown]
# ## Without a path
#
# Means and covariances by differential equations, beside those of the paths and of leaps.

# %%
found = moments(network, jnp.array([0.0, 10.0]))
leaps = simulate(network, jnp.array([0.0, 10.0]), key=jax.random.key(2), n=min(n, 2000), method=TauLeaping())
for name, mean, var in (
    ("normal closure", found.mean[-1, 1], found.covariance[-1, 1, 1]),
    ("exact paths", paths.xs[:, -1, 1].mean(), paths.xs[:, -1, 1].var()),
    ("tau-leaping", leaps.xs[:, -1, 1].mean(), leaps.xs[:, -1, 1].var()),
):
    print(f"{name:>15}: mean {float(mean):.2f}, variance {float(var):.2f}")

# %% [markdown]
# ## Rates from complete paths
#
# Ten paths with every reaction seen. `fit` knows nothing of chemistry: the network has a density, and its rates are
# positive parameters.

# %%
events = reaction_events(network, jnp.array([0.0, 10.0]), key=jax.random.key(3), n=10)
start = eqx.tree_at(lambda m: m.rates, network, jnp.array([0.01, 1.0]))
fit = sk.fit(
    start, MarginalLikelihood(), events, key=jax.random.key(4), steps=40, optimiser=sk.FullBatch(), progress=False
)
table = confidence(fit.model, MarginalLikelihood(), events)
for name, value, error in zip(network.parameters, table.estimate, table.standard_error, strict=True):
    print(f"{name}: {value:.5f} +- {error:.5f}")

# %% [markdown]
# ## A rate of one's own, and one that depends on time
#
# A function gets the time, the counts by species and the rates by name. One that depends on time also says what it
# never passes, and is simulated by thinning.

# %%
day = ReactionNetwork(
    [
        Reaction(
            "0 -> X",
            lambda t, x, p: p["make"] * (1 + jnp.sin(p["clock"] * t)),
            bound=lambda x, p: 2 * p["make"],
        ),
        Reaction("X -> 0", lambda t, x, p: p["eat"] * x["X"] / (p["half"] + x["X"])),
    ],
    rates={"make": 20.0, "clock": 0.5, "eat": 40.0, "half": 20.0},
    start={"X": 10},
)
ts = jnp.linspace(0.0, 40.0, 201)
save(plot.paths(simulate(day, ts, key=jax.random.key(5), n=20)), "reactions-day")

# %% [markdown]
# ## Gradients through paths that jump
#
# The weight of a path has a derivative, though the path has none. For birth and death the answer is known.

# %%
birth = ReactionNetwork({"in": "0 -> X", "out": "X -> 0"}, {"in": 10.0, "out": 1.0}, {"X": 0}, room=64)
window = jnp.array([0.0, 1.0])
mean = lambda m: score_expectation(m, lambda path: path(1.0)[0], window, key=jax.random.key(6), n=n)
slope = eqx.filter_grad(mean)(birth).rates
decay = np.exp(-1.0)
print("estimate", np.round(np.asarray(slope), 3), "exact", np.round([1 - decay, 10 * (2 * decay - 1)], 3))
