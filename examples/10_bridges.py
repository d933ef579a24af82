# %% [markdown]
# # Snapshots: a Schroedinger bridge, and what it says of a time it has not seen
#
# A population is seen at a few times, and nobody is seen twice. Below, predators and prey at five times. The bridge is
# the law nearest to a reference that has the snapshots as its marginals; the reference is refined, within a family of
# drifts, until bridge and reference agree. Each inner snapshot is then held out in turn.

# %%
import os
from pathlib import Path

import jax
import jax.numpy as jnp
import matplotlib.pyplot as plt
import numpy as np

import sdekit as sk
from sdekit import bridges


out = Path(os.environ.get("SDEKIT_OUT", "out"))


def save(figure, name):
    sk.plot.save(figure, out / f"{name}.png", dpi=110)


ts = jnp.arange(0.0, 5.0)
clouds = [sk.load("lotka_volterra", key=jax.random.key(0), n=40, ts=ts).cloud(k) for k in range(5)]

# %% [markdown]
# From a list of snapshots to trajectories and a table, in twelve lines:

# %%
data = sk.data.Snapshots.from_list(ts, clouds)
reference = bridges.with_noise(bridges.PredatorPrey(), scale=0.1, dim=2)


def refined(snapshots, key):
    return bridges.refine(reference, snapshots, key=key, rounds=4, steps=12)


found = refined(data, jax.random.key(1))
bridge = found.bridge
paths = bridge.sample(jnp.linspace(0.0, 4.0, 41), key=jax.random.key(2), n=50)
table = bridges.leave_one_out(lambda some, key: refined(some, key).bridge, data, key=jax.random.key(3))
print(paths, table, sep="\n\n")

# %% [markdown]
# The refined reference has the rates that the snapshots were drawn with: 1, 0.4, 0.1 and 0.4.

# %%
print({name: float(v) for name, v in sk.named_parameters(bridge.reference.process.drift_field).items()})

# %% [markdown]
# Paths of the bridge in the plane of prey and predators, over the snapshots that they pass; arrows are the drift of the
# bridge between the second and the third. On the right, the refinement: what the divergence of the bridge from its
# reference falls by, until what is left is noise of the draws.

# %%
xs = np.asarray(paths.xs)
with sk.plot.style():
    figure, (plane, trace) = plt.subplots(1, 2, figsize=(9, 4), width_ratios=(3, 2))
plane.plot(xs[..., 0].T, xs[..., 1].T, lw=0.6, alpha=0.4, color=sk.plot.PALETTE[0])
for k, t in enumerate(np.asarray(data.ts)):
    plane.plot(*np.asarray(data.cloud(k)).T, "o", ms=3, color=sk.plot.PALETTE[1 + k], label=f"t = {t:g}")
corners = jnp.stack(jnp.meshgrid(jnp.linspace(0.5, 3.5, 7), jnp.linspace(1.5, 4.5, 7)), -1).reshape(-1, 2)
pull = jax.vmap(lambda x: bridge.drift(1.5, x))(corners)
plane.quiver(*np.asarray(corners).T, *np.asarray(pull).T, color="0.6", width=0.003)
plane.set(xlabel="prey", ylabel="predators")
plane.legend(fontsize=8, loc="lower right")
kl = np.asarray(found.kl)
trace.plot(kl, "o-", color=sk.plot.PALETTE[0])
trace.set(xlabel="round", ylabel="divergence, up to a constant", xticks=range(len(kl)))
save(figure, "bridges-snapshots")
