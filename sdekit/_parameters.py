"""Parameters: declared with their domain on the model, optimised without one.

A model holds its parameters as they are spoken of (`rate = 0.5`). Their domain stands on the field, so that it is
checked at construction, and so that `fit` can move the model to unconstrained coordinates and back.
"""

import dataclasses
from collections.abc import Callable
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import numpyro.distributions as dist
from jaxtyping import Array, PyTree
from numpyro.distributions import biject_to, constraints

from ._errors import fault
from ._types import as_float, is_concrete


__all__ = [
    "AbstractParametric",
    "constrain",
    "constraints",
    "law_field",
    "named_parameters",
    "parameter",
    "trainable",
    "unconstrain",
]

_REMEDIES = {
    "Positive": "pass a number above 0",
    "GreaterThan": "pass a larger number",
    "UnitInterval": "pass a number strictly between 0 and 1",
    "OpenInterval": "pass a number inside the interval",
    "Interval": "pass a number inside the interval",
    "LowerCholesky": "pass a lower-triangular matrix with a positive diagonal",
    "PositiveDefinite": "pass a symmetric positive-definite matrix",
}


def parameter(
    constraint: constraints.Constraint | Callable[[Any], constraints.Constraint] = constraints.real,
    *,
    trainable: bool | Callable[[Any], bool] = True,
    converter: Callable[[Any], Any] = as_float,
    **kwargs: Any,
) -> Any:
    """A field of a model that holds a parameter.

    **Arguments:**

    - `constraint`: its domain, one of `numpyro.distributions.constraints` (`positive`, `unit_interval`, ...), or a
        function that finds it from the static fields of the model.
    - `trainable`: whether `fit` moves it, or a function that finds it likewise.
    - `converter`: applied at construction; `as_float` keeps the dtype of arrays.
    - `kwargs`: passed to `equinox.field`, e.g. `default=1.0`.

    **Returns:** an `equinox.field`.

    !!! example

        ```python
        import jax
        import sdekit as sk
        from sdekit import constraints, parameter

        class Decay(sk.AbstractParametric):
            rate: jax.Array = parameter(constraints.positive)

        Decay(rate=2.0)
        ```
    """
    metadata = {"constraint": constraint, "trainable": trainable, **kwargs.pop("metadata", {})}
    return eqx.field(converter=converter, metadata=metadata, **kwargs)


def _declared(module: Any, metadata: Any) -> tuple[Any, bool]:
    """The constraint and whether `fit` moves the field: as declared, or as the static fields of the module say."""
    constraint, free = metadata.get("constraint"), metadata.get("trainable", True)
    if constraint is not None and not isinstance(constraint, constraints.Constraint):
        constraint = constraint(module)
    return constraint, free if isinstance(free, bool) else free(module)


def law_field(*, trainable: bool = False, **kwargs: Any) -> Any:
    """A field of a model that holds a law (a `numpyro.distributions` object). Its parameters are fixed unless asked.

    **Arguments:**

    - `trainable`: whether `fit` moves the parameters of the law, inside the domains that it declares.
    - `kwargs`: passed to `equinox.field`.

    **Returns:** an `equinox.field`.

    !!! example

        ```python
        import numpyro.distributions as dist
        import sdekit as sk

        class Start(sk.AbstractParametric):
            initial: dist.Distribution = sk.law_field()

        sk.named_parameters(Start(dist.Normal(0.0, 1.0)))  # {}
        ```
    """
    return eqx.field(metadata={"trainable": trainable, **kwargs.pop("metadata", {})}, **kwargs)


class AbstractParametric(eqx.Module):
    """A module whose declared parameters are checked at construction. The base of every model in the library.

    !!! example

        ```python
        import jax
        import sdekit as sk

        class Decay(sk.AbstractParametric):
            rate: jax.Array = sk.parameter(sk.constraints.positive)

        sk.named_parameters(Decay(rate=2.0))
        ```
    """

    def __check_init__(self):
        for field in dataclasses.fields(self):
            value = getattr(self, field.name, None)
            if value is None or not eqx.is_array(value):
                continue
            constraint, _ = _declared(self, field.metadata)
            if constraint is None:
                continue
            name = f"{type(self).__name__}.{field.name}"
            if constraint.event_dim > value.ndim:
                problem = f"must have at least {constraint.event_dim} dimensions"
                raise ValueError(fault(name, problem, value, "pass a full array"))
            if not is_concrete(value):
                continue
            if not np.isfinite(np.asarray(value)).all():
                raise ValueError(fault(name, "must be finite", value, "replace NaN and infinite values"))
            with jax.ensure_compile_time_eval():  # known numbers stay known inside `jit`
                fits = np.asarray(constraint(value)).all()
            if not fits:
                kind = type(constraint).__name__.strip("_").lstrip("_")
                said = str(constraint).replace("_", " ").lower()
                raise ValueError(
                    fault(name, f"must satisfy: {said}", value, _REMEDIES.get(kind, f"pass a {said} value"))
                )


def _children(node: Any) -> tuple[list[tuple[str, Any, Any, bool]], Any]:
    """One level of a PyTree: `(name, child, constraint or None, trainable)` for each child, and the treedef."""
    paths, treedef = jax.tree_util.tree_flatten_with_path(node, is_leaf=lambda x: x is not node)
    if isinstance(node, dist.Distribution):
        # In the order of the leaves, which is that of a set: it changes from one process to the next.
        names = list(node.gather_pytree_data_fields())
        names = [n for n in names if getattr(node, n, None) is not None] if len(names) != len(paths) else names
        if len(names) != len(paths):
            return [("", child, None, False) for _, child in paths], treedef
        domains = node.arg_constraints
        # What a law is made of moves if it has a domain; a law inside a law (`to_event`) as its own parameters say.
        moves = lambda n, c: n in domains or isinstance(c, dist.Distribution)
        rows = [(n, c, domains.get(n), moves(n, c)) for n, (_, c) in zip(names, paths, strict=True)]
        return rows, treedef
    fields = {f.name: f.metadata for f in dataclasses.fields(node)} if isinstance(node, eqx.Module) else {}
    rows = []
    for path, child in paths:
        key = path[0] if path else None
        name = getattr(key, "name", getattr(key, "key", getattr(key, "idx", "")))
        rows.append((str(name), child, *_declared(node, fields.get(name, {}))))
    return rows, treedef


def leaf_order(tree: PyTree) -> list[int]:
    """The places of the leaves of a tree, those of a law by name: an order that is the same in every process."""
    leaves, treedef = jax.tree.flatten(tree)
    return _places(treedef.unflatten(range(len(leaves))))


def _places(node: Any) -> list[int]:
    if _is_leaf(node):
        return [] if node is None else [node]
    rows = _children(node)[0]
    if isinstance(node, dist.Distribution):
        rows = sorted(rows, key=lambda row: row[0])
    return [place for _, child, _, _ in rows for place in _places(child)]


def _is_leaf(node: Any) -> bool:
    return jax.tree_util.all_leaves([node]) or node is None


def _walk(node: Any, leaf: Callable[[str, Any, Any, bool], Any], name: str, constraint: Any, free: bool) -> Any:
    if _is_leaf(node):
        return None if node is None else leaf(name, node, constraint, free)
    rows, treedef = _children(node)
    new = [
        _walk(child, leaf, f"{name}.{n}" if name else n, c if c is not None else None, free and t)
        for n, child, c, t in rows
    ]
    return jax.tree_util.tree_unflatten(treedef, new)


def _transform(constraint: Any) -> Any:
    fixed = constraint is None or constraint is constraints.real or getattr(constraint, "is_discrete", False)
    return None if fixed or isinstance(constraint, type(constraints.dependent)) else biject_to(constraint)


def unconstrain(model: PyTree) -> PyTree:
    """The model with every constrained parameter moved to unconstrained coordinates (log for positive, logit, ...).

    **Arguments:**

    - `model`: any PyTree of modules.

    **Returns:** a PyTree of the same structure. `constrain` undoes it.

    !!! example

        ```python
        import sdekit as sk
        raw = sk.unconstrain(sk.processes.OrnsteinUhlenbeck(rate=1.0, mean=0.0, scale=1.0))
        ```
    """

    def leaf(_name, value, constraint, _free):
        t = _transform(constraint)
        return value if t is None or not eqx.is_inexact_array(value) else t.inv(value)

    return _walk(model, leaf, "", None, True)


def constrain(model: PyTree) -> PyTree:
    """The inverse of `unconstrain`.

    **Arguments:**

    - `model`: a PyTree in unconstrained coordinates.

    **Returns:** the model in its own coordinates.

    !!! example

        ```python
        import sdekit as sk
        model = sk.processes.OrnsteinUhlenbeck(rate=1.0, mean=0.0, scale=1.0)
        sk.constrain(sk.unconstrain(model))
        ```
    """

    def leaf(_name, value, constraint, _free):
        t = _transform(constraint)
        return value if t is None or not eqx.is_inexact_array(value) else t(value)

    return _walk(model, leaf, "", None, True)


def trainable(model: PyTree, frozen: Callable[[Any], Any] | None = None) -> PyTree:
    """Which leaves `fit` moves: floating-point arrays, less those declared `trainable=False` and those frozen here.

    **Arguments:**

    - `model`: any PyTree of modules.
    - `frozen`: a function from the model to the node, or a list of the nodes, to hold fixed.

    **Returns:** a PyTree of Booleans of the same structure.

    **Raises:** `ValueError` if `frozen` does not return parts of the model.

    !!! example

        ```python
        import sdekit as sk
        model = sk.processes.OrnsteinUhlenbeck(rate=1.0, mean=0.0, scale=1.0)
        sk.trainable(model, frozen=lambda m: m.rate)
        ```
    """
    mask = _walk(model, lambda _n, value, _c, free: free and eqx.is_inexact_array(value), "", None, True)
    if frozen is None:
        return mask
    where = lambda m: jax.tree.leaves(frozen(m))
    if not where(mask):
        raise ValueError(fault("frozen", "must return parts of the model", frozen(model), "return e.g. [m.rate]"))
    return eqx.tree_at(where, mask, replace_fn=lambda _: False)


def named_parameters(model: PyTree, frozen: Callable[[Any], Any] | None = None) -> dict[str, Array]:
    """The trainable parameters by their dotted names, in the model's own coordinates.

    **Arguments:**

    - `model`, `frozen`: as in `trainable`.

    **Returns:** a dictionary such as `{"rate": ..., "mean": ...}`.

    !!! example

        ```python
        import sdekit as sk
        sk.named_parameters(sk.processes.OrnsteinUhlenbeck(rate=1.0, mean=0.0, scale=1.0))
        ```
    """
    names: list[str] = []
    _walk(model, lambda name, _v, _c, _f: names.append(name), "", None, True)
    free = jax.tree.leaves(trainable(model, frozen))
    values = jax.tree.leaves(model)
    return {n: jnp.asarray(v) for n, v, f in zip(names, values, free, strict=True) if f}
