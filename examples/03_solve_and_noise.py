# %% [markdown]
# # Solving, and the noise that drives
#
# Any diffusion is solved on a grid. The noise is sampled once and is an object: it replays, coarsens and refines, so
# that two solves can be compared path by path.

# %%
import os
from pathlib import Path

import diffrax
import jax
import jax.numpy as jnp
import numpy as np
import numpyro.distributions as dist

import sdekit as sk
from sdekit import plot


jax.config.update("jax_enable_x64", True)
out = Path(os.environ.get("SDEKIT_OUT", "out"))
n = 200 if os.environ.get("SDEKIT_EXAMPLES") == "fast" else 2_000


def save(axes, name):
    plot.save(axes, out / f"{name}.png", dpi=110)


# %% [markdown]
# ## A model of one's own
#
# Drift and diffusion are functions. What is known of the diffusion (`Additive`, `Diagonal`, ...) decides the solver.

# %%
double_well = sk.processes.Diffusion(
    drift=lambda t, x: x - x**3,
    diffusion=lambda t, x: 0.45 * jnp.ones(1),
    initial=dist.Delta(jnp.array([-1.0]), event_dim=1),
    structure=sk.processes.Additive,
)
ts = jnp.linspace(0.0, 60.0, 601)
path = sk.solve(double_well, ts, key=jax.random.key(3), dt=0.02, n=3)
print(path.made)

# %%
axes = plot.paths(path)
axes.set_title("A double well: three paths", loc="left", fontsize=9.5)
save(axes, "double-well")

# %% [markdown]
# ## Strong order
#
# The same Brownian path on coarser and coarser grids: the error at the end falls with the step. For additive noise
# Euler
# has strong order one.

# %%
short = jnp.array([0.0, 1.0])
fine = 2048
keys = jax.random.split(jax.random.key(0), n)


@jax.jit
def ends(key):
    noise = sk.noise.Brownian(0.0, 1.0 / fine, fine, key=key)
    at = lambda w: sk.solve(double_well, short, key=key, noise=w, solver=diffrax.Euler()).xs[-1, 0]
    return jnp.stack([at(noise), *(at(noise.coarsen(k)) for k in (16, 32, 64, 128))])


states = jax.vmap(ends)(keys)
errors = np.sqrt(np.mean((np.asarray(states[:, 1:]) - np.asarray(states[:, :1])) ** 2, axis=0))
steps = np.array([16, 32, 64, 128]) / fine
order = np.polyfit(np.log(steps), np.log(errors), 1)[0]
print(f"strong order {order:.2f}")
