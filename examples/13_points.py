# %% [markdown]
# # Events that bring more events
#
# A Hawkes process of three kinds: drawn, fitted with standard errors, tested by time rescaling, asked what comes next.

# %%
import os
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np

from sdekit import plot
from sdekit.points import (
    ExponentialHawkes,
    Marginal,
    Median,
    Poisson,
    fit_hawkes,
    forecast,
    goodness_of_fit,
    predict_next,
    residuals,
    simulate_clusters,
)


jax.config.update("jax_enable_x64", True)
out = Path(os.environ.get("SDEKIT_OUT", "out"))
fast = os.environ.get("SDEKIT_EXAMPLES") == "fast"
length, draws = (400.0, 3) if fast else (4000.0, 39)


def save(axes, name):
    plot.save(axes, out / f"{name}.png", dpi=110)


# %% [markdown]
# ## A process and its events
#
# Row `i`, column `j` of the branching matrix: how many events of kind `i` follow directly from one of kind `j`.

# %%
truth = ExponentialHawkes([0.3, 0.2, 0.1], [[0.4, 0.0, 0.1], [0.3, 0.2, 0.0], [0.0, 0.3, 0.3]], 1.5)
path = simulate_clusters(truth, 0.0, length, key=jax.random.key(0))
events = path.to_record()
print(events)

# %%
first = truth.sample(jnp.array([0.0, 40.0]), key=jax.random.key(1)).to_record()
save(plot.intensity(truth, first), "hawkes-intensity")

# %% [markdown]
# ## The fit
#
# With the decay known the likelihood is concave. The L1 penalty sets entries to 0 that the data do not ask for.

# %%
found = fit_hawkes(events, 1.5)
print(found.table())

# %%
sparse = fit_hawkes(events, 1.5, penalty=20.0)
print(np.asarray(sparse.process.branching_matrix()).round(3))

# %%
save(plot.excitation(found.process.branching_matrix()), "hawkes-excitation")

# %% [markdown]
# ## Does it fit?
#
# Rescaled gaps of the fit are unit exponentials; those of a Poisson process with the same rates are not. The bootstrap
# takes into account that parameters were estimated.

# %%
refit = lambda record, key: fit_hawkes(record, 1.5).process
print(goodness_of_fit(found.process, events, key=jax.random.key(2), draws=draws, refit=refit))

# %%
poisson = Poisson(np.bincount(events.marks, minlength=3) / length)
ax = plot.rescaled(residuals(poisson, events), label="Poisson")
save(plot.rescaled(residuals(found.process, events), ax=ax, label="Hawkes"), "hawkes-residuals")

# %% [markdown]
# ## What comes next?
#
# Of every event, from those before it: the median of its time, and the most likely kind given the past alone.

# %%
answers = predict_next(found.process, first, loss=Median(), mark=Marginal())
seen = np.asarray(first.mask)
error = np.abs(np.asarray(answers.times[:-1] - first.ts))[seen].mean()
right = (np.asarray(answers.kinds[:-1]) == np.asarray(first.marks))[seen].mean()
print(f"mean absolute error {error:.3f}, kinds right {right:.2f}")

# %%
ahead = forecast(found.process, first, 10.0, key=jax.random.key(3), n=200)
print("events in the next 10, mean and spread:", ahead.mask.sum(axis=1).mean(), ahead.mask.sum(axis=1).std())
