"""The word: a diffusion driven by a noise with a Markov lift, as a diffusion of the state and the modes together."""

import abc
from typing import NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import lineax as lx
from jaxtyping import Float

from ._process import AbstractDiffusion, AbstractInterpretation, AbstractNoiseStructure, Additive, General
from ._types import Array, RealScalar, State
from .noise import AbstractDriver


__all__ = ["AbstractLifted", "Parts", "brownian_gain", "readouts"]


class Parts(NamedTuple):
    """A lifted state taken apart.

    !!! example

        ```python
        import jax.numpy as jnp
        from sdekit.processes import Parts
        Parts(jnp.ones(2), jnp.zeros((2, 5)), jnp.zeros(0))
        ```
    """

    x: State
    """The state of the base, shape `(d,)`."""
    z: Float[Array, "m j"]
    """The modes of each component of the noise."""
    weights: Float[Array, " w"]
    r"""What the control has cost so far: nothing; $\frac12 \int |u|^2 dt$; or that and $\int u \cdot dB$."""


class AbstractLifted(AbstractDiffusion):
    r"""$dX = f(t, X)\,dt + g(t, X)\,dN$, $N$ read from the modes of a driver; Markov in the state $(x, z, weights)$.

    The Brownian motion of the driver has the drift `control(t, x, z)`. As an `AbstractDiffusion` it is the plain
    augmented equation, for any solver whose steps are short against the fastest mode; `sdekit.solve.Exponential` steps
    the modes exactly.

    !!! example

        ```python
        import sdekit as sk
        lifted = sk.processes.Lifted(sk.processes.OrnsteinUhlenbeck(rate=1.0), sk.noise.BrownianDriver())
        isinstance(lifted, sk.processes.AbstractLifted), lifted.dim  # (True, 1)
        ```
    """

    base: eqx.AbstractVar[AbstractDiffusion]
    """What is driven. Its noise has `m` components."""
    driver: eqx.AbstractVar[AbstractDriver]
    weighed: eqx.AbstractVar[int]
    """How many weights the state carries: 0, 1 or 2."""

    @abc.abstractmethod
    def control(self, t: RealScalar, x: State, z: Float[Array, "m j"]) -> Float[Array, " m"]:
        """The drift of the Brownian motion of each component."""

    @property
    def components(self) -> int:
        """The number `m` of components of the noise."""
        base, found = self.base, []
        jax.eval_shape(lambda: found.append(base.diffusion(0.0, jnp.zeros(base.dim)).in_size()))
        return found[0]

    @property
    def dim(self) -> int:
        return self.base.dim + self.components * self.driver.size + self.weighed

    @property
    def interpretation(self) -> type[AbstractInterpretation]:
        return self.base.interpretation

    @property
    def structure(self) -> type[AbstractNoiseStructure]:
        return Additive if issubclass(self.base.structure, Additive) and self.weighed < 2 else General

    def parts(self, state: Float[Array, " s"]) -> Parts:
        """The state taken apart. Also for stacks: `jax.vmap(lifted.parts)(path.xs)`."""
        d, m, j = self.base.dim, self.components, self.driver.size
        return Parts(state[:d], state[d : d + m * j].reshape(m, j), state[d + m * j :])

    def drift(self, t: RealScalar, x: State) -> State:
        x, z, weights = self.parts(x)
        u = self.control(t, x, z)
        driver, m = self.driver, self.components
        moving = z[:, : driver.modes]
        velocity = jnp.concatenate(
            [u[:, None] - driver.rates[None] * moving, jnp.zeros_like(z[:, driver.modes :])], axis=1
        )
        c = readouts(driver, t, m)
        noise = jnp.sum(c * velocity, axis=1) + driver.direct * u
        if not driver.steady or driver.still:
            t = jnp.asarray(t, x.dtype)
            noise += jnp.sum(jax.jvp(lambda s: readouts(driver, s, m), (t,), (jnp.ones_like(t),))[1] * z, axis=1)
        cost = jnp.zeros_like(weights).at[:1].set(0.5 * (u @ u))
        return jnp.concatenate([self.base.drift(t, x) + self.base.diffusion(t, x).mv(noise), velocity.ravel(), cost])

    def diffusion(self, t: RealScalar, x: State) -> lx.AbstractLinearOperator:
        x, z, _ = self.parts(x)
        m, modes = self.components, self.driver.modes
        g = self.base.diffusion(t, x).as_matrix() * brownian_gain(self.driver, t, m)[None, :]
        moves = jnp.concatenate([jnp.ones_like(z[:, :modes]), jnp.zeros_like(z[:, modes:])], axis=1)
        eye = jnp.eye(m, dtype=g.dtype)
        rows = [g, (moves[:, :, None] * eye[:, None, :]).reshape(-1, m), jnp.zeros((min(self.weighed, 1), m), g.dtype)]
        if self.weighed == 2:
            rows.append(self.control(t, x, z)[None, :])
        return lx.MatrixLinearOperator(jnp.concatenate(rows))


def readouts(driver: AbstractDriver, t: RealScalar, m: int) -> Float[Array, "m j"]:
    """The readout of each of `m` components."""
    c = driver.readout(t)
    return jnp.broadcast_to(c if c.ndim == 2 else c[None], (m, driver.size))


def brownian_gain(driver: AbstractDriver, t: RealScalar, m: int) -> Float[Array, " m"]:
    r"""$\bar c(t)$: by how much the noise moves with its Brownian motion."""
    return driver.direct + jnp.sum(readouts(driver, t, m)[:, : driver.modes], axis=1)
