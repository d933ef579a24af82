# %% [markdown]
# # Exact processes
#
# A process declares what it has in closed form: transitions, marginals, a stationary law, bridges. What is drawn from a
# transition law has no discretisation error, whatever the gaps between the times.

# %%
import os
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import numpyro.distributions as dist

import sdekit as sk
from sdekit import plot


jax.config.update("jax_enable_x64", True)
out = Path(os.environ.get("SDEKIT_OUT", "out"))
n = 2_000 if os.environ.get("SDEKIT_EXAMPLES") == "fast" else 20_000


def save(axes, name):
    plot.save(axes, out / f"{name}.png", dpi=110)


# %% [markdown]
# ## Two diffusions
#
# A model is written in its own coordinates; its parameters are checked when it is built.

# %%
ou = sk.processes.OrnsteinUhlenbeck(rate=1.0, mean=2.0, scale=0.5)
cir = sk.processes.CoxIngersollRoss(rate=1.0, mean=2.0, scale=0.5, start=dist.Delta(jnp.array([0.5]), event_dim=1))
ts = jnp.linspace(0.0, 5.0, 101)
paths = cir.sample(ts, key=jax.random.key(0), n=n)
print(paths.made)

# %% [markdown]
# The fan of many paths.

# %%
axes = plot.fan(paths)
axes.set_title("Cox-Ingersoll-Ross from 0.5", loc="left", fontsize=9.5)
save(axes, "cir")

# %% [markdown]
# ## The closed form is the check
#
# The law of the state two units of time later, from its transition, against what was drawn.

# %%
law = cir.transition(0.0, 2.0, jnp.array([0.5]))
at = int(np.argmin(np.abs(np.asarray(ts) - 2.0)))
drawn = paths.xs[:, at, 0]
print(f"mean      drawn {drawn.mean():.4f}   exact {float(law.mean[0]):.4f}")
print(f"variance  drawn {drawn.var():.4f}   exact {float(law.variance[0]):.4f}")

# %% [markdown]
# ## Bridges
#
# Pin the process at both ends. The bridge of a linear Gaussian process is exact as well.

# %%
bridge = ou.bridge(0.0, jnp.array([2.0]), 4.0, jnp.array([3.0]))
inside = bridge.sample(jnp.linspace(0.0, 4.0, 81), key=jax.random.key(1), n=25)
axes = plot.paths(inside)
axes.set_title("OU from 2 to 3", loc="left", fontsize=9.5)
save(axes, "bridge")

# %% [markdown]
# ## A likelihood for nothing
#
# A process with a transition law has an exact likelihood at any times.

# %%
short = sk.Series(jnp.array([0.0, 0.1, 0.7, 2.0, 2.1]), jnp.array([2.0, 2.1, 1.9, 2.4, 2.3]))
print("log p =", float(sk.log_prob(ou, short)))
