r"""Noise turned into data: the reverse of a fractional diffusion, by steps of its equation or of its exact posterior.

Time runs from 0, where the forward process has its horizon $T$, to $T$, where it has the data.
"""

from collections.abc import Callable
from typing import Any, ClassVar

import jax
import jax.numpy as jnp
import lineax as lx
from jaxtyping import Float

from .._parameters import parameter
from .._process import (
    AbstractDiffusion,
    AbstractInterpretation,
    AbstractNoiseStructure,
    AbstractProcess,
    Additive,
    Ito,
)
from .._types import Array, Key, Law, RealScalar, State, Times, as_float
from ..paths import Provenance, SampledPath
from ..processes import Parts
from ..solve import solve
from ._augmented import AugmentedLaw, AugmentedMoments, moments_of, step_kernels
from ._forward import AbstractFractionalForward


__all__ = ["Ancestral", "Reversed"]

_EXACT = jax.lax.Precision.HIGHEST
Score = Callable[[RealScalar, State], State]


class Reversed(AbstractDiffusion):
    r"""The reverse of a fractional diffusion, given the score of the data: a diffusion of the state and the modes.

    At the time $\tau$, and $t = T - \tau$ of the forward process with drift $F$ and diffusion $G$,

    $$dS = \left[-F(t, S) + \tfrac{1 + \lambda^2}{2} G G^\top \nabla \log p_t(S)\right] d\tau + \lambda\,G\,dB.$$

    All $\lambda$ have the same law at each time; with 0 it is the flow without noise. The modes grow under $-F$ at
    their rates, and the score holds them back: a solver needs steps short against the fastest mode, and the times end
    before $T$, where the score has no value. `Ancestral` has neither limit.

    **Arguments:**

    - `forward`: what turned the data into noise.
    - `score`: called as `score(t, r)` with the time of the forward process and `r = forward.residual(t, x, z)`, shape
        `(d,)`: the score of $r$, which is the data times $m(t)$ with independent noise of deviation $\rho(t)$.
    - `stochasticity`: $\lambda \ge 0$.

    !!! example

        ```python
        import jax
        import jax.numpy as jnp
        import sdekit as sk
        driver = sk.noise.MarkovFractional(0.9, 2, grid=sk.noise.GammaMax(20.0))
        forward = sk.fractional.FractionalVP(driver)

        def score(t, r):  # of data that are N(0.5, 0.2^2)
            m = forward.moments(t)
            return (0.5 * m.mean - r) / (0.04 * m.mean**2 + m.rest**2)

        path = sk.fractional.Reversed(forward, score).sample(jnp.array([0.0, 0.99]), key=jax.random.key(0))
        path.xs[-1, 0]  # near 0.5
        ```

    Source: Nobis et al. (2024), the reverse-time model; Anderson (1982).
    """

    forward: AbstractFractionalForward
    score: Score
    stochasticity: Float[Array, ""] = parameter(trainable=False, converter=as_float, default=1.0)
    interpretation: ClassVar[type[AbstractInterpretation]] = Ito
    structure: ClassVar[type[AbstractNoiseStructure]] = Additive

    @property
    def dim(self) -> int:
        return self.forward.dim

    @property
    def initial(self) -> Law:
        return terminal_law(self.forward)

    def parts(self, state: Float[Array, " s"]) -> Parts:
        """The state taken apart, into the states of the data and the modes."""
        return self.forward.parts(state)

    def drift(self, t: RealScalar, x: State) -> State:
        forward, weight = self.forward, (1 + self.stochasticity.astype(x.dtype) ** 2) / 2
        t = forward.horizon.astype(x.dtype) - t
        state, z, _ = forward.parts(x)
        m = forward.moments(t)
        own = self.score(t, state - jnp.sum(m.regression * z, axis=1))
        of_modes = m.score_modes(z) - m.regression * own[:, None]
        g = forward.diffusion(t, x)
        pull = g.mv(g.transpose().mv(jnp.concatenate([own, of_modes.ravel()])))
        return weight * pull - forward.drift(t, x)

    def diffusion(self, t: RealScalar, x: State) -> lx.AbstractLinearOperator:
        g = self.forward.diffusion(self.forward.horizon.astype(x.dtype) - t, x)
        return lx.MatrixLinearOperator(self.stochasticity.astype(x.dtype) * g.as_matrix())

    def draw(self, ts: Times, *, key: Key) -> SampledPath:
        path = solve(self, ts, key=key)
        assert isinstance(path, SampledPath)  # there is no event to stop it
        return path


class Ancestral(AbstractProcess):
    r"""The reverse of a fractional diffusion by exact Gaussian steps, each given the data that the score expects.

    From the time $t$ to $s < t$ of the forward process, $(X_s, Z_s)$ is drawn from its law given $(X_t, Z_t)$ and
    $\hat X_0 = (r + \rho_t^2 \,\mathrm{score}(t, r)) / m_t$ in place of the data. Linear and Gaussian whatever the
    rates of the modes, so that the steps resolve the score alone. One step in each gap of the times asked for.

    **Arguments:**

    - `forward`, `score`: as of `Reversed`.

    Paths hold states and modes, `(d + d j,)`, at times from 0 (noise, $t = T$) up to $T$ (data).

    !!! example

        ```python
        import jax
        import jax.numpy as jnp
        import sdekit as sk
        forward = sk.fractional.FractionalVP(sk.noise.MarkovFractional(0.3, 5))

        def score(t, r):  # of data that are N(0.5, 0.2^2)
            m = forward.moments(t)
            return (0.5 * m.mean - r) / (0.04 * m.mean**2 + m.rest**2)

        sampler = sk.fractional.Ancestral(forward, score)
        path = sampler.sample(jnp.linspace(0.0, 1.0, 51), key=jax.random.key(0), n=100)
        path.xs[:, -1, 0].mean()  # near 0.5
        ```

    Source: the step of Ho, Jain and Abbeel (2020) for the augmented process of Nobis et al. (2024).
    """

    forward: AbstractFractionalForward
    score: Score

    @property
    def dim(self) -> int:
        return self.forward.dim

    @property
    def initial(self) -> Law:
        """The law of noise."""
        return terminal_law(self.forward)

    def draw(self, ts: Times, *, key: Key) -> SampledPath:
        forward = self.forward
        start, rest = jax.random.split(key)
        s0 = jnp.asarray(self.initial.sample(start))
        times = jnp.maximum(forward.horizon - as_float(ts).astype(forward.factor.dtype), 0)
        moments = jax.lax.map(forward.moments, times)
        now, before = (jax.tree.map(lambda v, rows=rows: v[rows], moments) for rows in (slice(-1), slice(1, None)))
        back = jax.lax.map(lambda row: self._back(*row), (times[:-1], times[1:], now, before))

        def step(state, inputs):
            t, now, before, (late, gain, left), k = inputs
            x, z, _ = forward.parts(state)
            r = x - jnp.sum(now.regression * z, axis=1)
            x0 = (r + now.rest**2 * self.score(t, r)) / now.mean
            seen = jnp.concatenate([z, (x - now.mean * x0)[:, None]], axis=1)
            white = jnp.einsum("iab,ib->ia", late, seen, precision=_EXACT)
            xi = jax.random.normal(k, white.shape, white.dtype)
            found = jnp.einsum("iab,ib->ia", gain, white) + jnp.einsum("iab,ib->ia", left, xi)
            state = jnp.concatenate([found[:, -1] + before.mean * x0, found[:, :-1].ravel()])
            return state, state

        keys = jax.random.split(rest, ts.shape[0] - 1)
        _, states = jax.lax.scan(step, s0, (times[:-1], now, before, back, keys))
        return SampledPath(ts, jnp.concatenate([s0[None], states]), Provenance("ancestral"))

    def _back(self, t, s, now: AugmentedMoments, before: AugmentedMoments):
        """For each component: what whitens modes and state at `t`, and makes those at `s < t` of that and noise."""
        forward, d, k = self.forward, self.forward.start.event_shape[0], self.forward.driver.size + 1
        kernels = step_kernels(forward.log_decay, forward.volatility, forward.driver, forward.factor, s, t)
        mean = now.mean / before.mean
        added = moments_of(kernels, mean, jnp.zeros((k - 1, 0), mean.dtype))

        def root(m, loading, rest):  # of (z, x), lower triangular
            return jnp.concatenate([jnp.pad(m.root, ((0, 0), (0, 1))), jnp.append(loading, rest)[None]])

        def rows(loading0, rest0, loading1, rest1, row):
            low, noise = root(before, loading0, rest0), root(added, loading1, rest1)
            across = jnp.diag(jnp.append(kernels.decay, mean)).at[-1, :-1].set(row)
            # Later and earlier states as one Gaussian vector: its triangular root conditions without an inverse.
            top = jnp.concatenate([jnp.matmul(across, low, precision=_EXACT), noise], axis=1)
            both = jnp.concatenate([top, jnp.concatenate([low, jnp.zeros_like(low)], axis=1)])
            upper: Any = jnp.linalg.qr(both.T, mode="r")
            return upper.T

        both = jax.vmap(rows)(before.loading, before.rest, added.loading, added.rest, kernels.row)
        both = jnp.broadcast_to(both, (d, 2 * k, 2 * k))
        eye = jnp.broadcast_to(jnp.eye(k, dtype=both.dtype), (d, k, k))
        late = jax.scipy.linalg.solve_triangular(both[:, :k, :k], eye, lower=True)
        return late, both[:, k:, :k], both[:, k:, k:]


def terminal_law(forward: AbstractFractionalForward) -> AugmentedLaw:
    """The law of states and modes at the horizon, given states of 0 at time 0."""
    zero = jnp.zeros(forward.start.event_shape[0], forward.factor.dtype)
    return AugmentedLaw(forward.moments(forward.horizon), zero)
