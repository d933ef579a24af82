r"""Which $\epsilon$: what errors of the two fields cost, and the best of the bound."""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float

from .._draws import draws
from .._errors import require
from .._types import Array, Key, Law, RealScalar, is_concrete
from ._field import Field


__all__ = ["LossGaps", "best_epsilon", "kl_bound", "loss_gaps"]


class LossGaps(NamedTuple):
    r"""How far the losses of velocity and score lie above their minima.

    !!! example

        ```python
        from sdekit.interpolants import LossGaps, best_epsilon
        best_epsilon(LossGaps(velocity=0.045, score=0.01125))  # 2.0
        ```
    """

    velocity: Array | float
    score: Array | float


def loss_gaps(
    field: Field, reference: Field, law0: Law | None = None, law1: Law | None = None, *, key: Key, n: int = 1000
) -> LossGaps:
    r"""$\tfrac12 \int E|\hat b - b|^2 dt$ and $\tfrac12 \int E|\hat s - s|^2 dt$ against a field that is exact.

    Both losses are quadratic: these are the gaps to their minima. Without an exact field take differences of held-out
    losses (`InterpolantMatching`) from those of the best field at hand.

    **Arguments:**

    - `field`: the field to judge.
    - `reference`: the exact one, on the same path.
    - `law0`, `law1`: the laws of the ends that the path has.
    - `key`: a JAX key.
    - `n`: how many states, at times evenly spread over (0, 1).

    **Returns:** `LossGaps`.

    **Raises:** `ValueError` for a law that is missing.

    !!! example

        ```python
        import jax
        import jax.numpy as jnp
        import numpyro.distributions as dist
        from sdekit.interpolants import exact_field, loss_gaps, one_sided_linear
        law = lambda m: dist.Normal(jnp.array([m]), 0.5).to_event(1)
        right, wrong = (exact_field(one_sided_linear(), law1=law(m)) for m in (1.0, 1.2))
        loss_gaps(wrong, right, law1=law(1.0), key=jax.random.key(0))
        ```
    """
    path, keys = reference.path, jax.random.split(key, 4)
    ends = []
    for name, schedule, law, k in (("law0", path.alpha, law0, keys[0]), ("law1", path.beta, law1, keys[1])):
        require(schedule is None or law is not None, name, "is an end of this path", law, "pass the law of that end")
        ends.append(None if schedule is None or law is None else draws(law, n, k))
    like = ends[0] if ends[1] is None else ends[1]
    assert like is not None
    t = (jnp.arange(n, dtype=like.dtype) + 0.5) / n
    z = jax.random.normal(keys[2], like.shape, like.dtype)

    def one(t, x0, x1, z):
        x = path.combine(t, x0, x1, z)
        b, s = field.velocity_and_score(t, x)
        c, r = reference.velocity_and_score(t, x)
        return jnp.sum((b - c) ** 2) / 2, jnp.sum((s - r) ** 2) / 2

    velocity, score = jax.vmap(one)(t, ends[0], ends[1], z)
    return LossGaps(velocity.mean(), score.mean())


def kl_bound(gaps: LossGaps, epsilon: RealScalar) -> Float[Array, ""]:
    r"""A bound of the divergence of what the diffusion with constant $\epsilon$ makes from the law of the data.

    $\mathrm{KL}(\rho_1 \,\|\, \hat\rho_1) \le \mathrm{gap}_b/\epsilon + \epsilon\,\mathrm{gap}_s$. There is no such
    bound for the flow, $\epsilon = 0$.

    **Arguments:**

    - `gaps`: of the two losses.
    - `epsilon`: positive.

    **Returns:** a bound in nats.

    **Raises:** `ValueError` for an `epsilon` that is not positive.

    !!! example

        ```python
        from sdekit.interpolants import LossGaps, kl_bound
        kl_bound(LossGaps(velocity=0.045, score=0.01125), 2.0)  # 0.045
        ```

    Source: Albergo, Boffi and Vanden-Eijnden (2023), theorem 2.23; by Girsanov's theorem, with
    $|a + b|^2 \le 2|a|^2 + 2|b|^2$.
    """
    if is_concrete(epsilon):
        remedy = "the flow, epsilon = 0, has no such bound"
        require(bool(np.all(np.asarray(epsilon) > 0)), "epsilon", "must be positive", epsilon, remedy)
    return jnp.asarray(gaps.velocity / epsilon + epsilon * gaps.score)


def best_epsilon(gaps: LossGaps) -> Float[Array, ""]:
    r"""The constant $\epsilon = \sqrt{\mathrm{gap}_b/\mathrm{gap}_s}$ that makes `kl_bound` least.

    **Arguments:**

    - `gaps`: of the two losses.

    **Returns:** a number; infinite where the score has no error.

    !!! example

        ```python
        from sdekit.interpolants import LossGaps, best_epsilon
        best_epsilon(LossGaps(velocity=0.045, score=0.01125))  # 2.0
        ```

    Source: Albergo, Boffi and Vanden-Eijnden (2023), remark 2.24.
    """
    return jnp.sqrt(jnp.asarray(gaps.velocity) / jnp.asarray(gaps.score))
