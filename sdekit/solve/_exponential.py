"""Steps of lifted diffusions: the modes exactly, the state by any solver along the increments that they make."""

from typing import Any

import diffrax
import equinox as eqx
import jax.numpy as jnp

from .._errors import require
from .._lifted import AbstractLifted, readouts
from .._process import Additive, Diagonal, Ito, Scalar
from ..math import mode_decay
from ..noise import AbstractModeNoise, Grid, ModeNoise
from ._choose import levy_needed, solver_name
from ._loop import Plan, march, with_meter
from ._tasks import AbstractTask, HeldPath, Outcome, both_modes
from ._terms import sense_of, terms


__all__ = ["ExponentialIntegrator", "LiftedTask", "inner_solver"]


class ExponentialIntegrator(eqx.Module):
    r"""Steps a lifted diffusion with the exact joint transition of its modes, whatever their rates.

    Over a step $h$ the control is held at its value $u$ where the step starts:
    $Z_j \leftarrow e^{-\gamma_j h} Z_j + \frac{1 - e^{-\gamma_j h}}{\gamma_j} u + \int e^{-\gamma_j (t_1 - s)} dB_s$.
    The increment of the noise that these make drives the state by `solver`. The laws of the noise at the times of the
    grid are exact, so that the step resolves the state and the control alone, not $1/\gamma$; and the path weights are
    those of the discrete chain, so that a bound on its evidence is one at any step.

    Ito integrals of noise that depends on the state are corrected by the variance that the noise has over a step, which
    tends to $\bar c^2 h$. With ever more modes that has no limit for $H < 1/2$: such a model is meant in the sense of
    Stratonovich.

    **Arguments:**

    - `solver`: a Diffrax solver that needs no Levy area; `None` for `Heun` (`StratonovichMilstein` on diagonal noise).
    - `trapezoid`: evaluate the control at both ends of a step, the second where the first leads, and take the mean of
        the two, and of what they cost. The posterior is then that of continuous time to second order, for twice the
        evaluations; the path weights are no longer those of a chain, and a bound may be exceeded by the error of the
        step. For steps that are short against the modes that matter, and not for importance weights.

    !!! example

        ```python
        import diffrax, jax, jax.numpy as jnp
        import sdekit as sk
        from sdekit.solve import ExponentialIntegrator, solve
        lifted = sk.processes.Lifted(sk.processes.OrnsteinUhlenbeck(rate=1.0), sk.noise.BrownianDriver())
        ts = jnp.linspace(0.0, 1.0, 11)
        solve(lifted, ts, key=jax.random.key(0), dt=0.01, solver=ExponentialIntegrator(diffrax.Euler()))
        ```
    """

    solver: diffrax.AbstractSolver | None = None
    trapezoid: bool = eqx.field(static=True, default=False)


def inner_solver(process: AbstractLifted) -> diffrax.AbstractSolver:
    """The default solver for the state of a lifted diffusion."""
    if issubclass(process.base.structure, Diagonal | Scalar) and not issubclass(process.base.structure, Additive):
        return diffrax.StratonovichMilstein()
    return diffrax.Heun()


class LiftedTask(AbstractTask):
    """Steps on a grid, by number, of a lifted diffusion."""

    process: AbstractLifted
    solver: diffrax.AbstractSolver
    grid: Grid
    plan: Plan
    noise: AbstractModeNoise | None
    adjoint: diffrax.AbstractAdjoint | None
    meter: diffrax.AbstractProgressMeter | None
    trapezoid: bool = eqx.field(static=True)

    def __call__(self, key, x0):
        state, rest = self.start(key, x0, self.grid.knots)
        noise = self.noise
        if noise is None:
            rates, m = self.process.driver.rates, self.process.components
            noise = ModeNoise(self.grid, rates, m, key=rest, dtype=state.dtype)

        def once(i, carry):
            state, inner = carry
            held = noise.convolutions(i)
            (t0, t1), h = noise.grid.interval(i), noise.grid.width(i)
            u = first = self._control(t0, state)
            cost = 0.5 * h * (u @ u)
            if self.trapezoid:
                ahead, _ = self._step(noise, i, state, inner, u, held)
                last = self._control(t1, ahead)
                u, cost = (first + last) / 2, (cost + 0.5 * h * (last @ last)) / 2
            state, inner = self._step(noise, i, state, inner, u, held)
            weighed = self.process.weighed
            if weighed:
                cost = jnp.stack([cost, first @ held[:, 0]])[:weighed].astype(state.dtype)
                state = state.at[-weighed:].add(cost)
            return state, inner

        first = self.plan.first
        x = self.process.parts(state).x
        inner = both_modes(self.solver).init(self._terms(noise, first, jnp.zeros(self.process.components, x.dtype)),
                                 *noise.grid.interval(first), x, None)  # fmt: skip
        step, carry = once, (state, inner)
        if self.meter is not None:
            bare = lambda i, carry: once(i, carry)
            step, carry = with_meter(bare, self.meter, self.plan), (*carry, self.meter.init())
        carry, xs = march(step, carry, self.plan, self.adjoint)
        if self.meter is not None:
            self.meter.close(carry[-1])
        return Outcome(xs)

    def _control(self, t, state):
        x, z, _ = self.process.parts(state)
        return self.process.control(t, x, z)

    def _step(self, noise: AbstractModeNoise, i: Any, state: Any, inner: Any, u: Any, held: Any):
        driver = self.process.driver
        x, z, weights = self.process.parts(state)
        t0, t1 = noise.grid.interval(i)
        h = noise.grid.width(i).astype(x.dtype)
        loss, gain = mode_decay(driver.rates.astype(x.dtype), h)
        moved = loss[None] * z[:, : driver.modes] + gain[None] * u[:, None] + held[:, 1:]
        moved = jnp.concatenate([moved, jnp.zeros_like(z[:, driver.modes :])], axis=1)
        c = readouts(driver, t1, z.shape[0])
        step = jnp.sum(c * moved, axis=1) + driver.direct * (u * h + held[:, 0])
        if not driver.steady or driver.still:
            step += jnp.sum((c - readouts(driver, t0, z.shape[0])) * z, axis=1)
        step = step.astype(x.dtype)
        x, _, _, inner, _ = both_modes(self.solver).step(self._terms(noise, i, step), t0, t1, x, None, inner, False)
        return jnp.concatenate([x, (z + moved).ravel(), weights]).astype(state.dtype), inner

    def _terms(self, noise: AbstractModeNoise, i: Any, step: Any):
        """The base along the increment of its noise, corrected as the variance of the noise over the step asks."""
        base, driver = self.process.base, self.process.driver
        mixing = None
        if not issubclass(base.structure, Additive) and sense_of(self.solver) is not base.interpretation:
            c = readouts(driver, noise.grid.interval(i)[1], self.process.components)[:, : driver.modes]
            c = jnp.concatenate([jnp.full((c.shape[0], 1), driver.direct, c.dtype), c], axis=1)
            spread = jnp.sum((c @ noise.spread(i).astype(c.dtype)) ** 2, axis=1) / noise.grid.width(i)
            mixing = jnp.diag(jnp.sqrt(spread))
        return terms(base, self.solver, HeldPath(step), mixing, noise.grid.width(i), corrected=mixing is not None)


def require_inner(process: AbstractLifted, solver: Any) -> None:
    """Check the solver of the state."""
    remedy = "use diffrax.Euler(), Heun() or StratonovichMilstein()"
    require(isinstance(solver, diffrax.AbstractSolver), "solver", "must be a Diffrax solver", solver, remedy)
    name = solver_name(solver)
    fits = levy_needed(solver) is diffrax.BrownianIncrement and not isinstance(solver, diffrax.HalfSolver)
    require(fits, "solver", "asks for more than the increments of the noise, which is not Brownian", name, remedy)
    sense = sense_of(solver)
    require(sense is not None or issubclass(process.base.structure, Additive),
            "solver", "converges neither to the Ito nor to the Stratonovich solution", name, remedy)  # fmt: skip
    fits = sense is not Ito or issubclass(process.base.structure, Additive) or process.base.interpretation is Ito
    require(fits, "solver", "takes Ito's sense, and the base that of Stratonovich", name, remedy)
