# %% [markdown]
# # From noise to data, and how likely a datum is
#
# Points on a checkerboard. A network learns the velocity of a path from noise to them; from this one network come a
# flow, a diffusion with any noise, samples in few steps, and the likelihood of each point.

# %%
import os
from pathlib import Path

import diffrax
import jax
import jax.numpy as jnp
import matplotlib.pyplot as plt
import numpy as np
import optax

import sdekit as sk
from sdekit import plot
from sdekit.interpolants import (
    ExponentialStep,
    Field,
    GenerativeDiffusion,
    InterpolantMatching,
    Sampler,
    Velocity,
    base_law,
    log_prob,
    one_sided_linear,
)
from sdekit.solve import solve


out = Path(os.environ.get("SDEKIT_OUT", "out"))
fast = os.environ.get("SDEKIT_EXAMPLES") == "fast"
steps, width, n = (200, 32, 200) if fast else (5000, 128, 5000)

# %% [markdown]
# ## Data
#
# Eight squares of side 2: the entropy of the law is $\log 32 = 3.466$ nats, exactly.


# %%
def checkerboard(n, seed):
    rng = np.random.default_rng(seed)
    x = rng.uniform(-2, 2, n)
    y = rng.uniform(0, 1, n) - 2 * rng.integers(0, 2, n) + np.floor(x) % 2
    return 2 * np.stack([x, y], 1).astype(np.float32)


data = sk.data.Snapshots(jnp.zeros(1), checkerboard(100_000, 0)[None])

# %% [markdown]
# ## A path, a field, a fit
#
# Along $x_t = (1 - t) z + t x_1$ the velocity tells everything: score, noise and expected datum follow from it.

# %%
net = sk.nets.MLPField(2, width, 3, time=True, out_scale=1.0, activation=jax.nn.selu, key=jax.random.key(0))
field = Field(one_sided_linear(), Velocity(net))
fit = sk.fit(
    field, InterpolantMatching(), data, key=jax.random.key(1), steps=steps, batch_size=256, chunk=200,
    optimiser=optax.adam(1e-3),
)  # fmt: skip
field = fit.model

# %% [markdown]
# ## One knob from the flow to the diffusion
#
# Every $\epsilon$ has the same law at each time. With errors in the field they differ: noise forgives some of them.

# %%
ts = jnp.array([0.0, 1.0])
made = {}
for epsilon in (0.0, 0.2, 1.0):
    process = GenerativeDiffusion(field, epsilon, dim=2)
    path = solve(process, ts, key=jax.random.key(2), n=n, steps=100, solver=diffrax.Euler())
    made[f"epsilon = {epsilon:g}"] = path.xs[:, -1]
sampler = Sampler(field, ExponentialStep(order=2), dim=2, steps=20)
made["20 exponential steps"] = sampler.sample(ts, key=jax.random.key(3), n=n).xs[:, -1]


def outside(xs):
    """The part of the points that lies off the board's squares."""
    x, y = np.asarray(xs).T / 2
    z = y - np.floor(x) % 2
    on = (np.abs(x) < 2) & (((z >= 0) & (z < 1)) | ((z >= -2) & (z < -1)))
    return 1 - on.mean()


for name, xs in made.items():
    print(f"{name}: {100 * outside(xs):.0f} % of the points off the board")

# %%
with plot.style():
    figure, axes = plt.subplots(1, 4, figsize=(10, 2.7), sharex=True, sharey=True)
    for ax, (name, xs) in zip(axes, made.items(), strict=True):
        ax.scatter(*np.asarray(xs).T, s=0.6, color=plot.PALETTE[0], linewidths=0)
        ax.set(title=name, xlim=(-5, 5), ylim=(-5, 5), aspect="equal")
    plot.save(figure, out / "interpolants-samples.png", dpi=110)

# %% [markdown]
# ## Likelihood
#
# Along the flow, with the divergence in closed form.

# %%
test = jnp.asarray(checkerboard(100 if fast else 1000, 1))
base = base_law(field.path, 2)
nats = jax.jit(jax.vmap(lambda x: log_prob(field, x, base, steps=50)))(test)
assert jnp.isfinite(nats).all()
print(f"negative log-likelihood {-nats.mean():.3f} nats; the least that there can be is {np.log(32):.3f}")
