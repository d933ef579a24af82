"""Means and covariances of reaction networks by differential equations, without a path."""

import abc
from collections.abc import Callable
from typing import Any, NamedTuple

import diffrax
import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Float

from .._errors import require, require_times
from .._types import Array, Times, as_float
from ._network import ReactionNetwork


__all__ = ["AbstractClosure", "LinearNoiseClosure", "Moments", "NormalClosure", "moments"]


class Moments(NamedTuple):
    """Means and covariances of the counts at some times.

    !!! example

        ```python
        import jax.numpy as jnp
        from sdekit.jumps import Moments
        Moments(jnp.array([0.0, 1.0]), jnp.zeros((2, 1)), jnp.zeros((2, 1, 1))).mean[-1]  # as `moments` returns it
        ```
    """

    ts: Float[Array, " t"]
    mean: Float[Array, "t d"]
    covariance: Float[Array, "t d d"]


class AbstractClosure(eqx.Module):
    """What stands for the mean of a propensity, given the mean and covariance of the counts.

    !!! example

        ```python
        from sdekit.jumps import AbstractClosure, NormalClosure
        isinstance(NormalClosure(), AbstractClosure)  # True
        ```
    """

    @abc.abstractmethod
    def expected(self, a: Callable[[Array], Array], m: Float[Array, " d"], c: Float[Array, "d d"]) -> Array:
        """The mean of `a(X)`, shape `(r,)`."""


class LinearNoiseClosure(AbstractClosure):
    r"""$E\,a(X) \approx a(m)$: the macroscopic rate equations and, linearised about them, the noise.

    The covariance follows $\dot C = J C + C J^\top + S^\top \mathrm{diag}(a) S$, van Kampen's linear noise
    approximation in its first order.

    Source: van Kampen (2007), Stochastic Processes in Physics and Chemistry, section X.4.

    !!! example

        ```python
        import jax.numpy as jnp
        from sdekit.jumps import LinearNoiseClosure
        LinearNoiseClosure().expected(lambda x: x**2, jnp.array([3.0]), jnp.array([[2.0]]))  # [9.]
        ```
    """

    def expected(self, a, m, c):
        return a(m)


class NormalClosure(AbstractClosure):
    r"""$E\,a(X) \approx a(m) + \frac12 \nabla^2 a(m) : C$, exact for normal counts and cubic propensities.

    With Stein's identity $\mathrm{Cov}(a(X), X) = \nabla_m E\,a(X)\,C$, so that means and covariances are closed. Exact
    for linear networks. For a bistable network every closure fails: compare `Projection`.

    Source: Whittle (1957), On the use of the normal approximation in the treatment of stochastic processes.

    !!! example

        ```python
        import jax.numpy as jnp
        from sdekit.jumps import NormalClosure
        NormalClosure().expected(lambda x: x**2, jnp.array([3.0]), jnp.array([[2.0]]))  # [11.], the mean of the square
        ```
    """

    def expected(self, a, m, c):
        return a(m) + jnp.einsum("rij,ij->r", jax.hessian(a)(m), c) / 2


def moments(
    network: ReactionNetwork,
    ts: Times,
    closure: AbstractClosure = NormalClosure(),  # noqa: B008
    *,
    rtol: float = 1e-6,
    atol: float = 1e-6,
    solver: diffrax.AbstractSolver = diffrax.Tsit5(),  # noqa: B008
    max_steps: int = 16384,
) -> Moments:
    r"""Means and covariances of a network from its start: $\dot m = S^\top \bar a$ and
    $\dot C = F C + C F^\top + S^\top \mathrm{diag}(\bar a) S$ with $F = S^\top \nabla_m \bar a$.

    Exact for linear networks, with either closure. Differentiable.

    **Arguments:**

    - `network`: a `ReactionNetwork`.
    - `ts`: increasing times, the first of them that of the start.
    - `closure`: how a mean of propensities is taken: `NormalClosure()` or `LinearNoiseClosure()`.
    - `rtol`, `atol`: tolerances of the solver.
    - `solver`: a Diffrax solver; `diffrax.Kvaerno5()` for stiff networks.
    - `max_steps`: the most steps.

    **Returns:** `Moments`.

    **Raises:** `ValueError` for times that do not increase; `RuntimeError` if the steps run out.

    !!! example

        ```python
        import jax.numpy as jnp
        from sdekit.jumps import ReactionNetwork, moments
        network = ReactionNetwork({"in": "0 -> X", "out": "X -> 0"}, {"in": 10.0, "out": 0.1}, {"X": 0})
        moments(network, jnp.array([0.0, 50.0])).covariance[-1]  # [[99.326]]
        ```
    """
    require_times(ts, least=2)
    require(rtol > 0 and atol > 0, "rtol", "must be positive, and atol too", (rtol, atol), "pass 1e-6")
    ts = as_float(ts)
    dtype = jnp.result_type(ts, network.rates)
    d = network.dim
    m0 = jnp.where(network.start >= 0, network.start, 0).astype(dtype)
    field = moment_field(network, closure, dtype)
    y0 = (m0, jnp.zeros((d, d), dtype))
    ys = integrate_field(field, ts.astype(dtype), y0, rtol, atol, solver, max_steps)
    return Moments(ts, *ys)


def moment_field(network: Any, closure: AbstractClosure, dtype: Any) -> Callable[[Array, Any], Any]:
    """The right-hand side of the equations for `(m, C)`."""
    s = jnp.asarray(network.stoichiometry, dtype)

    def field(t, y):
        m, c = y
        a = lambda x: network.propensities(t, x)
        mean = lambda x: closure.expected(a, x, c)
        f = s.T @ jax.jacfwd(mean)(m)
        average = mean(m)
        fc = f @ c
        return s.T @ average, fc + fc.T + s.T @ (average[:, None] * s)

    return field


def integrate_field(field, ts, y0, rtol, atol, solver, max_steps) -> Any:
    """The solution of an ordinary differential equation at `ts`, from `ts[0]`."""
    found = diffrax.diffeqsolve(
        diffrax.ODETerm(lambda t, y, _: field(jnp.asarray(t), y)), solver, ts[0], ts[-1], None, y0,
        saveat=diffrax.SaveAt(ts=ts), stepsize_controller=diffrax.PIDController(rtol, atol), max_steps=max_steps,
    )  # fmt: skip
    return found.ys
