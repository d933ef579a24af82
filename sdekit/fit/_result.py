"""What `fit` returns."""

import dataclasses
from typing import Any

import numpy as np

from .._errors import describe
from .._parameters import named_parameters
from .._types import PyTree
from ._history import History
from ._state import FitState


__all__ = ["Fit"]


@dataclasses.dataclass(frozen=True, repr=False, eq=False)
class Fit:
    """A fitted model, how it was reached, and what is needed to go on.

    Go on by `fit(model, objective, data, key=key, steps=more, resume=this)`: the same as if it had never stopped.

    !!! example

        ```python
        import jax, jax.numpy as jnp
        import sdekit as sk
        from sdekit.fit import fit

        class Distance(sk.inference.AbstractObjective):
            def __call__(self, model, batch, *, key):
                return jnp.mean((batch.ys - model.mean[None, None]) ** 2), {}

        data = sk.data.Series(jnp.arange(3.0), jnp.array([1.0, 2.0, 3.0]))
        model = sk.processes.OrnsteinUhlenbeck(rate=1.0)
        result = fit(model, Distance(), data, key=jax.random.key(0), steps=100, progress=False)
        result.model.mean, result.history["loss"][-1]
        ```
    """

    model: PyTree
    """The model after the last step."""
    best: PyTree
    """The model of the lowest validation loss; without validation, `model`."""
    history: History
    state: FitState
    converged: bool
    """Whether the fit met `tolerance`."""
    stopped: str
    """Why the fit ended, in words."""

    @property
    def steps(self) -> int:
        """The number of steps taken."""
        return int(self.state.step)

    def __repr__(self) -> str:
        lines = [f"Fit of {type(self.model).__name__}: {self.stopped} after {self.steps} steps"]
        h = self.history
        if h.rows:
            lines[0] += f" in {h['seconds'][-1]:.3g} s"
            lines.append(f"  loss {h['loss'][0]:.6g} -> {h['loss'][-1]:.6g}, gradient {h['gradient'][-1]:.2g}")
        if h.rows and "valid_loss" in h and np.isfinite(h["valid_loss"]).any():
            i = int(np.nanargmin(h["valid_loss"]))
            lines.append(f"  best validation loss {h['valid_loss'][i]:.6g} at step {int(h['step'][i])}")
        lines += [f"  {name} = {_short(value)}" for name, value in _parameters(self.model)]
        return "\n".join(lines)


def _parameters(model: PyTree, most: int = 12) -> list[tuple[str, Any]]:
    named = list(named_parameters(model).items())
    more = [("...", f"{len(named) - most} more")] if len(named) > most else []
    return named[:most] + more


def _short(value: Any) -> str:
    if isinstance(value, str):
        return value
    return np.array2string(np.asarray(value), precision=6) if np.size(value) <= 6 else describe(value)
