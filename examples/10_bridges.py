# %% [markdown]
# # Snapshots: a Schroedinger bridge, and what it says of a time it has not seen
#
# A population is seen at a few times, and nobody is seen twice. Below, predators and prey at five times. The bridge is
# the law nearest to a reference that has the snapshots as its marginals; the reference is refined, within a family of
# drifts, until bridge and reference agree. Each inner snapshot is then held out in turn.

# %%
import jax
import jax.numpy as jnp

import sdekit as sk
from sdekit import bridges


ts = jnp.arange(0.0, 5.0)
clouds = [sk.load("lotka_volterra", key=jax.random.key(0), n=40, ts=ts).cloud(k) for k in range(5)]

# %% [markdown]
# From a list of snapshots to trajectories and a table, in twelve lines:

# %%
data = sk.data.Snapshots.from_list(ts, clouds)
reference = bridges.with_noise(bridges.PredatorPrey(), scale=0.1, dim=2)


def through(snapshots, key):
    return bridges.refine(reference, snapshots, key=key, rounds=4, steps=12).bridge


bridge = through(data, jax.random.key(1))
paths = bridge.sample(jnp.linspace(0.0, 4.0, 41), key=jax.random.key(2), n=50)
table = bridges.leave_one_out(through, data, key=jax.random.key(3))
print(paths, table, sep="\n\n")

# %% [markdown]
# The refined reference has the rates that the snapshots were drawn with: 1, 0.4, 0.1 and 0.4.

# %%
print({name: float(v) for name, v in sk.named_parameters(bridge.reference.process.drift_field).items()})

# %%
figure = sk.plot.paths(paths)
