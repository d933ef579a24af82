"""The first state of a latent diffusion and of the modes of its driver, from standard normal numbers."""

from typing import Any, cast

import jax
import jax.numpy as jnp
import numpyro.distributions as dist
from jaxtyping import Float
from numpyro.distributions import constraints

from .._process import AbstractDiffusion, AbstractInterpretation, AbstractNoiseStructure
from .._types import Array, Key, Law, RealScalar, State
from ..noise import AbstractDriver
from ..processes import AbstractNumericalDiffusion, CentredGaussian, modes_law
from ._algebra import psd_cholesky
from ._moments import gaussian_moments


__all__ = ["Placed", "Placement", "Restarted", "gaussian_start_kl", "placement"]


class Restarted(AbstractNumericalDiffusion):
    """A diffusion with another law of its first state."""

    base: AbstractDiffusion
    initial: Law

    @property
    def dim(self) -> int:
        return self.base.dim

    @property
    def interpretation(self) -> type[AbstractInterpretation]:
        return self.base.interpretation

    @property
    def structure(self) -> type[AbstractNoiseStructure]:
        return self.base.structure

    def drift(self, t: RealScalar, x: State) -> State:
        return self.base.drift(t, x)

    def diffusion(self, t: RealScalar, x: State):
        return self.base.diffusion(t, x)


class Placement:
    r"""The affine map $\varepsilon \mapsto (x_0, z_0)$ that takes the standard normal law to the prior of the start."""

    def __init__(self, mean: Float[Array, " s"], root: Float[Array, "s n"]):
        self.mean, self.root = mean, root

    @property
    def n(self) -> int:
        """How many numbers are random."""
        return self.root.shape[1]

    def __call__(self, eps: Float[Array, " n"]) -> Float[Array, " s"]:
        return self.mean + self.root @ eps.astype(self.root.dtype)


def placement(initial: Law, driver: AbstractDriver, m: int) -> Placement:
    """The map for a Gaussian law of the state, or a point mass, which takes no random number."""
    mean, cov = gaussian_moments(initial, "LatentSDE.initial")
    root = jnp.zeros((mean.shape[0], 0), mean.dtype) if _is_point(initial) else psd_cholesky(cov)
    modes = cast(CentredGaussian, modes_law(driver, m)).root.astype(mean.dtype)
    whole = jax.scipy.linalg.block_diag(root, modes) if root.shape[1] and modes.size else _beside(root, modes)
    return Placement(jnp.concatenate([mean, jnp.zeros(modes.shape[0], mean.dtype)]), whole)


def _beside(a, b):
    """The block-diagonal matrix of two blocks, one of which may have no column or no row."""
    top = jnp.concatenate([a, jnp.zeros((a.shape[0], b.shape[1]), a.dtype)], axis=1)
    return jnp.concatenate([top, jnp.concatenate([jnp.zeros((b.shape[0], a.shape[1]), a.dtype), b], axis=1)])


def _is_point(law: Law) -> bool:
    while isinstance(law, dist.Independent):
        law = law.base_dist
    return isinstance(law, dist.Delta)


def gaussian_start_kl(law: dist.MultivariateNormal) -> Float[Array, ""]:
    """The divergence of a Gaussian law from the standard normal one."""
    mean, root = jnp.asarray(law.loc), jnp.asarray(law.scale_tril)
    return 0.5 * (mean @ mean + jnp.sum(root**2) - mean.shape[0]) - jnp.sum(jnp.log(jnp.diagonal(root)))


class Placed(dist.Distribution):
    """The law of the start under a Gaussian law of what is placed."""

    support: Any = constraints.real_vector
    pytree_data_fields = ("law", "offset", "root")

    def __init__(self, law: Law, where: Placement):
        self.law, self.offset, self.root = law, where.mean, where.root
        super().__init__(batch_shape=(), event_shape=where.mean.shape, validate_args=False)

    def sample(self, key: Key, sample_shape: tuple[int, ...] = ()) -> Array:
        eps = jnp.asarray(self.law.sample(key, sample_shape), self.root.dtype)
        return self.offset + eps @ self.root.T

    @property
    def mean(self) -> Array:
        return self.offset + self.root @ jnp.asarray(self.law.mean, self.root.dtype)
