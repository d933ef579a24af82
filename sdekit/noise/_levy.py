r"""Joining steps: Chen's relations for Brownian increments and their space-time areas.

Over a step of length $h$ from $s$ to $u$, with $W = W_u - W_s$,

$$H = \frac1h \int_s^u \Bigl(W_{s,r} - \frac{r-s}{h} W\Bigr) dr \sim N(0, h/12), \qquad
K = \frac1{h^2} \int_s^u \Bigl(W_{s,r} - \frac{r-s}{h} W\Bigr)\Bigl(\frac{s+u}{2} - r\Bigr) dr \sim N(0, h/720),$$

independent of one another and of $W$ (Foster, Lyons and Oberhauser 2020; Diffrax's conventions).
"""

from functools import cache
from typing import Any

import diffrax
import jax
import jax.numpy as jnp
import numpy as np

from .._types import Array


__all__ = ["BLOCK_VARIANCES", "chain", "join", "joining", "levy_depth", "levy_parts", "levy_value", "splitting"]

BLOCK_VARIANCES = np.array([1.0, 1 / 12, 1 / 720])
"""The variances of `W`, `H` and `K` over a step of length 1."""

_TYPES = (diffrax.BrownianIncrement, diffrax.SpaceTimeLevyArea, diffrax.SpaceTimeTimeLevyArea)


def levy_depth(levy_area: type) -> int:
    """How many numbers a step has in each component: 1 for `W`, 2 with `H`, 3 with `K`."""
    return 1 + _TYPES.index(levy_area)


def levy_parts(value: Any) -> tuple[Array, ...]:
    """`(W,)`, `(W, H)` or `(W, H, K)`."""
    return tuple(getattr(value, name) for name in "WHK"[: levy_depth(type(value))])


def levy_value(dt: Array, parts: tuple[Array, ...]) -> Any:
    """Diffrax's record of one step from `(W,)`, `(W, H)` or `(W, H, K)`."""
    return _TYPES[len(parts) - 1](dt, *parts)


def chain(first: Any, second: Any) -> Any:
    """Chen's relation: one step and the step that follows it, as one.

    **Arguments:**

    - `first`, `second`: two `diffrax.BrownianIncrement`, `diffrax.SpaceTimeLevyArea` or
      `diffrax.SpaceTimeTimeLevyArea`, both of one kind. Their lengths may differ.

    **Returns:** the same kind, over both steps.

    !!! example

        ```python
        import diffrax, jax.numpy as jnp
        from sdekit.noise import chain
        one = diffrax.SpaceTimeLevyArea(jnp.array(0.5), jnp.array([1.0]), jnp.array([0.2]))
        chain(one, one).W  # [2.]
        ```

    Source: Foster (2020), *Numerical approximations for SDEs*, section 4.2; `K` by integrating its definition.
    """
    a, b = first.dt, second.dt
    h = a + b
    w = first.W + second.W
    if isinstance(first, diffrax.BrownianIncrement):
        return levy_value(h, (w,))
    # I1 is the integral of W_{s,r}, I2 the integral of W_{s,r} times (middle - r).
    i1, j1 = a * (first.H + first.W / 2), b * (second.H + second.W / 2)
    area = (i1 + b * first.W + j1) / h - w / 2
    if isinstance(first, diffrax.SpaceTimeLevyArea):
        return levy_value(h, (w, area))
    i2, j2 = a**2 * (first.K - first.W / 12), b**2 * (second.K - second.W / 12)
    i2 = i2 + j2 + b / 2 * i1 - a / 2 * j1 - a * b / 2 * first.W
    return levy_value(h, (w, area, i2 / h**2 + w / 12))


@cache
def joining(factor: int, depth: int) -> np.ndarray:
    """How `factor` equal steps add up to one: an array `(depth, factor, depth)` from fine parts to coarse parts."""
    n, j = factor, np.arange(factor)
    unit = np.eye(3)
    after = n - 1 - j  # steps that still see the increment of step j
    middle = (n - 1) / 2 - j  # from the middle of step j to the middle of the block
    tail = np.array([middle[k + 1 :].sum() for k in range(n)])
    w = np.broadcast_to(unit[0], (n, 3))
    h = (after[:, None] * unit[0] + unit[1] + unit[0] / 2) / n - unit[0] / 2
    k = unit[2] - unit[0] / 12 + middle[:, None] * (unit[1] + unit[0] / 2) + tail[:, None] * unit[0]
    k = k / n**2 + unit[0] / 12
    return np.stack([w, h, k])[:depth, :, :depth]


@cache
def splitting(factor: int, depth: int) -> np.ndarray:
    """The gain of a Brownian bridge: an array `(factor, depth, depth)` from a residual of the coarse parts to the fine.

    Fine parts drawn freely, plus the gain times what their sum lacks, have the law of the fine parts given the coarse.
    """
    a = joining(factor, depth)
    fine = BLOCK_VARIANCES[:depth] / factor
    coarse = np.einsum("ckf,f,dkf->cd", a, fine, a)
    return np.einsum("f,ckf,cd->kfd", fine, a, np.linalg.inv(coarse))


def join(values: Any, factor: int) -> Any:
    """`factor` equal steps, stacked on a first axis, as one step."""
    parts = jnp.stack(levy_parts(values), axis=1)  # (factor, depth, m)
    gain = jnp.asarray(joining(factor, parts.shape[1]), parts.dtype)
    coarse = jnp.einsum("ckf,kfm->cm", gain, parts, precision=jax.lax.Precision.HIGHEST)
    return levy_value(values.dt.sum(0), tuple(coarse))
