# %% [markdown]
# # Quickstart: the Nile
#
# A century of annual flow at Aswan. Load it, fit a process seen with noise to the first eighty years, forecast the last
# twenty, and ask what the data say about the parameters.

# %%
import os
from pathlib import Path

import jax

import sdekit as sk
from sdekit import plot


jax.config.update("jax_enable_x64", True)
out = Path(os.environ.get("SDEKIT_OUT", "out"))


def save(axes, name):
    plot.save(axes, out / f"{name}.png", dpi=110)


data = sk.load("nile")
past, future = data.split_time(0.8)
small, units = past.standardise()
print(data)

# %% [markdown]
# ## Fit
#
# An Ornstein-Uhlenbeck process, $dX = \theta(\mu - X)\,dt + \sigma\,dW$, and each year's flow measured with noise. The
# likelihood is exact, by the Kalman filter.

# %%
model = sk.Observed(sk.processes.OrnsteinUhlenbeck(rate=0.3, mean=0.0, scale=0.6), sk.GaussianObservation(0.5))
likelihood = sk.MarginalLikelihood()
fit = sk.fit(
    model, likelihood, small, key=jax.random.key(0), steps=100, optimiser=sk.FullBatch(), tolerance=1e-6, progress=False
)
table = sk.confidence(fit.model, likelihood, small)
print(table)

# %%
axes = plot.parameters(table)
save(axes, "quickstart-parameters")

# %% [markdown]
# ## Forecast
#
# Paths of observations after the end of the past, on the scale of the data, and what then came.

# %%
paths = units.inverse(sk.forecast(fit.model, small, future.ts, key=jax.random.key(1), n=1000))
axes = plot.fan(paths, data)
axes.set_ylabel("annual flow at Aswan, 10⁸ m³")
save(axes, "nile")

# %% [markdown]
# ## Against simple forecasts
#
# A model should beat the last value and the past's own distribution.

# %%
from sdekit.evaluate import CRPS, Forecast, LogScore, baselines


models = {"OU with noise": fit.model, **baselines(data)}
report = sk.evaluate(models, units(data), [Forecast([CRPS()], n=1000), LogScore()], key=jax.random.key(2))
print(report)
