# %% [markdown]
# # The Hurst index
#
# How rough is a path, how long is the memory of a noise? Three estimators read the Hurst index $H$ off one series:
# exact maximum likelihood, Whittle's likelihood in the frequency domain, and quadratic variations at several scales.
# Each says how sure it is, and has a picture that shows what it looked at.

# %%
import os
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np

import sdekit as sk
from sdekit import fractional as fr, plot


jax.config.update("jax_enable_x64", True)
out = Path(os.environ.get("SDEKIT_OUT", "out"))
n = 512 if os.environ.get("SDEKIT_EXAMPLES") == "fast" else 4096


def save(axes, name):
    plot.save(axes, out / f"{name}.png", dpi=110)


# %% [markdown]
# ## Two paths
#
# Fractional Brownian motion, rough and persistent, drawn exactly.

# %%
ts = jnp.linspace(0.0, 1.0, n + 1)
rough = sk.processes.FractionalBrownianMotion(hurst=0.2).sample(ts, key=jax.random.key(0))
smooth = sk.processes.FractionalBrownianMotion(hurst=0.8).sample(ts, key=jax.random.key(1))
axes = plot.paths(rough)
axes.set_title("H = 0.2", loc="left", fontsize=9.5)
save(axes, "hurst-rough-path")

# %% [markdown]
# ## Noise or path?
#
# The commonest mistake is to hand a path to an estimator that expects its increments. Here an estimator is told what it
# gets: `of=Path()` or `of=Noise()`.

# %%
estimators = {
    "exact likelihood": fr.ExactMLE(of=fr.Path()),
    "Whittle": fr.Whittle(of=fr.Path()),
    "variations": fr.Variations(of=fr.Path()),
}
for hurst, path in ((0.2, rough), (0.8, smooth)):
    for name, estimator in estimators.items():
        estimate = estimator(path.xs[:, 0])
        low, high = estimate.interval(0.95)
        print(f"H = {hurst}: {name:<17} {float(estimate.hurst):.3f}   95 % [{float(low):.3f}, {float(high):.3f}]")
        assert abs(float(estimate.hurst) - hurst) < 5 * float(estimate.standard_error)

# %% [markdown]
# A path that is read as a noise leads to the edge, and the estimate says so.

# %%
print(fr.Whittle(of=fr.Noise())(smooth.xs[:, 0]))

# %% [markdown]
# ## What they looked at
#
# The spectrum of the increments with the one that was fitted, and the variations against their scale.

# %%
save(plot.hurst(estimators["Whittle"](rough.xs[:, 0])), "hurst-spectrum")
save(plot.hurst(estimators["variations"](rough.xs[:, 0])), "hurst-variations")
save(plot.hurst(estimators["exact likelihood"](smooth.xs[:, 0])), "hurst-likelihood")

# %% [markdown]
# ## A process that reverts
#
# The fractional Ornstein-Uhlenbeck process is fractional at small scales alone. Whittle's likelihood takes its own
# spectrum, folded at the step of observation; variations see small scales only and do not need to know the rate.

# %%
step, rate = 0.02, 5.0
times = step * jnp.arange(n)
process = sk.processes.FractionalOrnsteinUhlenbeck(hurst=0.3, rate=rate, mean=1.0, scale=0.5)
xs = process.sample(times, key=jax.random.key(2)).xs[:, 0]
for name, estimator in {
    "Whittle, fOU": fr.Whittle(fr.FOU(rate=rate * step), of=fr.Noise()),
    "variations": fr.Variations(scales=(1, 2, 4), of=fr.Path()),
    "Whittle, fBM": fr.Whittle(of=fr.Path()),
}.items():
    print(f"{name:<13} {estimator(xs)}")

# %% [markdown]
# ## Many series
#
# An estimator describes one series; `vmap` makes it serve many.

# %%
motion = sk.processes.FractionalBrownianMotion(hurst=0.3)
many = motion.sample(jnp.linspace(0.0, 1.0, 257), key=jax.random.key(3), n=100).xs[..., 0]
found = jax.jit(jax.vmap(fr.Whittle(of=fr.Path())))(many)
inside = np.mean(np.abs(np.asarray(found.hurst) - 0.3) < 1.96 * np.asarray(found.standard_error))
print(f"mean {float(found.hurst.mean()):.3f}, spread {float(found.hurst.std()):.3f}", end=", ")
print(f"standard error {float(found.standard_error.mean()):.3f}, the truth in {100 * inside:.0f} % of 95 % intervals")
