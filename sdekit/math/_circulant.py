"""Stationary Gaussian sequences on regular grids, by circulant embedding."""

from collections.abc import Callable

import jax.numpy as jnp
import numpy as np
import scipy.fft
from jaxtyping import Array, ArrayLike, Float

from .._errors import fault, require
from .._types import Key
from ._threefry import counter_normal


__all__ = ["circulant_sample", "circulant_spectrum"]

_ROUNDING = 1e-10
"""Eigenvalues above minus this, relative to the largest, are rounding noise of a spectrum that touches zero."""


def _eigenvalues(r: np.ndarray) -> np.ndarray:
    # The first row of the circulant is r_0 .. r_m, r_{m-1} .. r_1: real and even, so its transform is real.
    return np.fft.hfft(r, 2 * (len(r) - 1)) if len(r) > 1 else r.copy()


def _fast_lags(n: int) -> int:
    """The least number of lags `m >= n` for which a transform of length `2 (m - 1)` is fast."""
    size = 2 * (n - 1)
    while size > 2 and (size % 2 or scipy.fft.next_fast_len(size, real=True) != size):
        size += 1
    return size // 2 + 1


def circulant_spectrum(
    autocovariance: Callable[[np.ndarray], ArrayLike] | ArrayLike, n: int | None = None, *, extend: int = 0
) -> np.ndarray:
    """What `circulant_sample` needs to draw a stationary Gaussian sequence with the given autocovariance.

    Runs on the host, in float64, once.

    **Arguments:**

    - `autocovariance`: at lags 0 to `n - 1`, shape `(n,)`; or a function from an array of integer lags to the
      autocovariance there.
    - `n`: the length of the sequence; needed with a function.
    - `extend`: how many times the embedding may be doubled if it is not nonnegative definite; needs a function.

    **Returns:** square roots of the eigenvalues over the size of the circulant, float64, shape `(2 (m - 1),)` with
    `m >= n` lags used (shape `(1,)` for `n = 1`): a few more than `n` if a function is given, for a fast transform.

    **Raises:** `ValueError` if the embedding is not nonnegative definite: then no exact sample can be drawn this way.
    Only eigenvalues within rounding (1e-10 of the largest) are set to zero.

    Source: Dietrich and Newsam (1997), equations 9 to 12; Wood and Chan (1994).

    !!! example

        ```python
        import numpy as np
        from sdekit.math import circulant_spectrum
        circulant_spectrum(lambda k: np.exp(-0.1 * k), 100).shape  # (200,)
        ```
    """
    if callable(autocovariance):
        at, known = autocovariance, None
    else:
        known = np.asarray(autocovariance, np.float64)
        at, n = (lambda lags: known[: len(lags)]), len(known) if n is None else n
    if n is None or n < 1:
        raise ValueError(fault("n", "must be the length of the sequence", n, "pass n >= 1"))
    require(known is None or len(known) >= n, "n", "must not exceed the lags that are given", n, "pass more lags")
    require(known is None or not extend, "extend", "needs more lags than are given", extend, "pass a function of lags")
    m = n if known is not None else _fast_lags(n)
    least = most = 0.0
    for attempt in range(extend + 1):
        values = _eigenvalues(np.asarray(at(np.arange(m)), np.float64))
        least, most = float(values.min()), float(values.max())
        if least >= -_ROUNDING * most:
            return np.sqrt(np.maximum(values, 0.0) / len(values))
        if attempt < extend:
            m = _fast_lags(2 * m - 1)
    further = known is None
    remedy = "extend further, or use Cholesky" if further else "pass a function of lags and extend=3, or use Cholesky"
    raise ValueError(
        f"`autocovariance` has a circulant embedding of {2 * (m - 1)} lags with a negative eigenvalue, "
        f"{least:.3g} against the largest {most:.3g}. {remedy[0].upper()}{remedy[1:]}."
    )


def circulant_sample(root: Float[Array, " size"], key: Key, n: int | None = None) -> Float[Array, " n"]:
    """Draw a stationary Gaussian sequence in O(n log n), exactly.

    One real transform: for white noise $z$ the Hartley transform of $\\sqrt{\\lambda} z$ has the autocovariance whose
    spectrum is $\\lambda$, because $\\lambda$ is even; and a Hartley transform is the real part less the imaginary
    part of a real-input Fourier transform, whose half-spectrum is just the half of the circulant that is wanted.

    **Arguments:**

    - `root`: from `circulant_spectrum`, cast to the dtype of the draw.
    - `key`: a JAX key. `vmap` over keys for many sequences.
    - `n`: the length of the sequence; all that the embedding gives by default.

    **Returns:** the sequence, shape `(n,)`.

    **Raises:** `ValueError` if the embedding is too short for `n`.

    !!! example

        ```python
        import jax
        import jax.numpy as jnp
        import numpy as np
        from sdekit.math import circulant_sample, circulant_spectrum
        root = jnp.asarray(circulant_spectrum(lambda k: np.exp(-0.1 * k), 100))
        circulant_sample(root, jax.random.key(0)).shape  # (100,)
        ```
    """
    size = root.shape[0]
    most = size // 2 + 1
    n = most if n is None else n
    require(1 <= n <= most, "n", f"must be in [1, {most}] for this embedding", n, "build a longer spectrum")
    waves = jnp.fft.rfft(root * counter_normal(key, 0, (size,), root.dtype))
    return (waves.real - waves.imag)[:n]
