# %% [markdown]
# # A point process that is learned
#
# Events come in bursts, of two kinds that set each other off. The law is known here, a Hawkes process, so that what is
# learned can be held against it: first its score, then its intensity, then what it foretells.

# %%
import os
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import optax

import sdekit as sk
from sdekit import points
from sdekit.inference import MarginalLikelihood


out = Path(os.environ.get("SDEKIT_OUT", "out"))
fast = os.environ.get("SDEKIT_EXAMPLES") == "fast"
steps, sequences = (20, 32) if fast else (1500, 1024)

truth = points.ExponentialHawkes(jnp.array([0.3, 0.1]), jnp.array([[0.2, 0.5], [0.4, 0.1]]), 1.5)
window = jnp.array([0.0, 20.0])
data = truth.sample(window, key=jax.random.key(0), n=sequences).to_record()
held = truth.sample(window, key=jax.random.key(1), n=sequences // 2).to_record()
print(data)

# %% [markdown]
# ## An encoder and a decoder
#
# A preset is an encoder of the past with a decoder of the next event. `cd_lognormal` draws the kind first and the gap
# from a law of that kind. The record says how many kinds there are and what a typical gap is.

# %%
model = points.cd_lognormal(data, width=16 if fast else 32, components=4, key=jax.random.key(2))
fit = sk.fit(
    model,
    MarginalLikelihood(),
    data,
    key=jax.random.key(3),
    steps=steps,
    batch_size=32,
    optimiser=optax.adam(optax.cosine_decay_schedule(1e-2, steps)),
    progress=False,
)

# %% [markdown]
# ## How far from the truth
#
# On sequences that neither has seen, in nats an event. No model can be above the truth by more than chance.


# %%
def score(process):
    return float(jax.jit(jax.vmap(process.log_prob))(held).sum()) / int(held.mask.sum())


print(f"truth {score(truth):.4f}, learned {score(fit.model):.4f} nats an event")

# %% [markdown]
# Rescaled by its own compensator, a sequence is a unit Poisson process if the law is right.

# %%
values = points.residuals(fit.model, held).values
print(f"residuals: mean {values.mean():.3f}, variance {values.var():.3f}; both are 1 under the truth")

# %% [markdown]
# ## What comes next
#
# Predictions name the number that is asked for: here the median gap, and the kind from the past alone.

# %%
past, _ = held[:1].split_time(0.8)
history = past[0]
said = points.predict_next(fit.model, history, loss=points.Median())
last = int(history.mask.sum())
print(f"next event at {float(said.times[last]):.2f}, of kind {int(said.kinds[last])}")

ahead = points.forecast(fit.model, history, 4.0, key=jax.random.key(4), n=200)
counts = np.asarray(ahead.mask.sum(axis=-1))
print(f"events in the next 4: {counts.mean():.1f} on average, 90 % between {np.quantile(counts, [0.05, 0.95])}")
