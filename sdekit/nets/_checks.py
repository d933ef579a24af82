"""What every network asks of its sizes and its last layer, and every encoder of a series."""

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Float

from .._errors import require
from ..data import Series


__all__ = ["check_gap", "check_series", "check_sizes", "observed_rows", "scale_last"]


def check_sizes(name: str, **sizes: int) -> None:
    for size, value in sizes.items():
        require(value >= 1, f"{name}.{size}", "must be a positive integer", value, "pass at least 1")


def check_gap(name: str, gap: float) -> None:
    require(gap > 0, f"{name}.gap", "must be positive", gap, "pass a typical time between observations")


def check_series(name: str, series: Series, dim: int) -> None:
    require(series.is_item, f"{name}: series", "must be one series", series.ts, "use `vmap`, or index the record")
    require(
        series.dim == dim, f"{name}: series.ys", f"must have {dim} component(s)", series.ys, "build it for this dim"
    )


def observed_rows(series: Series) -> Float[Array, "t 2e"]:
    """Values and flags; what is masked is replaced before it meets anything."""
    ys = jnp.where(series.mask, series.ys, 0)
    return jnp.concatenate([ys, series.mask.astype(ys.dtype)], axis=1)


def scale_last(mlp: eqx.nn.MLP, factor: float) -> eqx.nn.MLP:
    """The same network with its last layer multiplied by a number; 0 makes it the zero function."""
    last = lambda m: (m.layers[-1].weight, m.layers[-1].bias)
    return eqx.tree_at(last, mlp, replace_fn=lambda w: w * factor)
