# %% [markdown]
# # A short rate by NUTS
#
# A model of this library inside a NumPyro program: the Cox-Ingersoll-Ross process
#
# $$dX = \kappa(\theta - X)\,dt + \sigma\sqrt{X}\,dW$$
#
# has a transition law in closed form (a scaled noncentral chi-square), so its likelihood is exact at any spacing of the
# observations. `numpyro_model` puts priors on its parameters, by name; NUTS does the rest.

# %%
import os
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import numpyro.distributions as dist
from numpyro.infer import MCMC, NUTS

import sdekit as sk
from sdekit.convert import numpyro_model, to_xarray, with_parameters


FAST = os.environ.get("SDEKIT_EXAMPLES") == "fast"
draws = 150 if FAST else 1000

# %% [markdown]
# Forty years of a short rate in percent, seen every month or so: irregular times are no different.

# %%
truth = sk.processes.CoxIngersollRoss(rate=0.9, mean=4.0, scale=0.6)
rng = np.random.default_rng(0)
ts = np.cumsum(rng.uniform(0.04, 0.12, size=80 if FAST else 480))
path = truth.sample(jnp.asarray(ts), key=jax.random.key(1))
data = path.to_series(clock=sk.data.Clock("1980-01-01", "years"), names=("rate",))
print(data)

# %% [markdown]
# Priors stand in the model's own coordinates. `log_prob` is the likelihood of one series.

# %%
priors = {
    "rate": dist.LogNormal(0.0, 1.0),
    "mean": dist.LogNormal(1.0, 1.0),
    "scale": dist.HalfNormal(2.0),
}
template = sk.processes.CoxIngersollRoss(rate=1.0, mean=1.0, scale=1.0)
program = numpyro_model(template, sk.TransitionLikelihood().log_prob, data, priors)
mcmc = MCMC(NUTS(program, dense_mass=True), num_warmup=draws // 2, num_samples=draws, progress_bar=False)
mcmc.run(jax.random.key(2))

# %%
posterior = to_xarray(mcmc.get_samples(group_by_chain=True), chains=True)
for name in priors:
    values = posterior[name].values.ravel()
    low, middle, high = np.quantile(values, [0.0005, 0.5, 0.9995])
    exact = float(getattr(truth, name)[0])
    print(f"{name:<6} true {exact:.3f}   median {middle:.3f}   99.9 % interval [{low:.3f}, {high:.3f}]")
    assert low < exact < high

# %% [markdown]
# Draws of the posterior are models again: here, each simulates a year ahead.

# %%
samples = {name: values[::5] for name, values in mcmc.get_samples().items()}
start = data.ys[-1]
year = jnp.linspace(0.0, 1.0, 25)


def ahead(values, key):
    model = with_parameters(template, values)
    step = lambda x, inputs: (x := model.transition(inputs[0], inputs[1], x).sample(inputs[2]), x)
    keys = jax.random.split(key, len(year) - 1)
    _, xs = jax.lax.scan(step, start, (year[:-1], year[1:], keys))
    return jnp.concatenate([start[None], xs])


keys = jax.random.split(jax.random.key(3), len(samples["rate"]))
forecast = sk.paths.SampledPath(year, jax.jit(jax.vmap(ahead))(samples, keys))
band = forecast.quantile([0.05, 0.5, 0.95])
print("in a year:", ", ".join(f"{float(x):.2f}" for x in band.xs[:, -1, 0]), "(5, 50 and 95 %)")
assert bool((forecast.xs >= 0).all())

# %%
try:
    import matplotlib.pyplot as plt
except ImportError:
    plt = None

if plt is not None:
    figure, axes = plt.subplots(1, 2, figsize=(9, 3), layout="constrained")
    axes[0].plot(data.clock.undo(data.ts), data.ys[:, 0])
    axes[0].set(xlabel="year", ylabel="short rate, %")
    axes[1].fill_between(year, band.xs[0, :, 0], band.xs[2, :, 0], alpha=0.3, label="90 %")
    axes[1].plot(year, band.xs[1, :, 0], label="median")
    axes[1].set(xlabel="years ahead")
    axes[1].legend()
    out = Path("out")
    out.mkdir(exist_ok=True)
    figure.savefig(out / "04_numpyro_cir.png", dpi=120)
    plt.close(figure)
