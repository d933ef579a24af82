"""Constructors of paths between two laws, and from noise to data."""

import math
from typing import Any

import jax
import jax.numpy as jnp

from .._errors import require
from .._types import is_concrete
from ._path import AffinePath
from ._schedule import AbstractSchedule, RootSchedule, SmoothSchedule


__all__ = [
    "brownian_gamma",
    "encoding_decoding",
    "flow_matching",
    "linear",
    "mirror",
    "one_sided_linear",
    "one_sided_root",
    "one_sided_trigonometric",
    "quadratic_gamma",
    "sine_gamma",
    "trigonometric",
]

# Functions of a module with their numbers bound: two paths that are built alike are equal, and compile once.
_bound: Any = jax.tree_util.Partial


def smooth(function, *numbers: Any) -> SmoothSchedule:
    return SmoothSchedule(_bound(function, *numbers))


def root(function, *numbers: Any) -> RootSchedule:
    return RootSchedule(_bound(function, *numbers))


def identity(t):
    return t


def complement(t):
    return 1 - t


def constant(value, t):
    return value * jnp.ones_like(t)


def _bridge(scale, t):
    return scale * t * (1 - t)


def _sine_squared(scale, t):
    return scale * jnp.sin(math.pi * t) ** 2


def _cosine(t):
    # cos(pi t / 2), without what rounding leaves of it at 1.
    return jnp.sin(math.pi / 2 * (1 - t))


def _sine(t):
    return jnp.sin(math.pi / 2 * t)


def _encoder(t):
    return jnp.where(t <= 0.5, jnp.sin(math.pi * (0.5 - jnp.minimum(t, 0.5))) ** 2, 0)


def _decoder(t):
    return _encoder(1 - t)


def _root_of_complement(t):
    return (1 - t) * (1 + t)


def _rotated(leg, gamma, t):
    return jnp.sqrt(1 - gamma.square(t)) * leg(t)


def brownian_gamma(a: float = 2.0) -> RootSchedule:
    r"""$\gamma = \sqrt{a\,t(1 - t)}$, the deviation of a Brownian bridge.

    **Arguments:**

    - `a`: positive; with $a = 2\epsilon$ the bridge of the noise $\sqrt{2\epsilon}\,dW$.

    **Returns:** a `RootSchedule`: its slope is infinite at the ends, $\gamma\dot\gamma$ is $\pm a/2$ there.

    **Raises:** `ValueError` if `a` is not positive.

    !!! example

        ```python
        import sdekit.interpolants as si
        si.brownian_gamma(1.0)(0.5)  # 0.5
        ```

    Source: Albergo, Boffi and Vanden-Eijnden (2023), section 4.2.
    """
    return root(_bridge, _positive("a", a))


def quadratic_gamma(a: float = 1.0) -> SmoothSchedule:
    r"""$\gamma = a\,t(1 - t)$, with finite slopes.

    **Arguments:**

    - `a`: positive.

    **Returns:** a `SmoothSchedule`.

    **Raises:** `ValueError` if `a` is not positive.

    !!! example

        ```python
        import sdekit.interpolants as si
        si.quadratic_gamma()(0.5)  # 0.25
        ```
    """
    return smooth(_bridge, _positive("a", a))


def sine_gamma(a: float = 1.0) -> SmoothSchedule:
    r"""$\gamma = a \sin^2(\pi t)$, with slope 0 at the ends.

    **Arguments:**

    - `a`: positive.

    **Returns:** a `SmoothSchedule`.

    **Raises:** `ValueError` if `a` is not positive.

    !!! example

        ```python
        import sdekit.interpolants as si
        si.sine_gamma()(0.5)  # 1.0
        ```
    """
    return smooth(_sine_squared, _positive("a", a))


def _positive(name: str, value: float) -> float:
    if is_concrete(value):
        require(bool(value > 0), name, "must be positive", value, "pass a number above 0")
    return value


def linear(gamma: AbstractSchedule | None = None) -> AffinePath:
    r"""$x_t = (1 - t)\,x_0 + t\,x_1 + \gamma z$ between two laws.

    **Arguments:**

    - `gamma`: `brownian_gamma()` by default.

    **Returns:** an `AffinePath`.

    !!! example

        ```python
        import sdekit.interpolants as si
        path = si.linear(si.sine_gamma())
        ```

    Source: Albergo, Boffi and Vanden-Eijnden (2023), section 4.
    """
    return AffinePath(smooth(complement), smooth(identity), brownian_gamma() if gamma is None else gamma)


def trigonometric(gamma: AbstractSchedule | None = None) -> AffinePath:
    r"""$x_t = \sqrt{1 - \gamma^2}\,(\cos\tfrac{\pi t}{2}\,x_0 + \sin\tfrac{\pi t}{2}\,x_1) + \gamma z$: keeps variance.

    **Arguments:**

    - `gamma`: below 1 throughout; `quadratic_gamma()` by default.

    **Returns:** an `AffinePath`.

    **Raises:** `ValueError` if `gamma` reaches 1.

    !!! example

        ```python
        import sdekit.interpolants as si
        path = si.trigonometric()
        ```

    Source: Albergo, Boffi and Vanden-Eijnden (2023), section 4, equation (4.5).
    """
    gamma = quadratic_gamma() if gamma is None else gamma
    if is_concrete(jax.tree.leaves(gamma)):
        most = float(jnp.max(jax.vmap(gamma.square)(jnp.linspace(0.0, 1.0, 101))))
        require(most < 1, "gamma", "must stay below 1", most**0.5, "scale it down, or use encoding_decoding()")
    return AffinePath(
        SmoothSchedule(_bound(_rotated, _bound(_cosine), gamma)),
        SmoothSchedule(_bound(_rotated, _bound(_sine), gamma)),
        gamma,
    )


def encoding_decoding() -> AffinePath:
    r"""From $x_0$ to noise at $t = 1/2$ and on to $x_1$: $\cos^2(\pi t)$ of the nearer end, $\sin^2(\pi t)\,z$.

    **Returns:** an `AffinePath`. Its ends are not told apart by velocities: `Field.data` has no value.

    !!! example

        ```python
        import sdekit.interpolants as si
        si.encoding_decoding().gamma(0.5)  # 1.0
        ```

    Source: Albergo, Boffi and Vanden-Eijnden (2023), section 4, equation (4.6).
    """
    return AffinePath(smooth(_encoder), smooth(_decoder), sine_gamma())


def mirror(gamma: AbstractSchedule | None = None) -> AffinePath:
    r"""$x_t = x_1 + \gamma z$: from data to noisy data and back to other data of the same law.

    **Arguments:**

    - `gamma`: `brownian_gamma()` by default.

    **Returns:** an `AffinePath`, with $b = -\gamma\dot\gamma\,s$.

    !!! example

        ```python
        import sdekit.interpolants as si
        path = si.mirror()
        ```

    Source: Albergo, Boffi and Vanden-Eijnden (2023), section 4.4.
    """
    return AffinePath(beta=smooth(constant, 1.0), gamma=brownian_gamma() if gamma is None else gamma)


def flow_matching(sigma: float = 0.0) -> AffinePath:
    r"""$x_t = (1 - t)\,x_0 + t\,x_1 + \sigma z$, the path of conditional flow matching.

    **Arguments:**

    - `sigma`: constant, not negative; 0 for straight lines without noise.

    **Returns:** an `AffinePath`.

    **Raises:** `ValueError` for a negative `sigma`.

    !!! example

        ```python
        import sdekit.interpolants as si
        path = si.flow_matching()
        ```

    Source: Tong et al. (2024), Improving and generalizing flow-based generative models with minibatch optimal
    transport; Liu, Gong and Liu (2023), Flow straight and fast.
    """
    require(sigma >= 0, "sigma", "must not be negative", sigma, "pass 0 or a small number")
    return AffinePath(smooth(complement), smooth(identity), smooth(constant, float(sigma)) if sigma else None)


def one_sided_linear() -> AffinePath:
    r"""$x_t = (1 - t)\,z + t\,x_1$: noise takes the place of $x_0$.

    **Returns:** an `AffinePath`. One field, such as a `Velocity`, tells everything, the score included.

    !!! example

        ```python
        import sdekit.interpolants as si
        si.one_sided_linear().one_sided  # True
        ```

    Source: Albergo, Boffi and Vanden-Eijnden (2023), section 4.3; Lipman et al. (2023), Flow matching.
    """
    return AffinePath(beta=smooth(identity), gamma=smooth(complement))


def one_sided_trigonometric() -> AffinePath:
    r"""$x_t = \cos\tfrac{\pi t}{2}\,z + \sin\tfrac{\pi t}{2}\,x_1$.

    **Returns:** an `AffinePath`.

    !!! example

        ```python
        import sdekit.interpolants as si
        si.one_sided_trigonometric().gamma(1.0)  # 0.0
        ```

    Source: Albergo, Boffi and Vanden-Eijnden (2023), section 4.3.
    """
    return AffinePath(beta=smooth(_sine), gamma=smooth(_cosine))


def one_sided_root() -> AffinePath:
    r"""$x_t = \sqrt{1 - t^2}\,z + t\,x_1$: the variance-preserving diffusion with $t = e^{-\tau}$.

    **Returns:** an `AffinePath`.

    !!! example

        ```python
        import sdekit.interpolants as si
        si.one_sided_root().gamma(0.0)  # 1.0
        ```

    Source: Albergo, Boffi and Vanden-Eijnden (2023), section 5.1.
    """
    return AffinePath(beta=smooth(identity), gamma=root(_root_of_complement))
