"""Couplings that look at where the points are: exact, entropic, and either in small batches."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import ArrayLike, Float

from .._errors import fault, require
from .._process import AbstractTransition
from .._types import Array, Key, RealScalar, is_concrete
from ._assignment import assignment
from ._coupling import AbstractCoupling, as_many, points_of
from ._sinkhorn import Plan, sinkhorn


__all__ = ["Exact", "Minibatch", "Sinkhorn"]


def _squares(x0: Array, x1: Array) -> np.ndarray:
    x, y = (np.asarray(v, np.float64).reshape(len(v), -1) for v in (x0, x1))
    return (x**2).sum(1)[:, None] + (y**2).sum(1)[None] - 2 * x @ y.T


class Exact(AbstractCoupling):
    r"""The pairs of least mean squared distance: optimal transport between the two samples as they are.

    The best assignment, found on the host in $O(n^3)$ at worst: about 3 ms for 256 pairs and half a second for 2000.
    Works under `jit` and `vmap` by a callback; the pairs have the gradient of a gather. Where the samples differ in
    size each point of `x1` is first repeated `n/m` times, rounded up or down at random: exact if `m` divides `n`.

    !!! example

        ```python
        import jax
        import jax.numpy as jnp
        import sdekit as sk

        x = jnp.arange(4.0)[:, None]
        x0, x1 = sk.transport.Exact().pair(x, 10 + x[::-1], key=jax.random.key(0))  # x1 is 10 + x
        ```

    Source: Peyre and Cuturi (2019), Computational optimal transport, section 3.
    """

    def pair(self, x0: ArrayLike, x1: ArrayLike, *, key: Key) -> tuple[Array, Array]:
        x0, x1 = points_of(x0, x1)
        n = x0.shape[0]
        x1 = as_many(x1, n, key=key)
        index = jax.pure_callback(
            lambda x, y: assignment(_squares(x, y)).astype(np.int32),
            jax.ShapeDtypeStruct((n,), jnp.int32),
            *jax.lax.stop_gradient((x0, x1)),
            vmap_method="sequential",
        )
        return x0, x1[index]


class Sinkhorn(AbstractCoupling):
    r"""Pairs from the static Schroedinger bridge of a reference process between the two samples.

    The plan nearest in Kullback-Leibler divergence to the reference's law at `(t0, t1)`, among those with the two
    samples as marginals: entropic transport with the cost $-\log p(t_0, x; t_1, y)$ and $\varepsilon = 1$. For a
    Brownian reference with scale $\sigma$ that is $\varepsilon = 2\sigma^2(t_1 - t_0)$ on the squared distance. There
    is no epsilon to choose. A partner is drawn for each point of `x0`.

    **Arguments:**

    - `reference`: a process with a transition law, whose density is positive.
    - `t0`, `t1`: the times of the two samples.
    - `tolerance`: of the marginals of the plan, as in `sinkhorn`.

    **Raises:** `TypeError` for a reference without a transition law, `ValueError` if `t0 >= t1`; at run time if the
    plan did not converge.

    !!! example

        ```python
        import jax
        import jax.numpy as jnp
        import sdekit as sk

        x = jnp.arange(4.0)[:, None]
        coupling = sk.transport.Sinkhorn(sk.processes.BrownianMotion(scale=0.5))
        x0, x1 = coupling.pair(x, 1 + x, key=jax.random.key(0))
        coupling.plan(x, 1 + x).matrix.sum()  # 1.0
        ```

    Source: Leonard (2014), A survey of the Schroedinger problem and some of its connections with optimal transport,
    proposition 2.3.
    """

    reference: AbstractTransition
    t0: RealScalar = 0.0
    t1: RealScalar = 1.0
    tolerance: float = eqx.field(static=True, default=1e-3)

    def __check_init__(self):
        if not isinstance(self.reference, AbstractTransition):
            remedy = "pass a process with a transition law, such as BrownianMotion(scale)"
            raise TypeError(fault("Sinkhorn.reference", "must have a transition law", self.reference, remedy))
        if is_concrete((self.t0, self.t1)):
            ordered = bool(self.t0 < self.t1)
            require(ordered, "Sinkhorn.t1", f"must be later than t0 = {self.t0}", self.t1, "swap the times")

    def cost(self, x0: Float[Array, "n d"], x1: Float[Array, "m d"]) -> Float[Array, "n m"]:
        """Minus the logarithm of the transition density from each point to each."""

        def row(x):
            law = self.reference.transition(self.t0, self.t1, x)
            return jnp.negative(jax.vmap(law.log_prob)(x1))

        return jax.vmap(row)(x0).astype(x0.dtype)

    def plan(self, x0: ArrayLike, x1: ArrayLike, a: ArrayLike | None = None, b: ArrayLike | None = None) -> Plan:
        """The plan between weighted samples, with its convergence."""
        x0, x1 = points_of(x0, x1)
        return sinkhorn(_cost(self, x0, x1), 1.0, a, b, tolerance=self.tolerance)

    def pair(self, x0: ArrayLike, x1: ArrayLike, *, key: Key) -> tuple[Array, Array]:
        x0, x1 = points_of(x0, x1)
        plan = self.plan(*jax.lax.stop_gradient((x0, x1)))
        index = plan.partners(key=key)
        remedy = "raise the tolerance, the scale of the reference, or use Exact() for a reference of nearly no noise"
        problem = f"the plan's marginals are not within {self.tolerance}"
        message = f"`Sinkhorn`: {problem}. {remedy[:1].upper()}{remedy[1:]}."
        return x0, x1[eqx.error_if(index, ~plan.converged, message)]


@eqx.filter_jit
def _cost(coupling: Sinkhorn, x0: Array, x1: Array) -> Array:
    return coupling.cost(x0, x1)


class Minibatch(AbstractCoupling):
    """Another coupling within small batches of both samples: cheap, and biased towards the independent coupling.

    Both samples are shuffled and cut into batches of `size`; each batch is paired on its own. The bias goes away as the
    batches grow.

    **Arguments:**

    - `coupling`: what to do within a batch.
    - `size`: points of each sample in a batch; it must divide the number of points.

    **Raises:** `ValueError` for samples of different sizes, or that `size` does not divide.

    !!! example

        ```python
        import jax
        import jax.numpy as jnp
        import sdekit as sk

        x = jnp.arange(8.0)[:, None]
        coupling = sk.transport.Minibatch(sk.transport.Exact(), size=4)
        x0, x1 = coupling.pair(x, 10 + x, key=jax.random.key(0))
        ```

    Source: Fatras et al. (2020), Learning with minibatch Wasserstein; Tong et al. (2024), arXiv 2302.00482, section 4.
    """

    coupling: AbstractCoupling
    size: int = eqx.field(static=True)

    def pair(self, x0: ArrayLike, x1: ArrayLike, *, key: Key) -> tuple[Array, Array]:
        x0, x1 = points_of(x0, x1)
        n = x0.shape[0]
        require(x1.shape[0] == n, "x1", f"must have {n} rows, as x0", x1, "draw as many points of each")
        fits = self.size >= 1 and n % self.size == 0
        require(fits, "Minibatch.size", f"must divide the {n} points", self.size, "draw a multiple of it")
        first, second, inner = jax.random.split(key, 3)
        order = jax.random.permutation(first, n)
        blocks = n // self.size
        cut = lambda x, index: x[index].reshape(blocks, self.size, *x.shape[1:])
        parts = cut(x0, order), cut(x1, jax.random.permutation(second, n))
        pairs = jax.vmap(lambda x, y, k: self.coupling.pair(x, y, key=k))(*parts, jax.random.split(inner, blocks))
        left, right = (p.reshape(n, *p.shape[2:]) for p in pairs)
        back = jnp.argsort(order)
        return left[back], right[back]
