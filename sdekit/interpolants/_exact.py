r"""Fields that are known: Gaussian mixtures at the ends, of any covariances."""

from typing import Any

import jax
import jax.numpy as jnp
import jax.scipy.linalg as jsl
import numpyro.distributions as dist
from jaxtyping import Float

from .._errors import fault, require
from .._parameters import AbstractParametric, law_field
from .._types import Array, Law, RealScalar, State
from ._field import Field
from ._kinds import Score, Velocity
from ._path import AffinePath, require_time


__all__ = ["components", "exact_field", "marginal_law"]


class Mixture(AbstractParametric):
    """Weights `(k,)`, means `(k, d)` and covariances `(k, d, d)`."""

    log_weights: Float[Array, " k"]
    means: Float[Array, "k d"]
    covariances: Float[Array, "k d d"]

    def law(self) -> Law:
        normal = dist.MultivariateNormal(self.means, self.covariances)
        return dist.MixtureSameFamily(dist.Categorical(logits=self.log_weights), normal)


def components(law: Law, argument: str = "law") -> Mixture:
    """The components of a Gaussian law or a mixture of such."""
    if isinstance(law, dist.MixtureSameFamily):
        inner = components_of(law.component_distribution, argument)
        logits = jax.nn.log_softmax(law.mixing_distribution.logits)
        return Mixture(logits.astype(inner[0].dtype), *inner)
    means, covariances = components_of(law, argument)
    require(means.ndim == 1, argument, "must be one law", means.shape, "use MixtureSameFamily for a mixture")
    return Mixture(jnp.zeros(1, means.dtype), means[None], covariances[None])


def components_of(law: Any, argument: str) -> tuple[Array, Array]:
    if isinstance(law, dist.MultivariateNormal):
        return law.mean, jnp.broadcast_to(law.covariance_matrix, (*law.mean.shape, law.mean.shape[-1]))
    inside = law.base_dist if isinstance(law, dist.Independent) else law
    if isinstance(law, dist.Independent) and law.event_dim == 1 and isinstance(inside, dist.Normal):
        return inside.mean, jax.vmap(jnp.diag)(inside.variance) if inside.mean.ndim == 2 else jnp.diag(inside.variance)
    if isinstance(law, dist.Delta) and law.event_dim == 1:
        return law.v, jnp.zeros((*law.v.shape, law.v.shape[-1]), law.v.dtype)
    remedy = "pass Normal(...).to_event(1), MultivariateNormal, Delta, or a MixtureSameFamily of them"
    raise ValueError(
        fault(argument, "must be Gaussian with event shape (d,), or a mixture", type(law).__name__, remedy)
    )


class Moving(AbstractParametric):
    """The mixture of $x_t$, for independent ends."""

    path: AffinePath
    ends: tuple[Mixture | None, Mixture | None] = law_field()

    def at(self, t: RealScalar) -> Mixture:
        """Component `i, j` has mean and covariance of that pair of components."""
        path: Any = self.path
        t = require_time(t)
        found = [(s, e) for s, e in zip((path.alpha, path.beta), self.ends, strict=True) if s is not None]
        weights: Any = None
        mean: Any = 0.0
        cov: Any = 0.0
        for schedule, end in found:
            w, m, c = end.log_weights, schedule(t) * end.means, schedule.square(t) * end.covariances
            if weights is None:
                weights, mean, cov = w, m, c
            else:
                weights = (weights[:, None] + w[None]).ravel()
                mean = (mean[:, None] + m[None]).reshape(weights.shape[0], -1)
                cov = (cov[:, None] + c[None]).reshape(weights.shape[0], *cov.shape[1:])
        d = mean.shape[-1]
        if path.gamma is not None:
            cov = cov + (path.gamma.square(t) * jnp.eye(d, dtype=cov.dtype))[None]
        if path.kappa is not None:
            mean = mean + (path.kappa(t) * path.mean)[None]
        return Mixture(weights, mean, cov)

    def posterior(self, t: RealScalar, x: State):
        """Weights of the components given `x`, and what is left of `x` with the factor of each."""
        now = self.at(t)
        left = x[None] - now.means
        factors = jnp.linalg.cholesky(now.covariances)
        white = jax.vmap(lambda f, v: jsl.solve_triangular(f, v, lower=True))(factors, left)
        half = jnp.log(jnp.diagonal(factors, axis1=-2, axis2=-1)).sum(-1)
        weights = jax.nn.softmax(now.log_weights - half - (white**2).sum(-1) / 2)
        back = jax.vmap(lambda f, v: jsl.solve_triangular(f, v, lower=True, trans=1))(factors, white)
        return weights, back


class MixtureScore(AbstractParametric):
    moving: Moving

    def __call__(self, t: RealScalar, x: State) -> State:
        weights, back = self.moving.posterior(t, x)
        return -weights @ back


class MixtureVelocity(AbstractParametric):
    moving: Moving

    def __call__(self, t: RealScalar, x: State) -> State:
        weights, back = self.moving.posterior(t, x)
        t = require_time(t)
        # Slopes of means and covariances: by the schedules, whose squares have finite slopes where they do not.
        mean, cov = self._slopes(t)
        return weights @ (mean + jnp.einsum("kij,kj->ki", cov, back) / 2)

    def _slopes(self, t):
        path: Any = self.moving.path
        ends: Any = self.moving.ends
        found = [(s, e) for s, e in zip((path.alpha, path.beta), ends, strict=True) if s is not None]
        parts = [(s.derivative(t) * e.means, 2 * s.product(t) * e.covariances) for s, e in found]
        mean, cov = parts[0]
        if len(parts) == 2:
            mean = (mean[:, None] + parts[1][0][None]).reshape(-1, mean.shape[-1])
            cov = (cov[:, None] + parts[1][1][None]).reshape(-1, *cov.shape[1:])
        if path.gamma is not None:
            cov = cov + (2 * path.gamma.product(t) * jnp.eye(cov.shape[-1], dtype=cov.dtype))[None]
        if path.kappa is not None:
            mean = mean + (path.kappa.derivative(t) * path.mean)[None]
        return mean, cov


def _moving(path: AffinePath, law0: Law | None, law1: Law | None) -> Moving:
    ends = []
    for name, schedule, law in (("law0", path.alpha, law0), ("law1", path.beta, law1)):
        remedy = "pass the law of that end"
        require(schedule is None or law is not None, name, "is an end of this path", law, remedy)
        ends.append(None if schedule is None or law is None else components(law, name))
    return Moving(path, (ends[0], ends[1]))


def exact_field(path: AffinePath, law0: Law | None = None, law1: Law | None = None) -> Field:
    r"""The field of Gaussians or Gaussian mixtures with independent ends, in closed form.

    With posterior weights $w_{ij}$ of the pairs of components, whose means and covariances in $x_t$ are $m$ and $C$,
    $b = \sum w\,[\dot m + \tfrac12 \dot C C^{-1}(x - m)]$ and $s = -\sum w\,C^{-1}(x - m)$. Valid at both ends.

    **Arguments:**

    - `path`: an `AffinePath`.
    - `law0`, `law1`: the laws at its ends, of event shape `(d,)`: normal, multivariate normal, or a
        `MixtureSameFamily` of them; the law of the data for a one-sided path. Of an end that it does not have, nothing.

    **Returns:** a `Field` of the parts `Velocity` and `Score`, as a network's is.

    **Raises:** `ValueError` for a law that is missing or of another kind.

    !!! example

        ```python
        import jax.numpy as jnp
        import numpyro.distributions as dist
        import sdekit.interpolants as si
        data = dist.Normal(jnp.array([1.0]), 0.5).to_event(1)
        field = si.exact_field(si.one_sided_linear(), law1=data)
        field.data(0.5, jnp.ones(1))  # [1.2]
        ```

    Source: Albergo, Boffi and Vanden-Eijnden (2023), appendix A.
    """
    moving = _moving(path, law0, law1)
    if path.gamma is None:
        return Field(path, Velocity(MixtureVelocity(moving)))
    return Field(path, Velocity(MixtureVelocity(moving)), Score(MixtureScore(moving)))


def marginal_law(path: AffinePath, t: RealScalar, law0: Law | None = None, law1: Law | None = None) -> Law:
    """The law of $x_t$ for Gaussians or mixtures at independent ends.

    **Arguments:**

    - `path`, `law0`, `law1`: as of `exact_field`.
    - `t`: a time in [0, 1].

    **Returns:** a `MixtureSameFamily` of multivariate normals.

    **Raises:** `ValueError` as `exact_field`.

    !!! example

        ```python
        import jax.numpy as jnp
        import numpyro.distributions as dist
        import sdekit.interpolants as si
        data = dist.Normal(jnp.array([1.0]), 0.5).to_event(1)
        si.marginal_law(si.one_sided_linear(), 0.5, law1=data).mean  # [0.5]
        ```
    """
    return _moving(path, law0, law1).at(t).law()
