# %% [markdown]
# # Your own drift, your own observation
#
# A pendulum swings; its gravity is known, its friction is not. Seen is where the bob stands, with noise and with gaps:
# neither the angle nor its speed. From these series to the friction, and to bands for a path that was never seen whole.

# %%
import os
from pathlib import Path

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import numpyro.distributions as dist
import optax

import sdekit as sk
from sdekit import constraints, parameter, plot
from sdekit.inference import ELBO, AbstractObservation, LatentSDE
from sdekit.nets import ControlMLP, GaussianHead, GRUEncoder
from sdekit.neural import Polynomials, symbolic


out = Path(os.environ.get("SDEKIT_OUT", "out"))
fast = os.environ.get("SDEKIT_EXAMPLES") == "fast"
steps, samples = (10, 50) if fast else (1500, 500)


def save(axes, name):
    plot.save(axes, out / f"{name}.png", dpi=110)


# %% [markdown]
# ## A drift and an observation law
#
# A drift is anything that is called with a time and a state. The network in this one is the friction, a function of the
# speed; it starts at zero. An observation law has two methods; its parameters stand in their own units and domain.


# %%
class Pendulum(eqx.Module):
    friction: eqx.Module

    def __call__(self, t, x):
        angle, speed = x
        return jnp.stack([speed, -4 * jnp.sin(angle) + self.friction(t, x[1:])[0]])


class Bob(AbstractObservation):
    noise: jax.Array = parameter(constraints.positive)

    def log_prob(self, x, y, mask):
        return jnp.where(mask, dist.Normal(jnp.sin(x[:1]), self.noise).log_prob(jnp.where(mask, y, 0)), 0).sum()

    def sample(self, x, *, key):
        return jnp.sin(x[:1]) + self.noise * jax.random.normal(key, (1,))


def diffusion(friction):
    """Only the speed is shaken."""
    start = dist.Normal(jnp.zeros(2), jnp.array([0.7, 1.0])).to_event(1)
    shaken = lambda t, x: jnp.array([[0.0], [0.2]])
    return sk.processes.Diffusion(Pendulum(friction), shaken, start, structure=sk.processes.Additive)


# %% [markdown]
# ## Data
#
# From a friction of $-0.8 v$, with a quarter of the values missing.

# %%
truth = diffusion(lambda t, v: -0.8 * v)
ts = jnp.linspace(0.0, 4.0, 41)
paths = truth.sample(ts, key=jax.random.key(0), n=64)
keys = jax.random.split(jax.random.key(1), paths.xs.shape[:2])
seen = jax.vmap(jax.vmap(lambda x, key: Bob(0.1).sample(x, key=key)))(paths.xs, keys)
data = sk.Series(ts, seen, jax.random.uniform(jax.random.key(2), seen.shape) < 0.75)
print(data)

# %% [markdown]
# ## The model, from its parts
#
# The posterior steers the noise of the model by a network that reads the series from its end.

# %%
keys = jax.random.split(jax.random.key(3), 4)
model = LatentSDE(
    base=diffusion(sk.nets.MLPField(dim=1, width=16, depth=1, out_scale=0.0, key=keys[0])),
    observation=Bob(0.3),
    encoder=GRUEncoder(dim=1, width=32, size=16, gap=0.1, key=keys[1]),
    control=ControlMLP(dim=2, noise=1, context=16, width=32, depth=2, key=keys[2]),
    head=GaussianHead(context=16, n=2, width=32, depth=1, key=keys[3]),
)
fit = sk.fit(
    model, ELBO(steps=2), data, key=jax.random.key(4), steps=steps, batch_size=16,
    optimiser=optax.chain(optax.clip_by_global_norm(10.0), optax.adam(optax.cosine_decay_schedule(1e-2, steps))),
)  # fmt: skip

# %% [markdown]
# ## What was learned
#
# The friction, on the speeds that occur, as a formula.

# %%
friction = fit.model.base.drift_field.friction
speeds = np.asarray(paths.xs)[..., 1:].reshape(-1, 1)
print(symbolic(friction, speeds, library=Polynomials(3), variables=("v",)))
print(f"noise of an observation: {float(fit.model.observation.noise):.3f}, truth 0.1")

# %% [markdown]
# ## Bands
#
# Of the position, between the observations of one series and after the last of them.

# %%
one = data[0]
past, _ = one.split_time(t=2.5)
given = fit.model.condition(past)
bands = given.sample(jnp.linspace(0.0, 4.0, 81), key=jax.random.key(5), n=samples)
assert jnp.isfinite(bands.xs).all()
axes = plot.fan(bands, one)
save(axes, "own-drift")
