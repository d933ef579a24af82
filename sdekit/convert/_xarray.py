"""Records, paths and posterior draws as labelled arrays."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from .._errors import fault, require
from ..data import Clock, Series
from ..data._clock import AS_GIVEN
from ..data._frames import optional
from ..paths import SampledPath
from ._pandas import columns


__all__ = ["from_xarray", "to_xarray"]


def to_xarray(
    x: SampledPath | Series | Mapping[str, Any],
    *,
    name: str = "x",
    clock: Clock | None = None,
    names: tuple[str, ...] = (),
    chains: bool | None = None,
) -> Any:
    """Paths, series or posterior draws as an `xarray.Dataset`.

    **Arguments:**

    - `x`: a `SampledPath`, a `Series`, or a dictionary of draws such as `numpyro`'s `mcmc.get_samples()`.
    - `name`: the name of the variable, for a path or a series.
    - `clock`, `names`: for a path, the clock of the record that its times belong to and the names of its components.
    - `chains`: for draws, whether their first axis is the chain (`get_samples(group_by_chain=True)`). If not given, it
      is not, and there is one chain.

    **Returns:** a dataset. A path has the dimensions `(draw, time, component)`, a series `(item, time, component)` with
    NaN where nothing was observed, without the first if there is no leading axis. Series that do not share their times
    carry them in the coordinate `time` of dimensions `(item, step)`. Draws have `(chain, draw, ...)`: the layout of an
    ArviZ `posterior` group.

    **Raises:** `TypeError` for anything else, `ValueError` for draws of different numbers, `ImportError` without
    xarray.

    !!! example

        ```python
        import jax.numpy as jnp
        from sdekit.convert import to_xarray
        from sdekit.paths import SampledPath

        paths = SampledPath(jnp.arange(3.0), jnp.ones((10, 3, 1)))
        to_xarray(paths).mean("draw")
        ```
    """
    xarray = optional("xarray", "interop")
    if isinstance(x, SampledPath):
        times = (clock or AS_GIVEN).undo(np.asarray(x.ts))
        dims = ("time", "component") if x.is_single else ("draw", "time", "component")
        coords = {"time": _nanoseconds(times), "component": list(columns(tuple(names), x.dim))}
        return xarray.Dataset({name: (dims, np.asarray(x.xs))}, coords, {"made": str(x.made)})
    if isinstance(x, Series):
        return _series(xarray, x, name)
    if isinstance(x, Mapping):
        return _draws(xarray, x, bool(chains))
    raise TypeError(fault("x", "has no dataset", type(x).__name__, "pass a SampledPath, a Series or a dictionary"))


def _nanoseconds(times: np.ndarray) -> np.ndarray:
    return times.astype("datetime64[ns]") if np.issubdtype(times.dtype, np.datetime64) else times


def _series(xarray: Any, x: Series, name: str) -> Any:
    ys = np.where(np.asarray(x.mask), np.asarray(x.ys), np.nan)
    ts, component = np.asarray(x.ts), list(columns(x.names, x.dim))
    if x.is_item or (ts == ts[:1]).all():
        times = _nanoseconds(x.clock.undo(ts if x.is_item else ts[0]))
        dims = ("time", "component") if x.is_item else ("item", "time", "component")
        return xarray.Dataset({name: (dims, ys)}, {"time": times, "component": component}, {"unit": x.clock.unit})
    times = _nanoseconds(x.clock.undo(ts))
    # Padding has no time of its own.
    there = np.arange(x.length) < np.asarray(x.lengths)[:, None]
    times = np.where(there, times, np.array("NaT" if times.dtype.kind == "M" else np.nan, times.dtype))
    coords = {"time": (("item", "step"), times), "component": component}
    return xarray.Dataset({name: (("item", "step", "component"), ys)}, coords, {"unit": x.clock.unit})


def _draws(xarray: Any, samples: Mapping[str, Any], chains: bool) -> Any:
    lead = 2 if chains else 1
    arrays = {k: np.asarray(v) for k, v in samples.items()}
    require(len(arrays) > 0, "x", "must not be empty", samples, "pass at least one parameter")
    first = next(iter(arrays))
    variables = {}
    for k, v in arrays.items():
        same = v.ndim >= lead and v.shape[:lead] == arrays[first].shape[:lead]
        require(same, f"x['{k}']", f"must have the draws of '{first}' first", v, "pass draws of one run")
        v = v if chains else v[None]
        variables[k] = (("chain", "draw", *(f"{k}_dim_{i}" for i in range(v.ndim - 2))), v)
    c, n = next(iter(variables.values()))[1].shape[:2]
    return xarray.Dataset(variables, {"chain": np.arange(c), "draw": np.arange(n)})


def from_xarray(
    array: Any, *, time: str = "time", component: str = "component", unit: str = "", rebase: bool = False
) -> Series:
    """A series from an `xarray.DataArray`, or from the only variable of a `Dataset`. NaN is read as missing.

    **Arguments:**

    - `array`: of dimensions `time`, and optionally `component` and one more, which counts the items. The coordinate
      `time` holds numbers or dates.
    - `time`, `component`: the names of these dimensions.
    - `unit`, `rebase`: as in `Series.from_list`.

    **Returns:** a series, or a stack along the remaining dimension.

    **Raises:** `ValueError` for several variables, a missing coordinate or too many dimensions.

    !!! example

        ```python
        import jax.numpy as jnp
        from sdekit.convert import from_xarray, to_xarray
        from sdekit.data import Series

        from_xarray(to_xarray(Series(jnp.arange(3.0), jnp.ones(3))))
        ```
    """
    xarray = optional("xarray", "interop")
    if isinstance(array, xarray.Dataset):
        found = list(array.data_vars)
        require(len(found) == 1, "array", "must be one variable", found, "pick one: dataset['name']")
        array = array[found[0]]
    if time not in array.dims or time not in array.coords:
        raise ValueError(fault("time", "is not a dimension with a coordinate", time, f"use one of {list(array.dims)}"))
    items = [d for d in array.dims if d not in (time, component)]
    require(len(items) <= 1, "array", "must have at most one dimension of items", items, "select or stack the others")
    has = component in array.dims
    array = array.transpose(*items, time, *([component] if has else []))
    names = tuple(str(c) for c in array[component].values) if has and component in array.coords else ()
    values = array.values if has else array.values[..., None]
    times = array[time].values
    rows = values if items else values[None]
    record = Series.from_list([times] * len(rows), list(rows), unit=unit, rebase=rebase, names=names)
    return record if items else record[0]
