# %% [markdown]
# # Learning the Hurst index from data
#
# How rough is the noise that drives a series, when the series is noisy, irregular and has gaps? The exact likelihood
# of a fractional process costs $O(n^3)$ there. A Markov approximation reads the noise from a few Ornstein-Uhlenbeck
# modes, so that a Kalman filter gives the likelihood in $O(n)$, and the index is a parameter like any other.

# %%
import os
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np

import sdekit as sk
from sdekit import plot
from sdekit.noise import MarkovApproximation, MarkovFractional


jax.config.update("jax_enable_x64", True)
out = Path(os.environ.get("SDEKIT_OUT", "out"))
fast = os.environ.get("SDEKIT_EXAMPLES") == "fast"
series, n = (2, 60) if fast else (8, 200)


def save(axes, name):
    plot.save(axes, out / f"{name}.png", dpi=110)


# %% [markdown]
# ## How good is the approximation?
#
# It says so itself: `error` is the root mean square distance of its paths from those of the fractional noise, relative
# to their size. Rough noise needs more modes.

# %%
for hurst in (0.1, 0.3, 0.7, 0.9):
    errors = [MarkovApproximation(hurst, terms=k, horizon=1.0).error for k in (3, 5, 10)]
    print(f"H = {hurst}: error with 3, 5 and 10 modes " + "  ".join(f"{e:.2g}" for e in errors))

# %% [markdown]
# ## Data
#
# A fractional Ornstein-Uhlenbeck process, drawn exactly at irregular times, seen with noise, a fifth of it missing.

# %%
truth = {"hurst": 0.3, "rate": 2.0, "scale": 1.0, "noise": 0.1}
exact = sk.processes.FractionalOrnsteinUhlenbeck(truth["hurst"], truth["rate"], 0.0, truth["scale"], start=0.0)
rng = np.random.default_rng(0)
ts, ys = [], []
for i in range(series):
    t = np.concatenate([[0.0], np.sort(rng.uniform(0.005, 2.0, n - 1))])
    x = np.asarray(exact.sample(jnp.asarray(t), key=jax.random.key(i)).xs)
    y = x + truth["noise"] * rng.normal(size=x.shape)
    y[rng.uniform(size=y.shape) < 0.2] = np.nan
    ts.append(t)
    ys.append(y)
data = sk.Series.from_list(ts, ys)
print(data)

# %% [markdown]
# ## A fit
#
# `within` makes the index a parameter: one set of modes serves the whole range, and their weights follow the index.

# %%
driver = MarkovFractional(0.6, terms=5, horizon=2.0, kind=sk.noise.MandelbrotVanNess(), within=(0.1, 0.9))
process = sk.processes.DrivenOrnsteinUhlenbeck(driver, rate=1.0, scale=0.5)
start = sk.Observed(process, sk.GaussianObservation(0.3, matrix=process.reads))
fixed = lambda model: (model.process.mean, model.observation.matrix)
likelihood = sk.MarginalLikelihood()
fit = sk.fit(
    start, likelihood, data, key=jax.random.key(0), optimiser=sk.FullBatch(), steps=15 if fast else 60, frozen=fixed
)
model = fit.model
for name, value in sk.named_parameters(model, frozen=fixed).items():
    print(f"{name}: {float(jnp.ravel(value)[0]):.3f}")
learned = float(model.process.driver.hurst)
assert abs(learned - truth["hurst"]) < 0.25

# %% [markdown]
# ## How certain is it?

# %%
if not fast:
    print(sk.confidence(model, likelihood, data, frozen=fixed))

# %% [markdown]
# ## Between the observations
#
# The posterior of the first series: the filter fills the gaps, as rough as the noise.

# %%
first = data[0]
times = jnp.linspace(0.0, 2.0, 101 if fast else 401)
paths = model.condition(first).process.sample(times, key=jax.random.key(1), n=50 if fast else 200)
state = sk.paths.SampledPath(times, paths.xs[..., :1], paths.made)
axes = plot.fan(state, first)
save(axes, "hurst-posterior")
