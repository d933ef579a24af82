r"""A field: what is known of a path's conditional expectations, and everything that follows from it."""

from collections.abc import Callable
from typing import Any

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import ArrayLike

from .._errors import fault, require
from .._parameters import AbstractParametric
from .._types import RealScalar, State, as_float
from ._convert import Known, inside, of_one_side, of_two_sides
from ._kinds import AbstractKind, Data, Drift, Noise, Score, Velocity
from ._path import AffinePath, require_time


__all__ = ["Field"]


class Conditioned(AbstractParametric):
    """A conditional function with its condition."""

    function: Callable[..., State]
    condition: Any

    def __call__(self, t: RealScalar, x: State) -> State:
        return self.function(t, x, self.condition)


class Guided(AbstractParametric):
    """A conditional function, drawn away from what it says without the condition."""

    function: Callable[..., State]
    condition: Any
    scale: Any

    def __call__(self, t: RealScalar, x: State) -> State:
        free = self.function(t, x, None)
        return free + jnp.asarray(self.scale, free.dtype) * (self.function(t, x, self.condition) - free)


class Field(AbstractParametric):
    r"""A path and one or two of its conditional expectations; the others follow exactly.

    On a one-sided path one kind tells all; on a two-sided one a `Velocity`, `Drift` or `Data` and, for all that
    involves the score, a `Score` or `Noise`. Networks and exact fields (`exact_field`) are of this one type. Where a
    conversion is 0/0 at an end, the functions are evaluated at the nearest time at which it loses half of the digits.

    **Arguments:**

    - `path`: an `AffinePath`; `fit` holds it fixed.
    - `parts`: one or more kinds: `Velocity(f)`, `Drift(f)`, `Score(f)`, `Noise(f)`, `Data(f)`.

    **Raises:** `TypeError` for a part that is no kind; `ValueError` for two parts of one kind, for kinds that do not
    suit the path, and, when asked, for what does not follow from the parts.

    !!! example

        ```python
        import jax.numpy as jnp
        import sdekit as sk
        import sdekit.interpolants as si
        net = sk.nets.MLPField(dim=2, width=16, depth=2, time=True, key=__import__("jax").random.key(0))
        field = si.Field(si.one_sided_linear(), si.Velocity(net))
        field.score(0.5, jnp.ones(2)).shape  # (2,): converted
        ```

    Source: Albergo, Boffi and Vanden-Eijnden (2023), equations (2.20), (2.21), (4.10).
    """

    path: AffinePath = eqx.field(metadata={"trainable": False})
    parts: tuple[AbstractKind, ...]

    def __init__(self, path: AffinePath, *parts: AbstractKind):
        for part in parts:
            if not isinstance(part, AbstractKind):
                remedy = "wrap the function, e.g. Velocity(f), Score(f), Noise(f)"
                raise TypeError(fault("parts", "must be kinds of field", type(part).__name__, remedy))
        kinds = [type(p).__name__ for p in parts]
        require(len(parts) > 0, "parts", "must not be empty", kinds, "pass e.g. Velocity(f)")
        require(len(set(kinds)) == len(kinds), "parts", "must be of different kinds", kinds, "keep one of each")
        noisy = any(isinstance(p, Score | Noise) for p in parts)
        remedy = "drop it, or give the path a gamma"
        require(
            path.gamma is not None or not noisy, "parts", "speak of the noise of a path that has none", kinds, remedy
        )
        self.path, self.parts = path, parts

    def velocity(self, t: RealScalar, x: State) -> State:
        """$b(t, x)$, shape `(d,)`."""
        return self._tell(t, x, Velocity)[0]

    def drift(self, t: RealScalar, x: State) -> State:
        """$v(t, x)$, shape `(d,)`."""
        return self._tell(t, x, Drift)[0]

    def score(self, t: RealScalar, x: State) -> State:
        """$s(t, x)$, shape `(d,)`."""
        return self._tell(t, x, Score)[0]

    def noise(self, t: RealScalar, x: State) -> State:
        r"""$\eta(t, x)$, shape `(d,)`."""
        return self._tell(t, x, Noise)[0]

    def data(self, t: RealScalar, x: State) -> State:
        r"""$\hat x(t, x)$, shape `(d,)`."""
        return self._tell(t, x, Data)[0]

    def velocity_and_score(self, t: RealScalar, x: State) -> tuple[State, State]:
        """$b$ and $s$ from one evaluation of each part."""
        b, s = self._tell(t, x, Velocity, Score)
        return b, s

    def to(self, *kinds: type[AbstractKind]) -> "Field":
        """The same field, told by other kinds.

        **Arguments:**

        - `kinds`: classes of kinds.

        **Returns:** a `Field` whose parts convert those of this one.

        !!! example

            ```python
            import jax.numpy as jnp
            import sdekit.interpolants as si
            path = si.one_sided_linear()
            field = si.Field(path, si.Velocity(lambda t, x: -x))
            field.to(si.Data).velocity(0.5, jnp.ones(1))  # [-1.]
            ```
        """
        methods = {Velocity: _ask_velocity, Drift: _ask_drift, Score: _ask_score, Noise: _ask_noise, Data: _ask_data}
        return Field(self.path, *(kind(Asked(methods[kind], self)) for kind in kinds))

    def given(self, condition: Any) -> "Field":
        """The field under a condition, which conditional functions take as their third argument.

        **Arguments:**

        - `condition`: what the functions expect: a class, a vector, a window of a series.

        **Returns:** a `Field` of functions of time and state.

        !!! example

            ```python
            import jax.numpy as jnp
            import sdekit.interpolants as si
            path = si.one_sided_linear()
            field = si.Field(path, si.Data(lambda t, x, c: c))
            field.given(jnp.ones(2)).data(0.5, jnp.zeros(2))  # [1., 1.]
            ```
        """
        return self._wrapped(lambda f: Conditioned(f, condition))

    def guided(self, condition: Any, scale: ArrayLike) -> "Field":
        r"""The field with classifier-free guidance: $f(\varnothing) + w\,(f(c) - f(\varnothing))$.

        **Arguments:**

        - `condition`: as in `given`; the functions take `None` for none.
        - `scale`: $w$: 0 for no condition, 1 for `given`, more to exaggerate it.

        **Returns:** a `Field` of functions of time and state.

        !!! example

            ```python
            import jax.numpy as jnp
            import sdekit.interpolants as si
            path = si.one_sided_linear()
            kind = si.Data(lambda t, x, c: 0 * x if c is None else c)
            si.Field(path, kind).guided(jnp.ones(2), 3.0).data(0.5, jnp.zeros(2))  # [3., 3.]
            ```

        Source: Ho and Salimans (2022), Classifier-free diffusion guidance.
        """
        return self._wrapped(lambda f: Guided(f, condition, as_float(scale)))

    def _wrapped(self, wrap: Callable[[Any], Any]) -> "Field":
        return Field(self.path, *(type(p)(wrap(p.function)) for p in self.parts))

    def _tell(self, t: RealScalar, x: State, *kinds: type[AbstractKind]) -> list[State]:
        x = as_float(x)
        require(x.ndim == 1, "x", "must have shape (d,)", x, "map over states with `jax.vmap`")
        t = require_time(t).astype(x.dtype)
        sources = {type(p): p for p in self.parts}
        t = inside(self.path, t, tuple(sources), kinds)
        known: Known = {}
        for kind in self._used(tuple(sources), kinds):
            known[kind] = sources[kind](t, x)
            fits = np.shape(known[kind]) == x.shape
            require(fits, f"{kind.__name__}.function", f"must return shape {x.shape}", known[kind], "match the state")
        convert = of_one_side if self.path.one_sided else of_two_sides
        return [known[k] if k in known else convert(self.path, t, x, known, k) for k in kinds]

    def _used(self, sources, kinds):
        """The parts that are needed: those asked for alone, if they are all there."""
        return kinds if all(k in sources for k in kinds) else sources


class Asked(AbstractParametric):
    """A function of time and state that asks a field."""

    ask: Callable = eqx.field(static=True)
    field: Field

    def __call__(self, t: RealScalar, x: State) -> State:
        return self.ask(self.field, t, x)


_ask_velocity = lambda field, t, x: field.velocity(t, x)
_ask_drift = lambda field, t, x: field.drift(t, x)
_ask_score = lambda field, t, x: field.score(t, x)
_ask_noise = lambda field, t, x: field.noise(t, x)
_ask_data = lambda field, t, x: field.data(t, x)
