"""How the library says that something is wrong: what, where, the value, and the remedy."""

from typing import Any

import equinox as eqx
import jax
import jax.core
import numpy as np
from jaxtyping import Array, ArrayLike, Bool, PyTree

from ._types import is_concrete


__all__ = ["FitError", "SolveError", "check_traced", "describe", "fault", "require", "require_times"]


class SolveError(RuntimeError):
    """A numerical solve stopped early. The message says the time it reached, the likely cause and the remedy.

    !!! example

        ```python
        import sdekit as sk
        issubclass(sk.SolveError, RuntimeError)
        ```
    """


class FitError(FloatingPointError):
    """A fit met a number that is not finite.

    The message names the range of steps and the first bad leaf; `fit` holds the last good state, so that nothing is
    lost.

    !!! example

        ```python
        import sdekit as sk
        try:
            raise sk.FitError("the loss is not finite", fit=None)
        except sk.FitError as error:
            last_good = error.fit
        ```
    """

    fit: Any

    def __init__(self, message: str, fit: Any = None):
        super().__init__(message)
        self.fit = fit


def describe(value: Any) -> str:
    """A short description of a value for an error message: the number, or the shape, dtype and first entries.

    **Arguments:**

    - `value`: anything.

    **Returns:** one line of text.

    !!! example

        ```python
        from sdekit._errors import describe
        describe(-1.0)  # '-1.0'
        ```
    """
    if isinstance(value, str) or not hasattr(value, "shape"):
        return repr(value)
    if isinstance(value, jax.core.Tracer):
        return f"a traced {value.dtype} array of shape {value.shape}"
    value = np.asarray(value)
    if value.ndim == 0:
        return repr(value.item())
    if value.size <= 6:
        return f"{value.tolist()}"
    head = ", ".join(str(v) for v in value.ravel()[:3].tolist())
    return f"{value.dtype} array of shape {value.shape} starting [{head}, ...]"


def fault(argument: str, problem: str, value: Any, remedy: str) -> str:
    """The text of an error.

    **Arguments:**

    - `argument`: where: the argument or the leaf of the model, e.g. `"OrnsteinUhlenbeck.rate"`.
    - `problem`: what was wrong, e.g. `"must be positive"`.
    - `value`: the value found.
    - `remedy`: what to do, a sentence without its full stop.

    **Returns:** `"`argument` problem, got value. Remedy."`

    !!! example

        ```python
        from sdekit._errors import fault
        fault("rate", "must be positive", -1.0, "pass a number above 0")
        ```
    """
    remedy = remedy[:1].upper() + remedy[1:]
    return f"`{argument}` {problem}, got {describe(value)}. {remedy}."


def require(ok: bool, argument: str, problem: str, value: Any, remedy: str) -> None:
    """Raise a `ValueError` with a full message unless `ok`. For facts known when tracing: shapes and concrete values.

    **Arguments:** as `fault`, with `ok` first.

    **Raises:** `ValueError`.

    !!! example

        ```python
        from sdekit._errors import require
        require(2 > 1, "steps", "must be positive", 2, "pass a positive integer")
        ```
    """
    if not ok:
        raise ValueError(fault(argument, problem, value, remedy))


def check_traced(
    x: PyTree[Array], bad: Bool[ArrayLike, "..."], argument: str, problem: str, remedy: str
) -> PyTree[Array]:
    """Return `x`, with an error at run time where `bad` holds. For facts known only when running under `jit`.

    **Arguments:**

    - `x`: what to pass on; the check happens only if the result is used.
    - `bad`: where the check fails.
    - `argument`, `problem`, `remedy`: as in `fault`.

    **Returns:** `x`.

    **Raises:** `RuntimeError` when run, with the message (`eqx.error_if`).

    !!! example

        ```python
        import jax.numpy as jnp
        from sdekit._errors import check_traced
        x = jnp.array(1.0)
        check_traced(x, x < 0, "x", "must not be negative", "take its absolute value")
        ```
    """
    remedy = remedy[:1].upper() + remedy[1:]
    return eqx.error_if(x, bad, f"`{argument}` {problem}. {remedy}.")


def require_times(ts: ArrayLike, argument: str = "ts", *, least: int = 1) -> None:
    """Check that times are a vector, finite and strictly increasing. Traced times are checked for their shape alone.

    **Arguments:**

    - `ts`: the times, shape `(t,)`.
    - `argument`: the name to use in the message.
    - `least`: how many times are needed at the least.

    **Raises:** `ValueError` naming the argument, the first bad position and the remedy.

    !!! example

        ```python
        import jax.numpy as jnp
        from sdekit._errors import require_times
        require_times(jnp.array([0.0, 0.5, 2.0]))
        ```
    """
    shape = np.shape(ts)
    require(len(shape) == 1, argument, "must be a vector of times", shape, "pass an array of shape (t,)")
    require(shape[0] >= least, argument, f"must hold at least {least} time(s)", shape, "pass a longer grid")
    if not is_concrete(ts):
        return
    times = np.asarray(ts)
    finite = np.isfinite(times)
    if not finite.all():
        i = int(np.argmin(finite))
        raise ValueError(fault(f"{argument}[{i}]", "must be finite", times[i], "drop the times that are missing"))
    gaps = np.diff(times)
    if gaps.size and not (gaps > 0).all():
        i = int(np.argmax(gaps <= 0))
        same = gaps[i] == 0
        problem = f"must be later than {argument}[{i}] = {times[i]}"
        remedy = "merge duplicate times (average them, or keep one)" if same else "sort the times"
        if same and times.dtype == np.float32:
            remedy += "; times that differ before the cast to float32 need a nearer origin or float64"
        raise ValueError(fault(f"{argument}[{i + 1}]", problem, times[i + 1], remedy))
