"""Iterative reference refinement on Gaussian marginals: no draws, every step in closed form."""

from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import ArrayLike, Float

from .._errors import require
from .._parameters import named_parameters
from .._types import Array
from ..math import gauss_legendre
from ._gaussian import GaussianSchroedingerBridge
from ._regression import GaussNewton, Visited


__all__ = ["GaussianRefinement", "refine_gaussian"]


class GaussianRefinement(eqx.Module):
    """What `refine_gaussian` returns.

    !!! example

        ```python
        from sdekit import bridges
        bridges.GaussianRefinement.__doc__
        ```
    """

    bridge: GaussianSchroedingerBridge
    """With the refined reference."""
    reference: Any
    """The refined reference."""
    kl: Float[Array, " r"]
    """The divergence at the start of each round, and at the end."""
    parameters: tuple[dict[str, Any], ...]
    """The parameters of the reference at the start of each round, and at the end."""

    @property
    def history(self) -> dict[str, np.ndarray]:
        """The divergence and the parameters by round."""
        names = self.parameters[0]
        return {"kl": np.asarray(self.kl), **{n: np.stack([row[n] for row in self.parameters]) for n in names}}


def refine_gaussian(
    reference: Any,
    means: ArrayLike,
    covariances: ArrayLike,
    times: ArrayLike,
    *,
    rounds: int = 10,
    nodes: int = 32,
) -> GaussianRefinement:
    r"""`refine` in the limit of infinitely many particles, for Gaussian marginals and a linear reference.

    The bridge is that of `GaussianSchroedingerBridge`. The regression of its affine drift on that of the reference
    needs first and second moments alone, which $2d$ points at each node of a quadrature in time have exactly. The
    divergence decreases in each round.

    **Arguments:**

    - `reference`: a linear Gaussian diffusion: where to start.
    - `means`, `covariances`, `times`: as in `GaussianSchroedingerBridge`.
    - `rounds`: how many.
    - `nodes`: of Gauss-Legendre in each interval.

    **Returns:** a `GaussianRefinement`.

    **Raises:** as `GaussianSchroedingerBridge`.

    !!! example

        ```python
        import jax.numpy as jnp
        import sdekit as sk
        from sdekit import bridges

        start = sk.processes.LinearSDE(jnp.zeros((1, 1)), scale=0.5)
        found = bridges.refine_gaussian(
            start, [[2.0], [1.0], [0.6]], [[[0.3]], [[0.2]], [[0.15]]], [0.0, 0.5, 1.5], rounds=2
        )
        found.history["kl"]
        ```

    Source: Shen, Berlinghieri and Broderick (2025), arXiv 2408.06277, algorithm 1, in the Gaussian case.
    """
    require(rounds >= 1, "rounds", "must be positive", rounds, "pass rounds >= 1")
    rule = tuple(jnp.asarray(v, jnp.result_type(float)) for v in gauss_legendre(nodes))
    build = lambda ref: GaussianSchroedingerBridge(ref, means, covariances, times)
    bridge, fit = build(reference), GaussNewton()
    values, rows = [], [_named(reference)]
    for _ in range(rounds):
        values.append(bridge.kl())
        reference = fit(reference, _points(bridge, *rule), key=jax.random.key(0))  # it draws nothing
        rows.append(_named(reference))
        bridge = build(reference)
    return GaussianRefinement(bridge, reference, jnp.stack([*values, bridge.kl()]), tuple(rows))


def _named(reference: Any) -> dict[str, np.ndarray]:
    return {name: np.asarray(value) for name, value in named_parameters(reference).items()}


@eqx.filter_jit
def _points(bridge: GaussianSchroedingerBridge, nodes: Array, weights: Array) -> Visited:
    d = bridge.dim
    left, gaps = bridge.times[:-1], jnp.diff(bridge.times)
    ts = (left[:, None] + gaps[:, None] * (nodes[None] + 1) / 2).ravel()
    mass = (gaps[:, None] * weights[None] / 2).ravel()

    def at(t):
        law: Any = bridge.marginal(t)
        root = jnp.sqrt(jnp.asarray(d, law.mean.dtype)) * law.scale_tril.T
        xs = jnp.concatenate([law.mean[None] + root, law.mean[None] - root])
        return xs, jax.vmap(lambda x: bridge.drift(t, x))(xs)

    xs, drifts = jax.lax.map(at, ts)
    copies = lambda v: jnp.repeat(v, 2 * d)
    return Visited(copies(ts), xs.reshape(-1, d), drifts.reshape(-1, d), copies(mass) / (2 * d))
