r"""Steps from one time of a path to the next, each with one evaluation of the field."""

import abc
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Float

from .._errors import require
from .._parameters import AbstractParametric
from .._types import Array, Key, State, as_float, is_concrete
from ._field import Field


__all__ = ["AbstractStep", "EulerStep", "ExponentialStep", "LangevinStep"]


class AbstractStep(AbstractParametric):
    """How to go from one time of a path to another.

    !!! example

        ```python
        import sdekit.interpolants as si
        issubclass(si.ExponentialStep, si.AbstractStep)
        ```
    """

    @abc.abstractmethod
    def init(self, field: Field, x: State) -> Any:
        """What is carried from step to step, before the first."""

    @abc.abstractmethod
    def step(self, field: Field, t0: Array, t1: Array, x: State, carry: Any, *, key: Key) -> tuple[State, Any]:
        """The state at `t1` and what is carried on, from the state `x` at `t0`."""

    @property
    @abc.abstractmethod
    def evaluations(self) -> int:
        """How often a step evaluates the field."""


class EulerStep(AbstractStep):
    r"""Euler-Maruyama: $x + h(b \pm \epsilon s) + \sqrt{2\epsilon|h|}\,z$.

    **Arguments:**

    - `epsilon`: $\epsilon$, a number or a function of the time of the path, such as `path.diffusivity`.

    !!! example

        ```python
        import sdekit.interpolants as si
        si.EulerStep(epsilon=1.0).evaluations  # 1
        ```
    """

    epsilon: Any = eqx.field(converter=lambda e: e if callable(e) else as_float(e), default=0.0)

    def init(self, field: Field, x: State) -> Any:
        return None

    def step(self, field, t0, t1, x, carry, *, key):
        if field.path.gamma is None:
            return x + (t1 - t0) * field.velocity(t0, x), None
        e = jnp.asarray(self.epsilon(t0) if callable(self.epsilon) else self.epsilon, x.dtype)
        b, s = field.velocity_and_score(t0, x)
        h = jnp.abs(t1 - t0)
        noise = jnp.sqrt(2 * e * h) * jax.random.normal(key, x.shape, x.dtype)
        return x + (t1 - t0) * b + h * e * s + noise, None

    @property
    def evaluations(self) -> int:
        return 1


class ExponentialStep(AbstractStep):
    r"""Semi-analytic: all is exact but $\hat x$, which is a polynomial in $\log(c/\gamma)$ over the step.

    With $h = \Delta\log(c/\gamma)$, $\tilde x = x - \kappa m$ and $q = \gamma_1\sqrt{1 - \eta^2(1 - e^{-2h})}$,

    $$\tilde x_1 = c_1 D + q\,(\tilde x_0 - c_0 D)/\gamma_0 + \gamma_1 \eta \sqrt{1 - e^{-2h}}\,z$$

    with $D = \hat x$ for order 1, and $D = \hat x + \tfrac{h}{2 h'}(\hat x - \hat x')$ with that of the step before for
    order 2. One evaluation a step. With $\eta = 0$ the flow (DDIM; DPM-Solver++ and MaRS for order 2), with
    $\eta = 1$ ancestral sampling. Good where data are concentrated and steps are even in the signal-to-noise ratio;
    on wide data order 1 loses to Euler.

    **Arguments:**

    - `order`: 1 or 2.
    - `eta`: $\eta$ in [0, 1], the noise.

    **Raises:** `ValueError` for another order, `eta` outside [0, 1], or a path with two ends.

    !!! example

        ```python
        import sdekit.interpolants as si
        si.ExponentialStep(order=1, eta=1.0)  # ancestral
        ```

    Source: Song, Meng and Ermon (2021), Denoising diffusion implicit models, equation (12); Lu et al. (2023),
    DPM-Solver++, algorithm 2; Li et al. (2025), MaRS, section 3.
    """

    order: int = eqx.field(static=True, default=2)
    eta: Float[Array, ""] | float = eqx.field(default=0.0)

    def __check_init__(self):
        require(self.order in (1, 2), "ExponentialStep.order", "must be 1 or 2", self.order, "pass 1 or 2")
        if is_concrete(self.eta):
            ok = 0 <= float(self.eta) <= 1
            require(ok, "ExponentialStep.eta", "must lie in [0, 1]", self.eta, "0 for the flow, 1 for ancestral steps")

    def init(self, field: Field, x: State) -> Any:
        path = field.path
        ok = path.one_sided and path.gamma is not None
        require(
            ok, "field.path", "must have an end that is noise", path, "use EulerStep, or solve a GenerativeDiffusion"
        )
        return (x, jnp.asarray(jnp.inf, x.dtype)) if self.order == 2 else None

    def step(self, field, t0, t1, x, carry, *, key):
        path: Any = field.path
        data, gamma, one = path.datum, path.gamma, jnp.ones((), x.dtype)
        c0, c1, g0, g1 = data(t0), data(t1), gamma(t0), gamma(t1)
        says = field.data(t0, x)
        # e^{-h}; 0 for a step from pure noise or to pure data.
        shrink = (c0 * g1) / (c1 * g0)
        if self.order == 2:
            before, h_before = carry
            h = -jnp.log(shrink)
            ratio = jnp.where(jnp.isfinite(h) & jnp.isfinite(h_before), h / (2 * h_before), 0 * one)
            hat, carry = says + ratio.astype(x.dtype) * (says - before), (says, h.astype(x.dtype))
        else:
            hat = says
        fresh = jnp.asarray(self.eta, x.dtype) * jnp.sqrt(1 - shrink**2)
        q = g1 * jnp.sqrt(1 - fresh**2)
        shift0, shift1 = (0.0, 0.0) if path.kappa is None else (path.kappa(t) * path.mean for t in (t0, t1))
        y = shift1 + c1 * hat + q * (x - shift0 - c0 * hat) / g0
        if isinstance(self.eta, float) and self.eta == 0.0:
            return y, carry
        return y + g1 * fresh * jax.random.normal(key, x.shape, x.dtype), carry

    @property
    def evaluations(self) -> int:
        return 1


class LangevinStep(AbstractStep):
    r"""A step, and then Langevin moves at the new time: a predictor with its corrector.

    $x \mathrel{+}= e\,s + \sqrt{2e}\,z$ with $e = 2\,(r\gamma)^2$: in one move the pull of the score is about $r$ times
    the noise. Nothing is moved at a time without noise.

    Song et al. have $e = 2\,(r\,\overline{|z|}/\overline{|s|})^2$ with means over a batch. In few dimensions the norms
    of one state must not take their place: where its score nearly vanishes, as at each centre of the data, such a step
    is as large as you like, and one that depends on the state does not leave the law alone. The ratio of root mean
    squares is at least $\gamma$, as $s = -E[z \mid x]/\gamma$, and near it where noise dominates: the size here.

    **Arguments:**

    - `predictor`: any other step.
    - `corrections`: how many moves.
    - `snr`: $r$, the ratio of the score's pull to the noise: 0.05 to 0.2.

    **Raises:** `ValueError` for no correction, or an `snr` that is not positive.

    !!! example

        ```python
        import sdekit.interpolants as si
        si.LangevinStep(si.ExponentialStep(order=1, eta=1.0)).evaluations  # 2
        ```

    Source: Song et al. (2021), algorithms 4 and 5.
    """

    predictor: AbstractStep
    corrections: int = eqx.field(static=True, default=1)
    snr: float = eqx.field(static=True, default=0.16)

    def __check_init__(self):
        ok = self.corrections >= 1
        require(ok, "LangevinStep.corrections", "must be at least 1", self.corrections, "or use the predictor alone")
        require(self.snr > 0, "LangevinStep.snr", "must be positive", self.snr, "pass e.g. 0.16")

    def init(self, field: Field, x: State) -> Any:
        return self.predictor.init(field, x)

    def step(self, field, t0, t1, x, carry, *, key):
        first, rest = jax.random.split(key)
        x, carry = self.predictor.step(field, t0, t1, x, carry, key=first)
        gamma: Any = field.path.gamma
        require(gamma is not None, "field.path", "has no noise to correct by", field.path, "use the predictor alone")
        noisy, e = gamma(t1) > 0, jnp.asarray(2 * self.snr**2 * gamma.square(t1), x.dtype)

        def move(x, k):
            z = jax.random.normal(k, x.shape, x.dtype)
            return jnp.where(noisy, x + e * field.score(t1, x) + jnp.sqrt(2 * e) * z, x), None

        x, _ = jax.lax.scan(move, x, jax.random.split(rest, self.corrections))
        return x, carry

    @property
    def evaluations(self) -> int:
        return self.predictor.evaluations + self.corrections
