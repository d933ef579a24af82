r"""Data turned into noise by diffusions driven by fractional noise: variance exploding and variance preserving."""

import abc
from typing import Any, ClassVar

import equinox as eqx
import jax
import jax.numpy as jnp
import lineax as lx
import numpyro.distributions as dist
from jaxtyping import Float

from .._errors import require
from .._lifted import AbstractLifted
from .._parameters import constraints, law_field, parameter
from .._process import (
    AbstractDiffusion,
    AbstractExactDiffusion,
    AbstractInterpretation,
    AbstractLinearGaussian,
    AbstractMarginal,
    AbstractNoiseStructure,
    Additive,
    Ito,
)
from .._types import Array, Key, Law, RealScalar, State, Times, is_concrete
from ..inference._moments import gaussian_moments, is_gaussian
from ..noise import AbstractDriver, BrownianDriver
from ..paths import SampledPath
from ..processes import JointLaw, modes_law
from ..processes._fixed import components
from ..processes._linear_gaussian import gaussian, push
from ..processes._stable import scalars
from ..solve import solve
from ._augmented import AugmentedMoments, moments_of, step_kernels


__all__ = ["AbstractFractionalForward", "FractionalVE", "FractionalVP", "ScaledDiffusion"]


class AbstractFractionalForward(AbstractLifted, AbstractExactDiffusion, AbstractLinearGaussian, AbstractMarginal):
    r"""$dX = A'(t) X\,dt + f\,g(t)\,dN$ on $[0, T]$, each component on its own: what turns data into noise.

    Linear, and Markov together with the modes of $N$: transitions, and the law of $(X_t, Z_t)$ given $X_0$, are exact,
    by quadrature. Call with `X` and `Z` of shapes `(d,)` and `(d, j)`.

    !!! example

        ```python
        import jax.numpy as jnp
        import sdekit as sk

        class Plain(sk.fractional.AbstractFractionalForward):  # a new one: two functions of time
            driver: sk.noise.AbstractDriver
            factor: jnp.ndarray
            horizon: jnp.ndarray
            start: sk.processes.JointLaw

            def log_decay(self, t):
                return -t

            def volatility(self, t):
                return jnp.ones_like(t)

        import numpyro.distributions as dist
        start = dist.Delta(jnp.zeros(1), event_dim=1)
        Plain(sk.noise.BrownianDriver(), jnp.ones(1), jnp.array(1.0), start).moments(1.0).variance  # (1 - e^-2) / 2
        ```

    Source: Nobis et al. (2024), "Generative Fractional Diffusion Models".
    """

    start: eqx.AbstractVar[Law]
    """The law of the data. Its event shape says how many components there are."""
    factor: eqx.AbstractVar[Float[Array, " r"]]
    """What the noise is multiplied by, for all components or each."""
    horizon: eqx.AbstractVar[Float[Array, ""]]
    """The last time."""
    weighed: ClassVar[int] = 0

    @abc.abstractmethod
    def log_decay(self, t: Float[Array, "..."]) -> Float[Array, "..."]:
        r"""$A(t) = \int_0^t a$, elementwise: the mean of $X_t$ is $e^{A(t)} X_0$."""

    @abc.abstractmethod
    def volatility(self, t: Float[Array, "..."]) -> Float[Array, "..."]:
        """$g(t)$, elementwise, without the factor."""

    @property
    def base(self) -> "ScaledDiffusion":
        """The same diffusion, of a noise that is given."""
        return ScaledDiffusion(self)  # pyright: ignore[reportCallIssue]

    @property
    def initial(self) -> Law:
        d, root = self.start.event_shape[0], self.driver.start.astype(self.factor.dtype)
        if not is_gaussian(self.start):
            return JointLaw((self.start, modes_law(self.driver, d)))
        mean, cov = gaussian_moments(self.start, type(self).__name__)
        mean = jnp.concatenate([mean, jnp.zeros(d * root.shape[0], mean.dtype)])
        if root.shape[1] == 0 and isinstance(components(self.start), dist.Delta):
            return dist.Delta(mean, event_dim=1)
        return gaussian(mean, jax.scipy.linalg.block_diag(cov, jnp.kron(jnp.eye(d, dtype=root.dtype), root @ root.T)))

    def control(self, t: RealScalar, x: State, z: Float[Array, "m j"]) -> Float[Array, " m"]:
        return jnp.zeros(z.shape[0], x.dtype)

    def moments(self, t: RealScalar) -> AugmentedMoments:
        """The law of the state and the modes at time `t > 0`, given the state at 0. For many times: `jax.vmap`."""
        kernels = step_kernels(self.log_decay, self.volatility, self.driver, self.factor, 0.0, t)
        mean = jnp.exp(self.log_decay(jnp.asarray(t, self.factor.dtype)))
        return moments_of(kernels, mean, self.driver.start.astype(self.factor.dtype))

    def sample_at(self, t: RealScalar, x0: State, *, key: Key) -> tuple[State, Float[Array, "d j"]]:
        """The state and the modes at time `t`, given the state at 0, at once: no path is drawn."""
        return self.moments(t).sample(x0, key=key)

    def residual(self, t: RealScalar, x: State, z: Float[Array, "d j"]) -> State:
        r"""$X - \alpha \cdot Z$: the data scaled, with independent noise. What a network of the score is shown."""
        return x - jnp.sum(self.moments(t).regression * z, axis=1)

    def augmented_score(self, t: RealScalar, score: State, z: Float[Array, "d j"]) -> tuple[State, Float[Array, "d j"]]:
        r"""The score of $(X_t, Z_t)$ from that of the residual, which is the only part that depends on the data.

        The modes are Gaussian and do not depend on the data, so $\partial_x \log p = s$ and
        $\partial_z \log p = -\alpha s - C^{-1} z$ with $s$ the score of $X - \alpha \cdot Z$ there.

        **Arguments:**

        - `t`: the time, above 0.
        - `score`: $s$, at `residual(t, x, z)`, shape `(d,)`.
        - `z`: the modes.

        **Returns:** the parts of the state `(d,)` and the modes `(d, j)`.

        Source: the augmented score matching of Nobis et al. (2024).
        """
        moments = self.moments(t)
        return score, moments.score_modes(z) - moments.regression * score[:, None]

    def conditional_score(
        self, t: RealScalar, x0: State, x: State, z: Float[Array, "d j"]
    ) -> tuple[State, Float[Array, "d j"]]:
        """The score of the state and the modes at time `t`, given the state at 0: what a score is matched to."""
        m = self.moments(t)
        score = -(x - m.mean * x0 - jnp.sum(m.regression * z, axis=1)) / m.rest**2
        return score, m.score_modes(z) - m.regression * score[:, None]

    def discretise(self, t0, t1):
        d, j = self.start.event_shape[0], self.driver.size
        k = step_kernels(self.log_decay, self.volatility, self.driver, self.factor, t0, t1)
        eye, exact = jnp.eye(d, dtype=self.factor.dtype), jax.lax.Precision.HIGHEST
        times = jnp.stack([jnp.asarray(t, self.factor.dtype) for t in (t0, t1)])
        low, high = self.log_decay(times)
        spread = lambda rows: (jnp.broadcast_to(rows, (d, j))[:, None, :] * eye[:, :, None]).reshape(d, d * j)
        a = jnp.block([[jnp.exp(high - low) * eye, spread(k.row)], [jnp.zeros((d * j, d), eye.dtype),
                        jnp.kron(eye, jnp.diag(k.decay))]])  # fmt: skip
        weighed = k.weights[:, None] * k.modes
        cross = spread(jnp.matmul(k.state.T, weighed, precision=exact))
        modes = jnp.kron(eye, jnp.matmul(k.modes.T, weighed, precision=exact))
        own = jnp.diag(jnp.broadcast_to(k.weights @ k.state**2, (d,)))
        return a, jnp.zeros(d * (1 + j), eye.dtype), jnp.block([[own, cross], [cross.T, modes]])

    def transition(self, t0: RealScalar, t1: RealScalar, x: State) -> Law:
        a, b, q = self.discretise(t0, t1)
        return gaussian(a @ x + b, q)

    def marginal(self, t: RealScalar) -> Law:
        return push(self.initial, *self.discretise(0.0, t), type(self).__name__)


class ScaledDiffusion(AbstractDiffusion):
    """The diffusion of an `AbstractFractionalForward` as if its noise were Brownian: a base to be lifted.

    !!! example

        ```python
        import sdekit as sk
        forward = sk.fractional.FractionalVP(sk.noise.BrownianDriver())
        forward.base.dim  # 1
        ```
    """

    forward: AbstractFractionalForward
    interpretation: ClassVar[type[AbstractInterpretation]] = Ito
    structure: ClassVar[type[AbstractNoiseStructure]] = Additive

    @property
    def dim(self) -> int:
        return self.forward.start.event_shape[0]

    @property
    def initial(self) -> Law:
        return self.forward.start

    def drift(self, t: RealScalar, x: State) -> State:
        t = jnp.asarray(t, x.dtype)
        return jax.jvp(self.forward.log_decay, (t,), (jnp.ones_like(t),))[1] * x

    def diffusion(self, t: RealScalar, x: State) -> lx.AbstractLinearOperator:
        scale = self.forward.volatility(jnp.asarray(t, x.dtype)) * self.forward.factor
        return lx.DiagonalLinearOperator(jnp.broadcast_to(scale.astype(x.dtype), x.shape))

    def draw(self, ts: Times, *, key: Key) -> SampledPath:
        path = solve(self, ts, key=key)
        assert isinstance(path, SampledPath)  # there is no event to stop it
        return path


def unit_factor(forward: AbstractFractionalForward) -> Float[Array, " r"]:
    """What makes the variance at the horizon that under Brownian motion, of the noise that has the factor 1."""
    one = jnp.ones(1, forward.factor.dtype)
    k = step_kernels(forward.log_decay, forward.volatility, BrownianDriver(), one, 0.0, forward.horizon)
    return jnp.sqrt(k.weights @ k.state[:, 0] ** 2 / forward.moments(forward.horizon).variance)


def parts(owner: str, driver: AbstractDriver, start: Any, *numbers: Any) -> tuple[Any, ...]:
    """Check what all have in common: the law of the data, the numbers in one dtype, and a factor of 1."""
    problem, remedy = "must read its moving modes alike at all times", "take a driver with a fixed Hurst index"
    require(driver.steady, f"{owner}.driver", problem, type(driver).__name__, remedy)
    values = scalars(*numbers, like=(driver, start))
    if start is None:
        start = dist.Delta(jnp.zeros(1, values[0].dtype), event_dim=1)
    shape = start.event_shape
    require(len(shape) == 1, f"{owner}.start", "must be the law of a vector", shape, "add .to_event(1)")
    rows = jnp.atleast_2d(driver.readout(0.0)).shape[0]
    remedy = f"give the driver one row for all, or {shape[0]} rows"
    require(rows in (1, shape[0]), f"{owner}.driver", "reads another number of components", rows, remedy)
    return start, jnp.ones(rows, values[0].dtype), *values


class FractionalVP(AbstractFractionalForward):
    r"""$dX = -\frac12 \beta(t) X\,dt + f \sqrt{\beta(t)}\,dN$: data fade into noise of the same size.

    $\beta$ rises linearly from `beta_min` at 0 to `beta_max` at the horizon.

    **Arguments:**

    - `driver`: the law of the noise. Of MA-fBM, `MarkovFractional(hurst, terms)`: 1 to 3 terms, on the grid
        `GammaMax(20.0)`, if scores are to be reversed step by step.
    - `start`: the law of the data, event shape `(d,)`; one component at 0 by default. Where only its shape matters,
        `Delta(jnp.zeros(d), event_dim=1)` will do.
    - `beta_min`, `beta_max`: per unit of time.
    - `horizon`: the last time.
    - `normalise`: whether the noise is scaled so that the variance at the horizon is that under Brownian motion, for
        all Hurst indices. Known when built: a learned index keeps the factor of its first value.

    **Raises:** `ValueError` for numbers that are not positive, or a driver whose readout moves or does not fit.

    !!! example

        ```python
        import jax
        import jax.numpy as jnp
        import sdekit as sk
        forward = sk.fractional.FractionalVP(sk.noise.MarkovFractional(0.9, 2, grid=sk.noise.GammaMax(20.0)))
        x, z = forward.sample_at(0.5, jnp.ones(1), key=jax.random.key(0))
        forward.moments(1.0).variance  # 1 - e^-10.05, as of the ordinary diffusion
        ```

    Source: Nobis et al. (2024), variance-preserving dynamics; for Brownian motion Song et al. (2021), equation 11.
    """

    driver: AbstractDriver
    start: Law = law_field()
    beta_min: Float[Array, ""] = parameter(constraints.positive, trainable=False)
    beta_max: Float[Array, ""] = parameter(constraints.positive, trainable=False)
    horizon: Float[Array, ""] = parameter(constraints.positive, trainable=False)
    factor: Float[Array, " r"] = parameter(constraints.positive, trainable=False)

    def __init__(
        self,
        driver: AbstractDriver,
        start: Law | None = None,
        beta_min: RealScalar = 0.1,
        beta_max: RealScalar = 20.0,
        horizon: RealScalar = 1.0,
        normalise: bool = True,
    ):
        owner = "FractionalVP"
        self.driver = driver
        self.start, self.factor, self.beta_min, self.beta_max, self.horizon = parts(
            owner, driver, start, beta_min, beta_max, horizon
        )
        if normalise:
            self.factor = unit_factor(self)

    def log_decay(self, t):
        return -0.5 * t * (self.beta_min + 0.5 * (self.beta_max - self.beta_min) * t / self.horizon)

    def volatility(self, t):
        return jnp.sqrt(self.beta_min + (self.beta_max - self.beta_min) * t / self.horizon)


class FractionalVE(AbstractFractionalForward):
    r"""$dX = f g(t)\,dN$ with $g(t) = \sigma_0 \rho^{t/T} \sqrt{2 \log(\rho) / T}$: noise that swamps the data.

    Here $\rho = \sigma_1 / \sigma_0$. Under Brownian motion $X_t$ has the variance
    $\sigma_0^2 (\rho^{2 t/T} - 1)$ given $X_0$.

    **Arguments:**

    - `driver`, `start`, `horizon`, `normalise`: as of `FractionalVP`.
    - `sigma_min`, `sigma_max`: $\sigma_0 < \sigma_1$, in units of the data.

    **Raises:** `ValueError` for numbers that are not positive, `sigma_min >= sigma_max`, or a driver that does not fit.

    !!! example

        ```python
        import sdekit as sk
        forward = sk.fractional.FractionalVE(sk.noise.MarkovFractional(0.9, 2), sigma_max=10.0)
        forward.moments(1.0).variance  # 100
        ```

    Source: Nobis et al. (2024), variance-exploding dynamics; for Brownian motion Song et al. (2021), equation 9.
    """

    driver: AbstractDriver
    start: Law = law_field()
    sigma_min: Float[Array, ""] = parameter(constraints.positive, trainable=False)
    sigma_max: Float[Array, ""] = parameter(constraints.positive, trainable=False)
    horizon: Float[Array, ""] = parameter(constraints.positive, trainable=False)
    factor: Float[Array, " r"] = parameter(constraints.positive, trainable=False)

    def __init__(
        self,
        driver: AbstractDriver,
        start: Law | None = None,
        sigma_min: RealScalar = 0.01,
        sigma_max: RealScalar = 50.0,
        horizon: RealScalar = 1.0,
        normalise: bool = True,
    ):
        owner = "FractionalVE"
        self.driver = driver
        self.start, self.factor, self.sigma_min, self.sigma_max, self.horizon = parts(
            owner, driver, start, sigma_min, sigma_max, horizon
        )
        if is_concrete((self.sigma_min, self.sigma_max)):
            problem, remedy = f"must be above sigma_min = {sigma_min}", "swap the two"
            require(bool(self.sigma_min < self.sigma_max), f"{owner}.sigma_max", problem, sigma_max, remedy)
        if normalise:
            self.factor = unit_factor(self)

    def log_decay(self, t):
        return jnp.zeros_like(t)

    def volatility(self, t):
        log_ratio = jnp.log(self.sigma_max / self.sigma_min)
        return self.sigma_min * jnp.exp(log_ratio * t / self.horizon) * jnp.sqrt(2 * log_ratio / self.horizon)
