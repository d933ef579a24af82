"""A model of the library inside a NumPyro program: priors on its parameters, its log-density as a factor."""

from collections.abc import Callable, Mapping
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import numpyro
import numpyro.distributions as dist

from .._errors import require
from .._parameters import _walk, named_parameters
from .._types import Array, ArrayLike, PyTree


__all__ = ["numpyro_model", "with_parameters"]


def with_parameters(model: PyTree, values: Mapping[str, ArrayLike]) -> PyTree:
    """The model with some parameters replaced, by their dotted names.

    **Arguments:**

    - `model`: any model.
    - `values`: new values for names that `sdekit.named_parameters(model)` lists, each of the parameter's shape or of
      one that broadcasts to it, in the model's own coordinates. Domains are not checked: the values may be traced.

    **Returns:** a model of the same structure. Under `jax.vmap` over a dictionary of draws it gives a stack of models.

    **Raises:** `ValueError` for an unknown name or a shape that does not fit.

    !!! example

        ```python
        import jax.numpy as jnp
        import sdekit as sk
        from sdekit.convert import with_parameters

        model = sk.processes.OrnsteinUhlenbeck(rate=1.0, mean=0.0, scale=1.0)
        with_parameters(model, {"rate": jnp.array([2.0])}).rate  # [2.]
        ```
    """
    known = named_parameters(model)
    for name, value in values.items():
        require(name in known, "values", f"names no parameter of {type(model).__name__}", name, f"use {list(known)}")
        shape = known[name].shape
        fits = _broadcasts(jnp.shape(value), shape)
        require(fits, f"values['{name}']", f"must have shape {shape}", value, "pass one number for each entry")

    def leaf(name, value, _constraint, _free):
        if name not in values:
            return value
        return jnp.broadcast_to(jnp.asarray(values[name], value.dtype), value.shape)

    return _walk(model, leaf, "", None, True)


def _broadcasts(shape: tuple, target: tuple) -> bool:
    try:
        return np.broadcast_shapes(shape, target) == target
    except ValueError:
        return False


def numpyro_model(
    model: PyTree,
    log_prob: Callable[[PyTree, Any], Array],
    data: Any,
    priors: Mapping[str, dist.Distribution],
) -> Callable[[], PyTree]:
    """A NumPyro model that draws the parameters from priors and weighs them by a log-density of this library.

    Every sampler and guide of NumPyro then works: `MCMC(NUTS(...))`, `SVI`, `Predictive`.

    **Arguments:**

    - `model`: a template; parameters without a prior keep its values.
    - `log_prob`: a function of the model and the data, of shape `()`, e.g. `lambda m, d: m.log_prob(d)`.
    - `data`: a record, passed on to `log_prob`.
    - `priors`: a law for each parameter to infer, by dotted name (see `sdekit.named_parameters`), in the model's own
      coordinates. A scalar law stands for independent entries.

    **Returns:** a function without arguments. It registers each parameter as a sample site of its name, a factor
    `"log_prob"`, and returns the model with the parameters drawn.

    **Raises:** `ValueError` for an unknown parameter, a prior of another shape, or one that leaves the parameter's
    domain; later, if `log_prob` is not of shape `()`.

    !!! example

        ```python
        import jax, jax.numpy as jnp
        import numpyro.distributions as dist
        from numpyro.infer import MCMC, NUTS
        import sdekit as sk
        from sdekit.convert import numpyro_model

        model = sk.processes.OrnsteinUhlenbeck(rate=1.0, mean=0.0, scale=1.0)
        ys = jnp.array([0.3, -0.2, 0.4])
        log_prob = lambda m, ys: jax.vmap(m.stationary().log_prob)(ys[:, None]).sum()
        bayes = numpyro_model(model, log_prob, ys, {"scale": dist.LogNormal(0.0, 1.0)})
        mcmc = MCMC(NUTS(bayes), num_warmup=10, num_samples=10, progress_bar=False)
        mcmc.run(jax.random.key(0))
        ```
    """
    known = named_parameters(model)
    require(len(priors) > 0, "priors", "must not be empty", dict(priors), f"put a prior on some of {list(known)}")
    domains = _domains(model)
    laws = {}
    for name, law in priors.items():
        require(name in known, "priors", f"names no parameter of {type(model).__name__}", name, f"use {list(known)}")
        laws[name] = _fit_shape(name, law, known[name].shape)
        _require_domain(name, laws[name], domains[name])

    def program() -> PyTree:
        drawn = with_parameters(model, {name: numpyro.sample(name, law) for name, law in laws.items()})
        value = jnp.asarray(log_prob(drawn, data))
        require(value.shape == (), "log_prob", "must return one number", value, "sum over the items of the data")
        numpyro.factor("log_prob", value)
        return drawn

    return program


def _domains(model: PyTree) -> dict[str, Any]:
    domains: dict[str, Any] = {}
    _walk(model, lambda name, _value, constraint, _free: domains.setdefault(name, constraint), "", None, True)
    return {name: domains[name] for name in named_parameters(model)}


def _fit_shape(name: str, law: dist.Distribution, shape: tuple) -> dist.Distribution:
    own = law.shape()
    where = f"priors['{name}']"
    if own == shape:
        return law.to_event(len(law.batch_shape)) if law.batch_shape else law
    free = law.event_shape == () and _broadcasts(own, shape)
    require(free, where, f"must have the parameter's shape {shape}", own, "pass a scalar law, or expand it")
    return law.expand(shape).to_event(len(shape))


def _require_domain(name: str, law: dist.Distribution, domain: Any) -> None:
    if domain is None:
        return
    # Draws decide, since supports cannot be compared in general; the key only makes the check repeatable.
    draws: Any = jax.vmap(law.sample)(jax.random.split(jax.random.key(0), 256))
    said = str(domain).replace("_", " ").lower()
    inside = np.asarray(jax.vmap(domain)(draws))
    bad = draws[~inside.reshape(len(inside), -1).all(-1)]
    require(
        bool(inside.all()),
        f"priors['{name}']",
        f"leaves the parameter's domain ({said})",
        bad[0] if len(bad) else draws[0],
        "use a law supported on the domain, such as LogNormal or HalfNormal for positive",
    )
