"""What a field says: small classes around a function of time and state."""

import abc
from collections.abc import Callable
from typing import Any

import equinox as eqx
from jaxtyping import Float

from .._errors import require
from .._parameters import AbstractParametric
from .._types import Array, RealScalar, State
from ._path import AffinePath, Coefficients, add


__all__ = ["AbstractKind", "Data", "Drift", "Noise", "Score", "Velocity"]


class AbstractKind(AbstractParametric):
    r"""A conditional expectation given $x_t = x$, by a network or a formula.

    A kind knows the quadratic loss that it is the minimiser of: $E[\tfrac12 |f|^2 - f \cdot y]$ with its target $y$.

    !!! example

        ```python
        import sdekit.interpolants as si
        issubclass(si.Score, si.AbstractKind)
        ```
    """

    function: eqx.AbstractVar[Callable[..., State]]

    @abc.abstractmethod
    def target(self, path: AffinePath, c: Coefficients, x0: Any, x1: Any, z: Any) -> State:
        """What is regressed on at the coefficients `c`, given the ends and the noise."""

    def __call__(self, t: RealScalar, x: State) -> State:
        return self.function(t, x)


class Velocity(AbstractKind):
    r"""$b = E[\dot x_t \mid x_t = x]$: what moves the law along.

    **Arguments:**

    - `function`: called as `function(t, x)`, shapes `()` and `(d,)`; with a third argument if it is conditional.

    !!! example

        ```python
        import jax.numpy as jnp
        import sdekit.interpolants as si
        field = si.Field(si.one_sided_linear(), si.Velocity(lambda t, x: -x))
        field.velocity(0.5, jnp.ones(1))  # [-1.]
        ```

    Source: Albergo, Boffi and Vanden-Eijnden (2023), equation (2.10).
    """

    function: Callable[..., State]

    def target(self, path, c, x0, x1, z):
        return add((c.d_alpha, x0), (c.d_beta, x1), (c.d_gamma, z), (c.d_kappa, path.mean))


class Drift(AbstractKind):
    r"""$v = E[\partial_t I(t, x_0, x_1) \mid x_t = x]$: the velocity without the part of the noise.

    **Arguments:**

    - `function`: as of `Velocity`.

    !!! example

        ```python
        import sdekit.interpolants as si
        si.Drift(lambda t, x: -x)
        ```

    Source: Albergo, Boffi and Vanden-Eijnden (2023), equation (2.21).
    """

    function: Callable[..., State]

    def target(self, path, c, x0, x1, z):
        return add((c.d_alpha, x0), (c.d_beta, x1), (c.d_kappa, path.mean))


class Score(AbstractKind):
    r"""$s = \nabla \log \rho_t(x) = -E[z \mid x_t = x]/\gamma$.

    **Arguments:**

    - `function`: as of `Velocity`.

    !!! example

        ```python
        import jax.numpy as jnp
        import sdekit.interpolants as si
        field = si.Field(si.one_sided_linear(), si.Score(lambda t, x: -x))
        field.noise(0.5, jnp.ones(1))  # [0.5]
        ```

    Source: Albergo, Boffi and Vanden-Eijnden (2023), equation (2.14).
    """

    function: Callable[..., State]

    def target(self, path, c, x0, x1, z):
        require(c.gamma is not None, "path", "has no noise, and so no score", path, "give the path a gamma")
        return -z / c.gamma


class Noise(AbstractKind):
    r"""$\eta = E[z \mid x_t = x]$, the denoiser; $\epsilon_\theta$ of the papers on diffusions.

    **Arguments:**

    - `function`: as of `Velocity`.

    !!! example

        ```python
        import jax.numpy as jnp
        import sdekit.interpolants as si
        field = si.Field(si.one_sided_linear(), si.Noise(lambda t, x: x))
        field.score(0.5, jnp.ones(1))  # [-2.]
        ```

    Source: Albergo, Boffi and Vanden-Eijnden (2023), equation (2.19).
    """

    function: Callable[..., State]

    def target(self, path, c, x0, x1, z):
        require(c.gamma is not None, "path", "has no noise", path, "give the path a gamma")
        return z


class Data(AbstractKind):
    r"""$\hat x = E[x_{\text{data}} \mid x_t = x]$, of $x_1$, or of $x_0$ where it is the only end.

    **Arguments:**

    - `function`: as of `Velocity`.

    !!! example

        ```python
        import jax.numpy as jnp
        import sdekit.interpolants as si
        field = si.Field(si.one_sided_linear(), si.Data(lambda t, x: 0 * x))
        field.noise(0.5, jnp.ones(1))  # [2.]
        ```

    Source: Albergo, Boffi and Vanden-Eijnden (2023), equation (4.10).
    """

    function: Callable[..., State]

    def target(self, path, c, x0, x1, z) -> Float[Array, " d"]:
        return x1 if path.beta is not None else x0
