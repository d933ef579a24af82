"""The exact statistics of what a hidden Markov model with discrete labels puts out."""

import jax
import jax.numpy as jnp
from jaxtyping import ArrayLike, Float

from .._errors import require
from .._types import Array, as_float
from ._start import balance


__all__ = ["label_autocovariance", "label_gram", "label_pairs", "label_runs"]


def _model(matrix: ArrayLike, labels: ArrayLike) -> tuple[Array, Array, Array]:
    A, E = as_float(matrix), as_float(labels)
    n = A.shape[0]
    require(A.shape == (n, n), "matrix", "must be square", A, "pass the transition matrix")
    require(E.ndim == 2 and E.shape[0] == n, "labels", f"must have {n} rows", E, "pass one law of labels a state")
    return A, E, balance(A - jnp.eye(n, dtype=A.dtype))


def label_gram(matrix: ArrayLike, labels: ArrayLike, k: int) -> Float[Array, "..."]:
    r"""The stationary law of `k` labels in a row, $\pi D_{y_1} A D_{y_2} \cdots A D_{y_k} 1$.

    $D_y$ is the diagonal matrix of the probabilities of label `y` in each state.

    **Arguments:**

    - `matrix`: the transition matrix, shape `(n, n)`.
    - `labels`: the law of the label in each state, shape `(n, m)`.
    - `k`: how many labels.

    **Returns:** shape `(m,) * k`.

    **Raises:** `ValueError` for shapes that do not fit or `k < 1`.

    !!! example

        ```python
        from sdekit.jumps import label_gram
        label_gram([[0.9, 0.1], [0.2, 0.8]], [[0.99, 0.01], [0.05, 0.95]], 3).sum()  # 1
        ```
    """
    A, E, law = _model(matrix, labels)
    require(k >= 1, "k", "must be a positive number of labels", k, "pass k >= 1")
    ways = jnp.einsum("i,iy->yi", law, E)
    for _ in range(k - 1):
        ways = jnp.einsum("...i,ij,jy->...yj", ways, A, E)
    return ways.sum(-1)


def label_pairs(matrix: ArrayLike, labels: ArrayLike, lags: int) -> Float[Array, "lags m m"]:
    r"""The stationary law of two labels `0 .. lags - 1` steps apart, $E^T \mathrm{diag}(\pi) A^k E$.

    **Arguments:** as `label_gram`; `lags`: how many lags, from 0 on.

    **Returns:** shape `(lags, m, m)`; at lag 0 that of the label of one time with itself, a diagonal.

    !!! example

        ```python
        from sdekit.jumps import label_pairs
        label_pairs([[0.9, 0.1], [0.2, 0.8]], [[0.99, 0.01], [0.05, 0.95]], 10)[1]
        ```
    """
    A, E, law = _model(matrix, labels)
    left = law[:, None] * E
    _, later = jax.lax.scan(lambda P, _: (A @ P, A @ P), E, None, length=max(lags - 1, 0))
    own = jnp.diag(left.sum(0))
    return jnp.concatenate([own[None], jnp.einsum("iy,kiz->kyz", left, later)])


def label_autocovariance(matrix: ArrayLike, labels: ArrayLike, values: ArrayLike, lags: int) -> Float[Array, " lags"]:
    r"""The autocovariance of numbers that stand for the labels; a sum $\sum_i c_i \lambda_i^k$ over eigenvalues.

    **Arguments:** as `label_pairs`; `values`: a number for each label, shape `(m,)`.

    **Returns:** shape `(lags,)`, the variance first.

    !!! example

        ```python
        from sdekit.jumps import label_autocovariance
        label_autocovariance([[0.9, 0.1], [0.2, 0.8]], [[0.99, 0.01], [0.05, 0.95]], [0.0, 1.0], 10)
        ```
    """
    pairs = label_pairs(matrix, labels, lags)
    v = as_float(values)
    mean = pairs[0].sum(1) @ v
    return jnp.einsum("kyz,y,z->k", pairs, v, v) - mean**2


def label_runs(matrix: ArrayLike, labels: ArrayLike, label: int, longest: int) -> Float[Array, " longest"]:
    r"""The stationary law of the length of a run of one label: $P(\mathrm{length} = \ell)$ for `1 .. longest`.

    With the substochastic matrix $B = A\,\mathrm{diag}(E_{\cdot y})$ and the law `u` of the state as a run begins,
    $P(\mathrm{length} > \ell) = u B^\ell 1$.

    **Arguments:** as `label_gram`; `label`: which label; `longest`: how many lengths.

    **Returns:** shape `(longest,)`.

    **Raises:** `ValueError` for an unknown label.

    !!! example

        ```python
        from sdekit.jumps import label_runs
        label_runs([[0.9, 0.1], [0.2, 0.8]], [[1.0, 0.0], [0.0, 1.0]], 0, 5)  # geometric: 0.1 * 0.9^k
        ```
    """
    A, E, law = _model(matrix, labels)
    m = E.shape[1]
    require(0 <= label < m, "label", f"must be one of 0..{m - 1}", label, "count labels from 0")
    here = E[:, label]
    begin = ((law * (1 - here)) @ A) * here
    u = begin / begin.sum()
    _, tail = jax.lax.scan(lambda u, _: ((u @ A) * here, u.sum()), u, None, length=longest + 1)
    return tail[:-1] - tail[1:]
