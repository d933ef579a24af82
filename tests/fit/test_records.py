"""Every kind of record goes through the same fit: whole, in batches, held out, laid over a mesh."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from sdekit.data import Events, Panel, Series, Snapshots
from sdekit.fit import fit
from sdekit.inference import AbstractObjective, MarginalLikelihood
from sdekit.processes import OrnsteinUhlenbeck

from .toys import Line, line


class Distance(AbstractObjective):
    """Squared distance of `slope` to the mean of all that a batch holds in floating point."""

    def __call__(self, model, batch, *, key):
        leaves = [x.mean() for x in jax.tree.leaves(batch) if jnp.issubdtype(x.dtype, jnp.floating)]
        return jnp.mean((model.slope - sum(leaves)) ** 2), {}


def records():
    rng = np.random.default_rng(0)
    grid = np.sort(rng.uniform(size=(6, 5)), -1)
    return {
        "series": Series(grid, rng.standard_normal((6, 5, 2))),
        "panel": Panel(grid, rng.integers(0, 3, (6, 5)), num_states=3),
        "events": Events(grid, rng.integers(0, 2, (6, 5)), t1=1.0),
        "snapshots": Snapshots(np.arange(3.0), rng.standard_normal((3, 6, 2))),
    }


@pytest.mark.parametrize("name", ["series", "panel", "events", "snapshots"])
def test_every_record_is_fitted(key, name):
    mesh = jax.make_mesh((1,), ("data",))
    result = fit(
        line(), Distance(), records()[name], key=key, steps=6, chunk=4, batch_size=2, valid=0.34, mesh=mesh,
        optimiser=optax.adam(0.1), progress=False,
    )  # fmt: skip
    assert isinstance(result.model, Line)
    assert np.isfinite(result.history["valid_loss"]).all()


def test_the_quickstart(key):
    """A model, a likelihood and a record of the library, without a word about the optimiser."""
    truth = OrnsteinUhlenbeck(rate=1.0, mean=0.0, scale=1.0)
    path = truth.sample(jnp.linspace(0.0, 10.0, 41), key=key)
    start = OrnsteinUhlenbeck(rate=0.3, mean=0.5, scale=2.0)
    data = Series(path.ts, path.xs)
    result = fit(start, MarginalLikelihood(), data, key=key, steps=100, progress=False)
    assert result.history["loss"][-1] < result.history["loss"][0]
