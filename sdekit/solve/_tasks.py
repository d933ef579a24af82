"""What one path takes: a task knows how to solve for one key, and a batch is a map over keys."""

import abc
from typing import Any

import diffrax
import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array

from .._process import AbstractDiffusion, Additive, Diagonal, Scalar
from .._types import Key, RealScalar, State
from ..noise import AbstractBrownian, AbstractNoise, Brownian, Grid
from ._choose import levy_needed
from ._events import AbstractEvent, passage
from ._loop import Plan, march, with_meter
from ._reversible import Reversible, march_reversibly, undo
from ._terms import noise_dim, terms


__all__ = ["AbstractTask", "AdaptiveTask", "FixedTask", "GapwiseTask", "Outcome", "both_modes"]


class Outcome(eqx.Module):
    """What a task brings back for one path."""

    xs: Array
    time: Array | None = None
    hit: Array | None = None
    rejected: Array | None = None
    reached: Array | None = None
    """The time reached, where the steps were adapted."""
    result: Any = None


class AbstractTask(eqx.Module):
    """Everything about a solve but the key and the initial state."""

    process: eqx.AbstractVar[AbstractDiffusion]
    solver: eqx.AbstractVar[diffrax.AbstractSolver]

    @abc.abstractmethod
    def __call__(self, key: Key | None, x0: State | None) -> Outcome:
        """One path."""

    def start(self, key: Key | None, x0: State | None, times: Array) -> tuple[State, Any]:
        """The initial state, in the dtype that the whole solve has, and the key of the noise."""
        first, rest = (None, None) if key is None else jax.random.split(key)
        if x0 is None:  # laws draw in the widest dtype that is enabled
            known = [v for v in jax.tree.leaves((self.process, times)) if eqx.is_inexact_array(v)]
            x0 = jnp.asarray(self.process.initial.sample(first), jnp.result_type(times, *known))
        x = jnp.asarray(x0)
        # By a function of its own: a bound method is cached by comparing modules, which fails on traced parameters.
        drift = jax.eval_shape(lambda t, x: self.process.drift(t, x), times[0], x)
        return x.astype(jnp.result_type(x, times, drift)), rest


class Held(diffrax.AbstractBrownianPath):
    """The noise of the step in hand, already drawn. Diffrax asks for it by times; it is known by number."""

    levy_area: type = eqx.field(static=True)
    value: Any

    @property
    def t0(self):
        return -jnp.inf

    @property
    def t1(self):
        return jnp.inf

    def evaluate(self, t0, t1=None, left=True, use_levy=False):
        return self.value if use_levy else self.value.W


class HeldPath(diffrax.AbstractPath):
    """As `Held`, for a noise that is not Brownian."""

    value: Array

    @property
    def t0(self):
        return -jnp.inf

    @property
    def t1(self):
        return jnp.inf

    def evaluate(self, t0, t1=None, left=True):
        return self.value


def _mixing(noise: Any) -> Array | None:
    return noise.mixing if isinstance(noise, AbstractBrownian) else None


def both_modes(solver: diffrax.AbstractSolver) -> diffrax.AbstractSolver:
    """The solver with stages that can be differentiated in both modes."""
    if not isinstance(solver, diffrax.AbstractRungeKutta | diffrax.AbstractSRK) or solver.scan_kind is not None:
        return solver
    kind = "lax" if isinstance(solver, diffrax.AbstractSRK) else "bounded"
    return eqx.tree_at(lambda s: s.scan_kind, solver, kind, is_leaf=lambda x: x is None)


class FixedTask(AbstractTask):
    """Steps on a grid, by number."""

    process: AbstractDiffusion
    solver: diffrax.AbstractSolver
    grid: Grid
    plan: Plan
    noise: AbstractNoise | None
    adjoint: diffrax.AbstractAdjoint | None
    event: AbstractEvent | None
    meter: diffrax.AbstractProgressMeter | None

    def __call__(self, key, x0):
        if isinstance(self.adjoint, Reversible):
            one = lambda v: None if v is None else v[None]
            return Outcome(self.together(one(key), one(x0), 1)[0])
        x, rest = self.start(key, x0, self.grid.knots)
        noise = self.driver(rest, x)
        solver = both_modes(self.solver)

        def once(i, x, state):
            t0, t1 = noise.grid.interval(i)
            y, _, _, state, result = solver.step(self._terms(noise, i), t0, t1, x, None, state, False)
            if result is not diffrax.RESULTS.successful:
                y = jnp.where(result == diffrax.RESULTS.successful, y, jnp.nan)
            return y, state

        first = self.plan.first
        state = solver.init(self._terms(noise, first), *noise.grid.interval(first), x, None)
        step, carry = (lambda i, carry: once(i, *carry)), (x, state)
        if self.event is not None:
            step = _stopping(step, self.event, self.process, noise, rest)
            carry = (x, state, jnp.array(False), noise.grid.interval(first)[0])
        if self.meter is not None:
            step, carry = with_meter(step, self.meter, self.plan), (*carry, self.meter.init())
        carry, xs = march(step, carry, self.plan, self.adjoint)
        if self.meter is not None:
            self.meter.close(carry[-1])
        return Outcome(xs) if self.event is None else Outcome(xs, time=carry[3], hit=carry[2])

    def together(self, keys: Key | None, x0: Array | None, n: int) -> Array:
        """All paths in one loop, with a `Reversible` adjoint. Keys and initial states have a leading axis `n`."""
        assert isinstance(self.adjoint, Reversible)
        solver = both_modes(self.solver)
        axes = (None if keys is None else 0, None if x0 is None else 0)
        x, rest = jax.vmap(lambda k, x: self.start(k, x, self.grid.knots), axes, axis_size=n)(keys, x0)

        def init(key, x):
            noise = self.driver(key, x)
            first = self.plan.first
            return solver.init(self._terms(noise, first), *noise.grid.interval(first), x, None)

        def step(i, key, carry):
            noise = self.driver(key, carry[0])
            y, _, _, state, _ = solver.step(
                self._terms(noise, i), *noise.grid.interval(i), carry[0], None, carry[1], False
            )
            return y, state

        def back(i, key, carry):
            noise = self.driver(key, carry[0])
            return undo(solver, self._terms(noise, i), self._terms(noise, i, -1), noise.grid.interval(i), carry)

        state = jax.vmap(init)(rest, x)
        over = lambda f: lambda i, keys, carry: jax.vmap(lambda k, c: f(i, k, c))(keys, carry)
        xs = march_reversibly(over(step), over(back), (x, state), rest, self.plan, self.adjoint.rtol)
        return jnp.swapaxes(xs, 0, 1)

    def driver(self, key: Any, x: State) -> AbstractNoise:
        """The noise: what was given, or a Brownian motion of the kind that the solver needs."""
        if self.noise is not None:
            return self.noise
        m = noise_dim(self.process, self.grid.t0, x)
        return Brownian(grid=self.grid, dim=m, key=key, levy_area=levy_needed(self.solver), dtype=x.dtype)

    def _terms(self, noise, step, sign=1):
        """The terms of a step, or with the sign -1 those of the step backwards, for increments alone."""
        if isinstance(noise, AbstractBrownian):
            known = noise.levy(step)
            held = Held(noise.levy_area, known if sign == 1 else jax.tree.map(jnp.negative, known))
        else:
            held = HeldPath(sign * noise.increment(step))
        return terms(self.process, self.solver, held, _mixing(noise), sign * noise.grid.width(step))


def _stopping(step, event: AbstractEvent, process: AbstractDiffusion, noise: AbstractNoise, key: Any):
    """A step that holds the state from an event on, and carries whether it happened and when."""

    def stopping(i, carry):
        x, state, hit, time = carry
        y, state = step(i, (x, state))
        t0, t1 = noise.grid.interval(i)
        now, when, at = passage(event, process, key, i, (t0, x), (t1, y), _mixing(noise))
        y = jnp.where(hit, x, jnp.where(now, at, y))
        return y, state, hit | now, jnp.where(hit, time, jnp.where(now, when, t1))

    return stopping


class GridSteps(diffrax.AbstractStepSizeController):
    """Steps on given times, forwards or backwards. (`diffrax.StepTo` cannot turn round under a `BacksolveAdjoint`.)"""

    ts: Array

    def wrap(self, direction):
        return GridSteps(jnp.where(direction > 0, self.ts, -self.ts[::-1]))

    def init(self, terms, t0, t1, y0, dt0, args, func, error_order):
        return self.ts[1], 2

    def adapt_step_size(self, t0, t1, y0, y1_candidate, args, y_error, error_order, controller_state):
        return True, t1, self.ts[controller_state], False, controller_state + 1, diffrax.RESULTS.successful


class GapwiseTask(AbstractTask):
    """Steps on a grid through `diffeqsolve`, gap by gap: for adjoints that solve an equation of their own."""

    process: AbstractDiffusion
    solver: diffrax.AbstractSolver
    grid: Grid
    plan: Plan
    noise: AbstractBrownian | None
    adjoint: diffrax.AbstractAdjoint

    def __call__(self, key, x0):
        x, rest = self.start(key, x0, self.grid.knots)
        noise = self.noise
        if noise is None:
            noise = Brownian(grid=self.grid, dim=noise_dim(self.process, self.grid.t0, x), key=rest, dtype=x.dtype)
        system = terms(self.process, self.solver, noise, _mixing(noise))

        def gap(x, row):
            first = self.plan.first + row * self.plan.per_row
            starts, ends = jax.vmap(noise.grid.interval)(first + jnp.arange(self.plan.per_row))
            ts = jnp.concatenate([starts[:1], ends])
            sol = diffrax.diffeqsolve(
                system, self.solver, ts[0], ts[-1], None, x, saveat=diffrax.SaveAt(t1=True),
                stepsize_controller=GridSteps(ts), adjoint=self.adjoint, max_steps=self.plan.per_row, throw=False,
            )  # fmt: skip
            assert sol.ys is not None
            return sol.ys[-1], sol.ys[-1]

        _, xs = jax.lax.scan(gap, x, jnp.arange(self.plan.rows))
        return Outcome(jnp.concatenate([x[None], xs]))


class AdaptiveTask(AbstractTask):
    """Steps chosen as the solve goes, on a virtual Brownian tree."""

    process: AbstractDiffusion
    solver: diffrax.AbstractSolver
    ts: Array
    dt: RealScalar | None
    noise: diffrax.AbstractBrownianPath | None
    controller: diffrax.AbstractAdaptiveStepSizeController
    adjoint: diffrax.AbstractAdjoint | None
    meter: diffrax.AbstractProgressMeter | None
    max_steps: int = eqx.field(static=True)

    def __call__(self, key, x0):
        ts = self.ts
        x, rest = self.start(key, x0, ts)
        noise = self.noise
        if noise is None:
            shape = jax.ShapeDtypeStruct((noise_dim(self.process, ts[0], x),), x.dtype)
            tol = (ts[-1] - ts[0]) * max(2.0**-20, 256 * float(jnp.finfo(ts.dtype).eps))
            noise = diffrax.VirtualBrownianTree(ts[0], ts[-1], tol, shape, rest, levy_needed(self.solver))
        sol = diffrax.diffeqsolve(
            terms(self.process, self.solver, noise, _mixing(noise)),
            self.solver, ts[0], ts[-1], (ts[-1] - ts[0]) / 1000 if self.dt is None else self.dt, x,
            saveat=diffrax.SaveAt(subs=[diffrax.SubSaveAt(ts=ts), diffrax.SubSaveAt(t1=True)]),
            stepsize_controller=self._controller(),
            adjoint=diffrax.RecursiveCheckpointAdjoint() if self.adjoint is None else self.adjoint,
            progress_meter=diffrax.NoProgressMeter() if self.meter is None else self.meter,
            max_steps=self.max_steps, throw=False,
        )  # fmt: skip
        assert sol.ys is not None and sol.ts is not None
        xs, _ = sol.ys
        return Outcome(xs, rejected=sol.stats["num_rejected_steps"], reached=sol.ts[1][-1], result=sol.result)

    def _controller(self):
        """The controller, made to step on every time that is saved (interpolation would lose the noise in between)."""
        commuting = issubclass(self.process.structure, Additive | Diagonal | Scalar) and _mixing(self.noise) is None
        kept = None
        if not commuting and getattr(self.controller, "store_rejected_steps", None) is None:
            kept = 100  # non-commuting noise: rejected times must be revisited, or the accepted ones are biased
        return diffrax.ClipStepSizeController(self.controller, step_ts=self.ts, store_rejected_steps=kept)
