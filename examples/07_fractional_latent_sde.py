# %% [markdown]
# # A fractional latent SDE on real data
#
# The annual flow of the Nile, a hundred years of it: a latent state with a drift that is a network, seen with noise.
# The posterior over the path is learned with the model, by a bound on the evidence. What drives the state is an
# argument: Brownian motion, or fractional noise whose Hurst index is learned too.

# %%
import os
from pathlib import Path

import jax
import jax.numpy as jnp
import numpyro.distributions as dist
import optax

import sdekit as sk
from sdekit import plot
from sdekit.inference import ELBO, LatentSDE
from sdekit.nets import AffineControl, ConstantDiffusion, GaussianHead, GRUEncoder, MLPField
from sdekit.noise import BrownianDriver, MarkovFractional


out = Path(os.environ.get("SDEKIT_OUT", "out"))
fast = os.environ.get("SDEKIT_EXAMPLES") == "fast"
steps, samples = (10, 50) if fast else (1500, 1000)


def save(axes, name):
    plot.save(axes, out / f"{name}.png", dpi=110)


# %% [markdown]
# ## Data
#
# The first eighty years, in units of their own mean and deviation; a unit of time is the eighty years.

# %%
whole = sk.load("nile")
past, future = whole.split_time(0.8)
small, units = past.standardise()
span = float(small.ts[-1] - small.ts[0])
clock = lambda record: (record.ts - small.ts[0]) / span
data = sk.Series(clock(small), small.ys, small.mask)
print(past, data)

# %% [markdown]
# ## The model
#
# One class for both noises. The index starts at one half, which is Brownian motion.


# %%
def model(driver, key):
    keys = jax.random.split(key, 4)
    return LatentSDE(
        base=sk.processes.Diffusion(
            MLPField(dim=1, width=16, depth=1, key=keys[0]),
            ConstantDiffusion(jnp.ones(1)),
            dist.Normal(jnp.zeros(1), jnp.ones(1)).to_event(1),
            structure=sk.processes.Additive,
        ),
        observation=sk.GaussianObservation(jnp.full(1, 0.7)),
        encoder=GRUEncoder(dim=1, width=24, size=8, key=keys[1]),
        control=AffineControl(dim=1, noise=1, context=8, width=32, depth=2, driver=driver, key=keys[2]),
        head=GaussianHead(context=8, n=1 + driver.start.shape[1], width=16, depth=1, key=keys[3]),
        driver=driver,
    )


drivers = {
    "Brownian": BrownianDriver(),
    "fractional": MarkovFractional(0.5, terms=5, horizon=1.25, within=(0.1, 0.95)),
}
objective = ELBO(paths=8, importance=True, steps=2)
fits = {}
for name, driver in drivers.items():
    fits[name] = sk.fit(
        model(driver, jax.random.key(0)), objective, data, key=jax.random.key(1), steps=steps,
        optimiser=optax.adam(optax.cosine_decay_schedule(1e-2, steps)),
    )  # fmt: skip

# %% [markdown]
# ## What was learned
#
# The bound with many paths comes near the evidence. An index far from one half, and a higher bound, speak for memory;
# a hundred numbers say little about either.

# %%
tight = ELBO(paths=samples, importance=True, steps=2)
for name, fit in fits.items():
    bound = float(tight(fit.model, data, key=jax.random.key(2))[1]["elbo"])
    index = f", Hurst index {float(fit.model.driver.hurst):.2f}" if name == "fractional" else ""
    print(f"{name}: log-evidence of {len(past.ts)} years at least {bound:.2f}{index}")
    assert jnp.isfinite(bound)

# %% [markdown]
# ## The posterior, and the years that followed
#
# Up to the last observation the paths follow the data; from there on, the prior.

# %%
ts = jnp.linspace(0.0, float(clock(units(future))[-1]), 101)
paths = fits["fractional"].model.smooth(data, ts, key=jax.random.key(3), n=samples)
shown = units.inverse(sk.paths.SampledPath(small.ts[0] + span * ts, paths.xs, paths.made))
axes = plot.fan(shown, whole)
save(axes, "latent-nile")
