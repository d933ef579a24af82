"""Maximum likelihood of a drift, given the drift of a law of paths: weighted least squares."""

import abc
from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import optax
from jax.flatten_util import ravel_pytree
from jaxtyping import Float

from .._errors import require
from .._parameters import constrain, trainable, unconstrain
from .._types import Array, Key


__all__ = ["AbstractRegression", "GaussNewton", "Gradient", "Visited"]


class Visited(NamedTuple):
    """Where a law of paths has been, and its drift there: what a reference is regressed on.

    **Arguments:**

    - `ts`: times, shape `(p,)`.
    - `xs`: states, shape `(p, d)`.
    - `drifts`: of the law, shape `(p, d)`.
    - `weights`: masses in time and probability, shape `(p,)`; 0 for padding.

    !!! example

        ```python
        import jax.numpy as jnp
        from sdekit.bridges import Visited
        Visited(jnp.zeros(3), jnp.zeros((3, 1)), jnp.ones((3, 1)), jnp.ones(3)).xs.shape  # (3, 1)
        ```
    """

    ts: Float[Array, " p"]
    xs: Float[Array, "p d"]
    drifts: Float[Array, "p d"]
    weights: Float[Array, " p"]


class AbstractRegression(eqx.Module):
    r"""How the reference's drift is fitted to that of the bridge: least squares.

    The least of $E\int\tfrac12|g^{-1}(b - f_\theta)|^2\,dt$ over the parameters.

    !!! example

        ```python
        from sdekit import bridges
        issubclass(bridges.GaussNewton, bridges.AbstractRegression)
        ```
    """

    @abc.abstractmethod
    def __call__(self, reference: Any, visited: Visited, *, key: Key) -> Any:
        """The reference with the parameters of its drift at the least; parameters of its noise stay."""


def _parts(reference: Any) -> tuple[Array, Any]:
    """The free parameters as a vector, in unconstrained coordinates, and how to put them back."""
    raw = unconstrain(reference)
    free, fixed = eqx.partition(raw, trainable(raw))
    flat, back = ravel_pytree(free)
    return flat, lambda v: constrain(eqx.combine(back(v), fixed))


def _residuals(reference: Any, fixed: Any, visited: Visited) -> Float[Array, "p d"]:
    """Differences of the drifts in units of the noise of `fixed`, by root masses."""

    def one(t, x, b, w):
        g = fixed.diffusion(t, x).as_matrix()
        gap = b - reference.drift(t, x)
        root = jnp.linalg.cholesky(g @ g.T + 1e-12 * jnp.trace(g @ g.T) * jnp.eye(g.shape[0], dtype=g.dtype))
        # Where nothing was visited, nothing is divided: a mask must not leak what padding gives.
        white = jax.scipy.linalg.solve_triangular(root, gap, lower=True)
        return jnp.where(w > 0, jnp.sqrt(jnp.where(w > 0, w, 1)) * white, 0)

    return jax.vmap(one)(*visited)


class GaussNewton(AbstractRegression):
    """Gauss-Newton steps with Marquardt's damping: for families with up to a few hundred parameters.

    One step reaches the least for a drift that is linear in its parameters.

    **Arguments:**

    - `steps`: the most steps.
    - `tolerance`: stop when the relative gain is below it.

    !!! example

        ```python
        import jax, jax.numpy as jnp
        import sdekit as sk
        from sdekit.bridges import GaussNewton, Visited

        xs = jnp.linspace(-1.0, 1.0, 20)[:, None]
        visited = Visited(jnp.zeros(20), xs, 2.0 * (0.5 - xs), jnp.ones(20))
        start = sk.processes.OrnsteinUhlenbeck(rate=1.0, mean=0.0)
        found = GaussNewton()(start, visited, key=jax.random.key(0))
        found.rate, found.mean  # 2, 0.5
        ```

    Source: Marquardt (1963), An algorithm for least-squares estimation of nonlinear parameters.
    """

    steps: int = eqx.field(static=True, default=50)
    tolerance: float = eqx.field(static=True, default=1e-9)

    def __check_init__(self):
        require(self.steps >= 1, "GaussNewton.steps", "must be positive", self.steps, "pass steps >= 1")

    def __call__(self, reference: Any, visited: Visited, *, key: Key) -> Any:
        return _gauss_newton(reference, visited, self.steps, self.tolerance)


@eqx.filter_jit
def _gauss_newton(reference: Any, visited: Visited, steps: int, tolerance: float) -> Any:
    start, back = _parts(reference)
    residuals = lambda v: _residuals(back(v), reference, visited).ravel()
    loss = lambda v: 0.5 * (residuals(v) ** 2).sum()

    def step(carry):
        v, value, damping, count, _ = carry
        r, jac = residuals(v), jax.jacfwd(residuals)(v)
        normal, slope = jac.T @ jac, jac.T @ r
        # Parameters that the drift does not read have no slope: they stay.
        scale = jnp.diagonal(normal)
        scale = jnp.where(scale > 0, scale, jnp.ones_like(scale))
        new = v - jnp.linalg.solve(normal + jnp.diag(damping * scale), slope)
        found = loss(new)
        better = found < value
        gain = jnp.where(better, (value - found) / jnp.maximum(value, jnp.finfo(value.dtype).tiny), 1.0)
        stop = (better & (gain < tolerance)) | (damping > 1e8)
        damping = jnp.where(better, damping / 10, damping * 10)
        return jnp.where(better, new, v), jnp.where(better, found, value), damping, count + 1, stop

    more = lambda carry: (carry[3] < steps) & ~carry[4]
    first = start, loss(start), jnp.asarray(1e-6, start.dtype), 0, jnp.zeros((), bool)
    return back(jax.lax.while_loop(more, step, first)[0])


class Gradient(AbstractRegression):
    """Steps of a gradient transformation on random batches of what was visited: for networks.

    **Arguments:**

    - `optimiser`: a transformation of `optax`.
    - `steps`: how many.
    - `batch`: points a step.

    !!! example

        ```python
        import jax, jax.numpy as jnp, optax
        import sdekit as sk
        from sdekit.bridges import Gradient, Visited

        xs = jnp.linspace(-1.0, 1.0, 20)[:, None]
        visited = Visited(jnp.zeros(20), xs, 2.0 * (0.5 - xs), jnp.ones(20))
        start = sk.processes.OrnsteinUhlenbeck(rate=1.0, mean=0.0)
        Gradient(optax.adam(0.05), steps=200, batch=20)(start, visited, key=jax.random.key(0)).rate  # 2
        ```
    """

    optimiser: optax.GradientTransformation = eqx.field(static=True)
    steps: int = eqx.field(static=True, default=1000)
    batch: int = eqx.field(static=True, default=256)

    def __check_init__(self):
        for name in ("steps", "batch"):
            value = getattr(self, name)
            require(value >= 1, f"Gradient.{name}", "must be positive", value, f"pass {name} >= 1")

    def __call__(self, reference: Any, visited: Visited, *, key: Key) -> Any:
        return _descend(reference, visited, self, key)


@eqx.filter_jit
def _descend(reference: Any, visited: Visited, how: Gradient, key: Key) -> Any:
    start, back = _parts(reference)
    logs = jnp.log(visited.weights)

    def loss(v, k):
        index = jax.random.categorical(k, logs, shape=(how.batch,))
        some = jax.tree.map(lambda a: a[index], visited)._replace(weights=jnp.ones(how.batch, start.dtype))
        return 0.5 * (_residuals(back(v), reference, some) ** 2).sum() / how.batch

    def step(carry, k):
        v, state = carry
        updates, state = how.optimiser.update(jax.grad(loss)(v, k), state, v)
        return (optax.apply_updates(v, updates), state), None

    carry = start, how.optimiser.init(start)
    return back(jax.lax.scan(step, carry, jax.random.split(key, how.steps))[0][0])
