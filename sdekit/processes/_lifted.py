"""Diffusions driven by a noise with a Markov lift: the prior, a controlled posterior, the law of the state alone."""

from collections.abc import Callable
from typing import ClassVar

import diffrax
import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Float

from .._errors import require
from .._lifted import AbstractLifted
from .._parameters import law_field
from .._process import AbstractDiffusion, AbstractProcess
from .._types import Array, Key, Law, RealScalar, State, Times
from ..noise import AbstractDriver
from ..paths import SampledPath
from ..solve import ExponentialIntegrator, solve
from ._joint import CentredGaussian, JointLaw


__all__ = ["Controlled", "Driven", "Lifted", "modes_law"]


def modes_law(driver: AbstractDriver, m: int) -> Law:
    """The law of the modes of `m` independent components at time 0, as a vector of length `m j`.

    **Arguments:**

    - `driver`: a driver with `j` modes.
    - `m`: the number of components.

    **Returns:** a `CentredGaussian`.

    !!! example

        ```python
        import sdekit as sk
        sk.processes.modes_law(sk.noise.BrownianDriver(), 2).event_shape  # (0,)
        ```
    """
    root = driver.start
    return CentredGaussian(jnp.kron(jnp.eye(m, dtype=root.dtype), root))


def _solved(process: AbstractLifted, ts: Times, key: Key) -> SampledPath:
    path = solve(process, ts, key=key)
    assert isinstance(path, SampledPath)  # there is no event to stop it
    return path


class Lifted(AbstractLifted):
    r"""A diffusion and the modes of the noise that drives it, $dX = f\,dt + g\,dN$, as one Markov process $(X, Z)$.

    **Arguments:**

    - `base`: the diffusion; its noise has `m` components, its sense of integrals is kept.
    - `driver`: the law of each component of the noise.

    **Raises:** `ValueError` if the readout of the driver has rows for another number of components.

    !!! example

        ```python
        import jax
        import jax.numpy as jnp
        import sdekit as sk
        base = sk.processes.OrnsteinUhlenbeck(rate=1.0)
        lifted = sk.processes.Lifted(base, sk.noise.BrownianDriver())
        path = lifted.sample(jnp.linspace(0.0, 1.0, 11), key=jax.random.key(0))
        jax.vmap(lifted.parts)(path.xs).x.shape  # (11, 1)
        ```

    Source: Carmona and Coutin (1998); Daems, Opper, Crevecoeur and Birdal (2024), equation 9.
    """

    base: AbstractDiffusion
    driver: AbstractDriver
    weighed: ClassVar[int] = 0

    def __check_init__(self):
        _require_rows(self, "Lifted")

    @property
    def initial(self) -> Law:
        return JointLaw((self.base.initial, modes_law(self.driver, self.components)))

    def control(self, t: RealScalar, x: State, z: Float[Array, "m j"]) -> Float[Array, " m"]:
        return jnp.zeros(z.shape[0], x.dtype)

    def draw(self, ts: Times, *, key: Key) -> SampledPath:
        return _solved(self, ts, key)


class Controlled(AbstractLifted):
    r"""A lifted diffusion whose Brownian motion drifts, $dB \to dB + u(t, X, Z)\,dt$: a law over paths.

    The control enters every mode and, through them, the state. The divergence from the law without it,
    $\frac12 E \int |u|^2 dt$, is carried along in the state, $(x, z, \frac12 \int |u|^2 dt)$; with `martingale`
    also $\int u \cdot dB$; their sum is the log-density ratio of the two laws of the noise along the path.

    **Arguments:**

    - `base`, `driver`: as of `Lifted`.
    - `field`: the control, called as `field(t, x, z)` with shapes `()`, `(d,)` and `(m, j)`; returns shape `(m,)`.
    - `start`: the law of $(x, z)$ at the first time, event shape `(d + m j,)`; `None` for that of `Lifted`.
    - `martingale`: whether the state carries $\int u \cdot dB$ too.

    **Raises:** `ValueError` if the readout of the driver has rows for another number of components, or `start` another
    length.

    !!! example

        ```python
        import jax
        import jax.numpy as jnp
        import sdekit as sk
        base = sk.processes.OrnsteinUhlenbeck(rate=1.0)
        pushed = sk.processes.Controlled(base, sk.noise.BrownianDriver(), lambda t, x, z: jnp.ones(1))
        path = pushed.sample(jnp.linspace(0.0, 1.0, 11), key=jax.random.key(0))
        path.xs[-1, -1]  # 0.5, the divergence
        ```

    Source: Daems, Opper, Crevecoeur and Birdal (2024), proposition 4.
    """

    base: AbstractDiffusion
    driver: AbstractDriver
    field: Callable[[RealScalar, State, Float[Array, "m j"]], Float[Array, " m"]]
    start: Law | None = law_field(default=None)
    martingale: bool = eqx.field(static=True, default=False)

    def __check_init__(self):
        _require_rows(self, "Controlled")
        size = self.dim - self.weighed
        shape = None if self.start is None else self.start.event_shape
        remedy = f"pass a law of (x, z), event shape ({size},)"
        require(shape in (None, (size,)), "Controlled.start", "has another length than the state", shape, remedy)

    @property
    def weighed(self) -> int:
        return 2 if self.martingale else 1

    @property
    def initial(self) -> Law:
        start = self.start
        if start is None:
            start = JointLaw((self.base.initial, modes_law(self.driver, self.components)))
        return JointLaw((start, CentredGaussian(jnp.zeros((self.weighed, 0)))))

    def control(self, t: RealScalar, x: State, z: Float[Array, "m j"]) -> Float[Array, " m"]:
        return self.field(t, x, z)

    def draw(self, ts: Times, *, key: Key) -> SampledPath:
        return _solved(self, ts, key)


class Driven(AbstractProcess):
    r"""The law of the state alone of a diffusion driven by a noise with a Markov lift, $dX = f\,dt + g\,dN$.

    **Arguments:**

    - `base`: the diffusion.
    - `driver`: the law of each component of its noise.
    - `dt`: the longest step; `None` for the default of `solve`.
    - `solver`: how to step; `None` for `ExponentialIntegrator()`.

    !!! example

        ```python
        import jax
        import jax.numpy as jnp
        import sdekit as sk
        process = sk.processes.Driven(sk.processes.OrnsteinUhlenbeck(rate=1.0), sk.noise.BrownianDriver())
        process.sample(jnp.linspace(0.0, 1.0, 11), key=jax.random.key(0), n=3).xs.shape  # (3, 11, 1)
        ```
    """

    base: AbstractDiffusion
    driver: AbstractDriver
    dt: float | None = eqx.field(static=True, default=None)
    solver: diffrax.AbstractSolver | ExponentialIntegrator | None = None

    @property
    def dim(self) -> int:
        return self.base.dim

    @property
    def lift(self) -> Lifted:
        """The Markov process of the state and the modes."""
        return Lifted(self.base, self.driver)  # pyright: ignore[reportCallIssue]

    def draw(self, ts: Times, *, key: Key) -> SampledPath:
        path = solve(self.lift, ts, key=key, dt=self.dt, solver=self.solver)
        assert isinstance(path, SampledPath)  # there is no event to stop it
        return SampledPath(path.ts, path.xs[..., : self.dim], path.made)


def _require_rows(process: AbstractLifted, owner: str) -> None:
    """Check that the driver reads as many components as drive the base."""
    shape = jax.eval_shape(lambda: process.driver.readout(0.0)).shape
    m = process.components
    problem = f"reads another number of components than drive the base, {m}"
    remedy = f"give the driver one row for all, or {m} rows"
    require(len(shape) == 1 or shape[0] in (1, m), f"{owner}.driver", problem, shape, remedy)
