"""Is it the field of a law? What a learned field keeps of the identities that an exact one obeys."""

from collections.abc import Callable

import jax
import jax.numpy as jnp
from jaxtyping import Float

from .._errors import require
from .._types import Array, RealScalar, State
from ._field import Field
from ._likelihood import flow


__all__ = [
    "asymmetry",
    "flow_spectrum",
    "fokker_planck_residual",
    "gauge_residual",
    "intrinsic_dimension",
    "kinetic_energy",
    "loop_integral",
    "transport_residual",
]

Vector = Callable[[State], State]


def asymmetry(f: Vector, x: State) -> Float[Array, ""]:
    r"""$\|J - J^\top\|_F / \|J\|_F$ of a vector field at `x`: 0 for a gradient, such as a score.

    **Arguments:**

    - `f`: a function of the state, e.g. `lambda x: field.score(t, x)`.
    - `x`: a state, shape `(d,)`.

    **Returns:** a number in $[0, 2]$.

    !!! example

        ```python
        import jax.numpy as jnp
        from sdekit.interpolants import asymmetry
        asymmetry(lambda x: jnp.array([-x[1], x[0]]), jnp.ones(2))  # 2.0: a rotation
        ```

    Source: Horvat and Pfister (2024), On gauge freedom, conservativity and intrinsic dimensionality estimation in
    diffusion models; arXiv 2509.00336.
    """
    jacobian = jax.jacfwd(f)(x)
    return jnp.linalg.norm(jacobian - jacobian.T) / jnp.linalg.norm(jacobian)


def loop_integral(f: Vector, centre: State, first: State, second: State, nodes: int = 64) -> Float[Array, ""]:
    r"""$\oint f \cdot dx$ along the ellipse `centre` $+ \cos\phi$ `first` $+ \sin\phi$ `second`: 0 for a gradient.

    By the trapezoidal rule, which converges exponentially.

    **Arguments:**

    - `f`: a function of the state.
    - `centre`, `first`, `second`: shape `(d,)`.
    - `nodes`: how many evaluations.

    **Returns:** a number.

    **Raises:** `ValueError` for fewer than 3 nodes.

    !!! example

        ```python
        import jax.numpy as jnp
        from sdekit.interpolants import loop_integral
        e = jnp.eye(2)
        loop_integral(lambda x: jnp.array([-x[1], x[0]]), jnp.zeros(2), e[0], e[1])  # 6.283, twice the area
        ```
    """
    require(nodes >= 3, "nodes", "must be at least 3", nodes, "pass e.g. 64")
    phi = 2 * jnp.pi * jnp.arange(nodes, dtype=centre.dtype) / nodes

    def one(p):
        moved = -jnp.sin(p) * first + jnp.cos(p) * second
        return f(centre + jnp.cos(p) * first + jnp.sin(p) * second) @ moved

    return 2 * jnp.pi * jnp.mean(jax.vmap(one)(phi))


def gauge_residual(remainder: Vector, score: Vector, x: State) -> Float[Array, ""]:
    r"""$\operatorname{div} r + r \cdot s$: 0 where an error $r$ of the score changes no marginal law.

    **Arguments:**

    - `remainder`: $r$, the learned score less the exact one, a function of the state.
    - `score`: $s$.
    - `x`: a state, shape `(d,)`.

    **Returns:** a number.

    !!! example

        ```python
        import jax.numpy as jnp
        from sdekit.interpolants import gauge_residual
        turn = jnp.array([[0.0, 1.0], [-1.0, 0.0]])
        gauge_residual(lambda x: turn @ x, lambda x: -x, jnp.array([0.3, 2.0]))  # 0.0: rotations of a ball
        ```

    Source: Horvat and Pfister (2024), theorem 1.
    """
    return jnp.trace(jax.jacfwd(remainder)(x)) + remainder(x) @ score(x)


def transport_residual(field: Field, t: RealScalar, x: State) -> State:
    r"""$\partial_t s + \nabla(\operatorname{div} b + b \cdot s)$: 0 where the velocity moves the law of the score.

    The gradient of the transport equation, which needs no density.

    **Arguments:**

    - `field`: a field that tells velocity and score.
    - `t`: a time inside (0, 1).
    - `x`: a state, shape `(d,)`.

    **Returns:** shape `(d,)`.

    !!! example

        ```python
        import jax.numpy as jnp
        from sdekit.interpolants import Field, Score, Velocity, transport_residual, variance_preserving
        # Standard normal data stay what they are.
        field = Field(variance_preserving(), Velocity(lambda t, x: 0 * x), Score(lambda t, x: -x))
        transport_residual(field, 0.5, jnp.ones(1))  # [0.]
        ```

    Source: Albergo, Boffi and Vanden-Eijnden (2023), equation (2.9); Lai et al. (2023), FP-Diffusion.
    """
    return fokker_planck_residual(field, t, x, 0.0)


def fokker_planck_residual(field: Field, t: RealScalar, x: State, epsilon: RealScalar) -> State:
    r"""The gradient of the Fokker-Planck equation of the diffusion with $\epsilon$, divided by the density.

    $\partial_t s + \nabla(\operatorname{div} b_F + b_F \cdot s - \epsilon(\operatorname{div} s + |s|^2))$ with
    $b_F = b + \epsilon s$.

    **Arguments:**

    - `field`, `t`, `x`: as of `transport_residual`.
    - `epsilon`: $\epsilon$.

    **Returns:** shape `(d,)`.

    !!! example

        ```python
        import jax.numpy as jnp
        from sdekit.interpolants import Field, Score, Velocity, fokker_planck_residual, variance_preserving
        field = Field(variance_preserving(), Velocity(lambda t, x: 0 * x), Score(lambda t, x: -x))
        fokker_planck_residual(field, 0.5, jnp.ones(1), 2.0)  # [0.]
        ```

    Source: Albergo, Boffi and Vanden-Eijnden (2023), equation (2.17).
    """
    t = jnp.asarray(t, x.dtype)
    score = lambda y: field.score(t, y)
    div = lambda f, y: jnp.trace(jax.jacfwd(f)(y))

    def rate(y):
        drift = lambda y: field.velocity(t, y) + epsilon * score(y)
        s = score(y)
        return div(drift, y) + drift(y) @ s - epsilon * (div(score, y) + s @ s)

    return jax.jacfwd(lambda t: field.score(t, x))(t) + jax.grad(rate)(x)


def flow_spectrum(field: Field, x: State, *, start: RealScalar, stop: RealScalar, steps: int = 100) -> Array:
    r"""Singular values of $\partial x_{\text{stop}} / \partial x_{\text{start}}$ of the flow, largest first.

    From noise to data those of directions off the manifold of the data go to 0.

    **Arguments:**

    - `field`: any `Field`.
    - `x`: the state at `start`, shape `(d,)`.
    - `start`, `stop`: times of the path, in either order.
    - `steps`: Runge-Kutta steps.

    **Returns:** shape `(d,)`.

    !!! example

        ```python
        import jax.numpy as jnp
        from sdekit.interpolants import Field, Velocity, flow_spectrum, one_sided_linear
        flat = Field(one_sided_linear(), Velocity(lambda t, x: jnp.array([-5.0, 0.0]) * x))
        flow_spectrum(flat, jnp.ones(2), start=0.0, stop=1.0)  # [1., 0.0067]
        ```

    Source: Horvat and Pfister (2024), section 4.
    """
    end = lambda x: flow(field, x, start=start, stop=stop, steps=steps)[0]
    return jnp.linalg.svd(jax.jacfwd(end)(x), compute_uv=False)


def intrinsic_dimension(spectrum: Float[Array, " d"]) -> Array:
    """How many directions the data have: the place of the largest gap between the logarithms of singular values.

    **Arguments:**

    - `spectrum`: singular values of the flow, largest first, shape `(d,)`; average logarithms over states first.

    **Returns:** an integer in `[1, d - 1]`, or 1 for `d = 1`.

    !!! example

        ```python
        import jax.numpy as jnp
        from sdekit.interpolants import intrinsic_dimension
        intrinsic_dimension(jnp.array([1.0, 0.7, 1e-3]))  # 2
        ```

    Source: Horvat and Pfister (2024), section 4.
    """
    if spectrum.shape[0] == 1:
        return jnp.asarray(1)
    logs = jnp.log(spectrum)
    return jnp.argmax(logs[:-1] - logs[1:]) + 1


def kinetic_energy(
    field: Field, ts: Float[Array, " m"], weights: Float[Array, " m"], xs: Float[Array, "m n d"], epsilon: RealScalar
) -> Float[Array, ""]:
    r"""$\int E\,\tfrac12 |b + \epsilon s|^2\,dt$, which is least along the Schroedinger bridge.

    With the exact field of an interpolant the loss of its forward drift is minus this at its minimum, and the
    interpolant that makes the minimum greatest solves the bridge with noise $\sqrt{2\epsilon}\,dW$.

    **Arguments:**

    - `field`: a field that tells velocity and score.
    - `ts`, `weights`: a rule of quadrature on [0, 1].
    - `xs`: states of the path at these times, equally likely.
    - `epsilon`: $\epsilon$ of the bridge.

    **Returns:** a number.

    !!! example

        ```python
        import jax.numpy as jnp
        from sdekit.interpolants import Field, Score, Velocity, kinetic_energy, linear
        field = Field(linear(), Velocity(lambda t, x: 0 * x), Score(lambda t, x: -x))
        ts, xs = jnp.array([0.25, 0.75]), jnp.ones((2, 50, 1))
        kinetic_energy(field, ts, jnp.full(2, 0.5), xs, 2.0)  # 2.0
        ```

    Source: Albergo, Boffi and Vanden-Eijnden (2023), theorem 3.3 and section 3.3.
    """

    def one(t, x):
        b, s = field.velocity_and_score(t, x)
        return jnp.sum((b + epsilon * s) ** 2) / 2

    return weights @ jax.vmap(lambda t, x: jnp.mean(jax.vmap(lambda y: one(t, y))(x)))(ts, xs)
