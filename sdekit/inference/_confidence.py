"""Standard errors and intervals of fitted parameters, from the observed information."""

import dataclasses
import math
from collections.abc import Callable
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import scipy.stats
from jax.flatten_util import ravel_pytree

from .._errors import fault, require
from .._parameters import constrain, named_parameters, trainable, unconstrain
from .._types import PyTree
from ..data import AbstractRecord
from ._likelihood import AbstractLikelihood


__all__ = ["ParameterTable", "confidence"]


@dataclasses.dataclass(frozen=True)
class ParameterTable:
    """Estimates with standard errors and intervals. What `confidence` returns.

    !!! example

        ```python
        import numpy as np
        from sdekit.inference import ParameterTable

        one = np.ones(1)
        print(ParameterTable(("rate",), one, 0.1 * one, 0.8 * one, 1.2 * one, 0.95, -10.0, 100).to_markdown())
        ```
    """

    names: tuple[str, ...]
    estimate: np.ndarray
    standard_error: np.ndarray
    lower: np.ndarray
    upper: np.ndarray
    level: float
    log_prob: float
    """The log-likelihood of all data at the estimate."""
    observations: int
    """The number of observed values."""
    covariance: np.ndarray | None = None
    """The covariance matrix of the estimates, in the order of `names`."""
    warnings: tuple[str, ...] = ()

    @property
    def aic(self) -> float:
        """Akaike's criterion, `2 k - 2 log p`: lower is better."""
        return 2 * len(self.names) - 2 * self.log_prob

    @property
    def bic(self) -> float:
        """Schwarz's criterion, `k log n - 2 log p`, with `n` the number of observed values: lower is better."""
        return len(self.names) * math.log(max(self.observations, 1)) - 2 * self.log_prob

    def __getitem__(self, name: str) -> dict[str, float]:
        """The row of one parameter."""
        require(name in self.names, "name", f"must be one of {', '.join(self.names)}", name, "pass a name of the table")
        i = self.names.index(name)
        return {column: float(values[i]) for column, values in self._columns().items()}

    def _columns(self):
        return {
            "estimate": self.estimate,
            "standard_error": self.standard_error,
            "lower": self.lower,
            "upper": self.upper,
        }

    def to_dict(self) -> dict[str, Any]:
        """Plain Python values: level, criteria, warnings, and the rows under `"parameters"`."""
        return {
            "level": self.level,
            "log_prob": self.log_prob,
            "aic": self.aic,
            "bic": self.bic,
            "observations": self.observations,
            "warnings": list(self.warnings),
            "parameters": {name: self[name] for name in self.names},
        }

    def to_pandas(self):
        """A `pandas.DataFrame` with one row a parameter.

        **Raises:** `ImportError` without pandas.
        """
        try:
            import pandas as pd
        except ImportError as error:
            raise ImportError("`to_pandas` needs pandas. Install sdekit[data].") from error
        return pd.DataFrame(self._columns(), index=pd.Index(self.names, name="parameter"))

    def to_markdown(self) -> str:
        """A Markdown table, with the likelihood, the criteria and the warnings below it."""
        percent = f"{100 * self.level:g}%"
        lines = [
            f"| parameter | estimate | standard error | {percent} lower | {percent} upper |",
            "|---|---|---|---|---|",
        ]
        for i, name in enumerate(self.names):
            cells = " | ".join(f"{values[i]:.6g}" for values in self._columns().values())
            lines.append(f"| {name} | {cells} |")
        lines += ["", self._footer(), *(f"Warning: {w}" for w in self.warnings)]
        return "\n".join(lines)

    def _footer(self):
        values = f"log p = {self.log_prob:.6g}, AIC = {self.aic:.6g}, BIC = {self.bic:.6g}"
        return f"{values}, {self.observations} observed values"

    def __repr__(self) -> str:
        width = max([len("parameter"), *map(len, self.names)])
        head = f"{'parameter':<{width}} {'estimate':>12} {'std. error':>12} {'lower':>12} {'upper':>12}"
        rows = [
            f"{name:<{width}} " + " ".join(f"{values[i]:>12.6g}" for values in self._columns().values())
            for i, name in enumerate(self.names)
        ]
        foot = [f"{100 * self.level:g}% intervals; {self._footer()}", *(f"Warning: {w}" for w in self.warnings)]
        return "\n".join([head, *rows, *foot])


def confidence(
    model: PyTree,
    likelihood: AbstractLikelihood,
    data: AbstractRecord,
    *,
    level: float = 0.95,
    frozen: Callable[[Any], Any] | None = None,
) -> ParameterTable:
    r"""Standard errors and confidence intervals of a model fitted by maximum likelihood.

    The information is minus the Hessian of the total log-likelihood in unconstrained coordinates; the delta method
    carries its inverse to the parameters. Intervals are formed in unconstrained coordinates and mapped through the
    constraint, so that they stay in the domain; for a parameter that depends on several coordinates (an entry of a
    covariance matrix) they are symmetric about the estimate.

    **Arguments:**

    - `model`: the model at the maximum.
    - `likelihood`: the likelihood that was maximised.
    - `data`: the whole record that it was fitted to.
    - `level`: the coverage wanted, between 0 and 1.
    - `frozen`: what was held fixed, as in `fit`.

    **Returns:** a `ParameterTable`. Where the data do not determine a parameter its error is NaN, and `warnings`
    names it.

    **Raises:** `ValueError` if `level` is not inside (0, 1) or no parameter is free; `TypeError` for an objective
    that is not a likelihood.

    Source: Efron and Hinkley (1978), Assessing the accuracy of the maximum likelihood estimator, Biometrika 65(3).

    !!! example

        ```python
        import jax
        import jax.numpy as jnp
        import sdekit as sk
        from sdekit.inference import TransitionLikelihood, confidence

        model = sk.processes.OrnsteinUhlenbeck(rate=1.0, mean=0.0, scale=0.5)
        path = model.sample(jnp.linspace(0.0, 50.0, 501), key=jax.random.key(0))
        confidence(model, TransitionLikelihood(), sk.data.Series(path.ts, path.xs))
        ```
    """
    require(0 < level < 1, "level", "must lie strictly between 0 and 1", level, "pass e.g. 0.95")
    if not isinstance(likelihood, AbstractLikelihood):
        remedy = "pass an AbstractLikelihood such as MarginalLikelihood() or TransitionLikelihood()"
        raise TypeError(fault("likelihood", "must be a likelihood", type(likelihood).__name__, remedy))
    named = named_parameters(model, frozen)
    require(len(named) > 0, "model", "has no free parameter", type(model).__name__, "freeze less")
    mask = trainable(model, frozen)
    free, fixed = eqx.partition(unconstrain(model), mask)
    raw, _ = ravel_pytree(free)
    value, gradient, hessian = _derivatives(free, fixed, likelihood, data)
    estimate, slope = _natural(raw, free, fixed, mask)
    spread = scipy.stats.norm.ppf(0.5 + level / 2)
    names = _entry_names(named)
    raw_cov, lost = _invert(-np.asarray(hessian, np.float64))
    slope = np.asarray(slope, np.float64)
    covariance = slope @ raw_cov @ slope.T
    unknown = np.abs(slope) @ lost > 0
    error = np.where(unknown, np.nan, np.sqrt(np.maximum(np.diag(covariance), 0)))
    half = spread * np.sqrt(np.maximum(np.diag(raw_cov), 0))
    ends = [_natural(raw + jnp.asarray(sign * half, raw.dtype), free, fixed, mask)[0] for sign in (-1, 1)]
    estimate = np.asarray(estimate, np.float64)
    ends = [np.asarray(end, np.float64) for end in ends]
    alone = (np.abs(slope) > 0).sum(axis=1) <= 1
    lower = np.where(alone, np.minimum(*ends), estimate - spread * error)
    upper = np.where(alone, np.maximum(*ends), estimate + spread * error)
    warnings = _warnings(names, unknown, value, gradient, raw_cov)
    lower, upper = np.where(unknown, np.nan, lower), np.where(unknown, np.nan, upper)
    covariance = np.where(unknown[:, None] | unknown[None, :], np.nan, covariance)
    count = int(data.observed())
    return ParameterTable(names, estimate, error, lower, upper, level, float(value), count, covariance, warnings)


@eqx.filter_jit
def _derivatives(free, fixed, likelihood, data):
    """The total log-likelihood, its gradient and its Hessian in unconstrained coordinates."""
    raw, restore = ravel_pytree(free)
    items = data.stack()

    def total(vector):
        model = constrain(eqx.combine(restore(vector), fixed))
        return jax.vmap(lambda item: likelihood.log_prob(model, item))(items).sum()

    return total(raw), jax.grad(total)(raw), jax.hessian(total)(raw)


@eqx.filter_jit
def _natural(raw, free, fixed, mask):
    """The free parameters at unconstrained coordinates, in one vector, and its Jacobian."""
    restore = ravel_pytree(free)[1]
    values = lambda vector: ravel_pytree(eqx.filter(constrain(eqx.combine(restore(vector), fixed)), mask))[0]
    return values(raw), jax.jacfwd(values)(raw)


def _invert(information):
    """The inverse of the information on the directions that the data determine, and the weight on the others."""
    k = information.shape[0]
    bad = ~np.isfinite(information).all(axis=1)
    if bad.any():
        return np.zeros((k, k)), np.ones(k)
    scale = np.sqrt(np.maximum(np.abs(np.diag(information)), np.finfo(float).tiny))
    values, vectors = np.linalg.eigh(information / np.outer(scale, scale))
    known = values > 1e-8
    weights = np.where(known, 1 / np.where(known, values, 1), 0)
    inverse = (vectors * weights) @ vectors.T / np.outer(scale, scale)
    lost = (np.abs(vectors[:, ~known]) > 1e-4).any(axis=1)
    return inverse, lost.astype(float)


def _entry_names(named):
    names = []
    for name, value in named.items():
        if value.size == 1:
            names.append(name)
        else:
            names += [f"{name}[{', '.join(map(str, i))}]" for i in np.ndindex(value.shape)]
    return tuple(names)


def _warnings(names, unknown, value, gradient, raw_cov):
    found = []
    if not np.isfinite(value):
        found.append("the log-likelihood is not finite at this model")
    lost = [name for name, gone in zip(names, unknown, strict=True) if gone]
    if lost:
        found.append(f"singular information: the data do not determine {', '.join(lost)}; freeze it or add data")
    # Newton's decrement: twice the log-likelihood still to be gained if it were quadratic.
    gradient = np.asarray(gradient, np.float64)
    left = gradient @ raw_cov @ gradient
    if np.isfinite(left) and left > 0.01:
        found.append(f"not at a maximum: about {left / 2:.3g} of log-likelihood is left to gain; fit for longer")
    return tuple(found)
