"""Windows of series that are hidden, to be drawn given the rest."""

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Bool, Float

from .._errors import require
from .._types import Array, Key


__all__ = ["HiddenWindow"]


class HiddenWindow(eqx.Module):
    """Hides a window of each series; what is left is the condition of a field: forecasts, back-casts and gaps.

    As `InterpolantMatching(hide=HiddenWindow(8))` it makes a condition of each datum, the third argument of the field's
    functions: the values with zeros where they are hidden, and then a one for each hidden value and a zero for each
    known. The field learned is that of the law of whole series given what is known; `condition` makes the same of a
    series at hand, for `field.given(...)`. Known values are generated too, and come out as they were up to the error
    of the network: keep those that you have.

    **Arguments:**

    - `length`: how many times are hidden.
    - `start`: the first of them, counted from the end if negative; `None` for one at random in each series. For
        forecasts `-length`.

    **Raises:** `ValueError` for a length that is not positive; when used, for a window that does not fit in a series.

    !!! example

        ```python
        import jax
        import jax.numpy as jnp
        from sdekit.interpolants import HiddenWindow
        last = HiddenWindow(2, start=-2)
        hidden = last.draw(1, 5, key=jax.random.key(0))[0]  # [F, F, F, T, T]
        last.condition(jnp.arange(5.0)[:, None], hidden)  # [0, 1, 2, 0, 0, and 0, 0, 0, 1, 1]
        ```

    Source: Tashiro et al. (2021), CSDI: conditional score-based diffusion models for probabilistic time series
    imputation, section 4.3.
    """

    length: int = eqx.field(static=True)
    start: int | None = eqx.field(static=True, default=None)

    def __check_init__(self):
        require(self.length >= 1, "HiddenWindow.length", "must be positive", self.length, "hide at least one time")

    def draw(self, n: int, times: int, *, key: Key) -> Bool[Array, "n times"]:
        """Which times are hidden, in each of `n` series."""
        last = times - self.length
        require(last >= 0, "HiddenWindow.length", f"must not exceed the {times} times", self.length, "hide fewer")
        if self.start is None:
            first = jax.random.randint(key, (n,), 0, last + 1)
        else:
            begin = self.start + times if self.start < 0 else self.start
            fits = 0 <= begin <= last
            require(fits, "HiddenWindow.start", f"must leave {self.length} of {times} times", self.start, "move it")
            first = jnp.full(n, begin)
        place = jnp.arange(times)[None]
        return (place >= first[:, None]) & (place < first[:, None] + self.length)

    def condition(self, ys: Float[Array, "times c"], hidden: Bool[Array, " times"]) -> Float[Array, " 2*times*c"]:
        """The condition that a series makes: known values, zeros for hidden ones, and which they are."""
        require(ys.ndim == 2, "ys", "must have shape (times, c)", ys, "one series; map over more with `jax.vmap`")
        mask = jnp.broadcast_to(hidden[:, None], ys.shape)
        return jnp.concatenate([jnp.where(mask, 0, ys).ravel(), mask.astype(ys.dtype).ravel()])
