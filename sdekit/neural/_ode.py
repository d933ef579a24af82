"""Deterministic flows with a law of the start."""

from collections.abc import Callable

import diffrax
import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from .._errors import check_traced, fault, require
from .._parameters import law_field
from .._process import AbstractConditioned, AbstractProcess
from .._types import Key, Law, RealScalar, State, Times
from ..data import AbstractRecord, Series
from ..inference import AbstractObjective
from ..paths import Provenance, SampledPath


__all__ = ["FlowError", "NeuralODE"]


class NeuralODE(AbstractConditioned):
    r"""The flow $\dot x = f(t, x)$ from a random start: all that is random is where a path begins.

    **Arguments:**

    - `field`: $f$, called as `field(t, x)` with shapes `()` and `(d,)`; a network, a formula, or a `HybridDrift`.
    - `initial`: the law of the state at the first time, event shape `(d,)`.
    - `solver`: a Diffrax solver of ordinary differential equations.
    - `steps`: how many equal steps in each gap between times. `None` for steps that adapt, each path by its own.
    - `rtol`, `atol`: the tolerances of steps that adapt.
    - `max_steps`: the most of these.

    **Raises:** `ValueError` for an initial law of another shape, a field that returns another shape, or no steps.

    !!! example

        ```python
        import jax
        import jax.numpy as jnp
        import numpyro.distributions as dist
        from sdekit.nets import MLPField
        from sdekit.neural import NeuralODE
        start = dist.Normal(jnp.zeros(2), jnp.ones(2)).to_event(1)
        model = NeuralODE(MLPField(dim=2, width=16, depth=2, key=jax.random.key(0)), start, steps=4)
        model.sample(jnp.linspace(0.0, 1.0, 11), key=jax.random.key(1), n=3).xs.shape  # (3, 11, 2)
        model.flow(jnp.ones(2), jnp.array([0.0, 0.5, 2.0]))  # from a given state
        ```

    Source: Chen, Rubanova, Bettencourt and Duvenaud (2018), Neural ordinary differential equations.
    """

    field: Callable[[RealScalar, State], State]
    initial: Law = law_field()
    solver: diffrax.AbstractSolver = eqx.field(default_factory=diffrax.Tsit5)
    steps: int | None = eqx.field(static=True, default=None)
    rtol: float = eqx.field(static=True, default=1e-4)
    atol: float = eqx.field(static=True, default=1e-6)
    max_steps: int = eqx.field(static=True, default=4096)

    def __check_init__(self):
        shape = getattr(self.initial, "event_shape", None)
        ok = shape is not None and len(shape) == 1 and self.initial.batch_shape == ()
        remedy = "make the components independent by `.to_event(1)`, or pass `Delta(x, event_dim=1)`"
        require(ok, "NeuralODE.initial", "must be a law of states, event shape (d,) and no batch", shape, remedy)
        x = jax.ShapeDtypeStruct((self.dim,), jnp.result_type(float))
        found = eqx.filter_eval_shape(self.field, jax.ShapeDtypeStruct((), x.dtype), x).shape
        require(found == (self.dim,), "NeuralODE.field", f"must return shape ({self.dim},)", found, "match `initial`")
        ok = self.steps is None or self.steps >= 1
        require(ok, "NeuralODE.steps", "must be a positive number of steps in each gap", self.steps, "pass 1 or more")

    @property
    def dim(self) -> int:
        return self.initial.event_shape[0]

    def flow(self, x0: State, ts: Times) -> Float[Array, "t d"]:
        """The states that a start leads to.

        **Arguments:**

        - `x0`: the state at `ts[0]`, shape `(d,)`.
        - `ts`: times that do not decrease, shape `(t,)`.

        **Returns:** shape `(t, d)`.

        **Raises:** `RuntimeError` if adapted steps run out.
        """
        x0 = x0.astype(jnp.result_type(x0, jax.eval_shape(lambda x: self.field(ts[0], x), x0)))
        if ts.shape[0] == 1:
            return x0[None]
        term = diffrax.ODETerm(lambda t, x, _: self.field(jnp.asarray(t), x))
        if self.steps is not None:
            return _stepped(term, self.solver, self.steps, x0, ts)
        found = diffrax.diffeqsolve(
            term, self.solver, ts[0], ts[-1], None, x0, saveat=diffrax.SaveAt(ts=ts), max_steps=self.max_steps,
            stepsize_controller=diffrax.PIDController(self.rtol, self.atol),
        )  # fmt: skip
        assert found.ys is not None
        return found.ys

    def draw(self, ts: Times, *, key: Key) -> SampledPath:
        return SampledPath(ts, self.flow(jnp.asarray(self.initial.sample(key), ts.dtype), ts), self._made())

    def _made(self) -> Provenance:
        return Provenance(type(self.solver).__name__)

    def condition(self, series: Series) -> AbstractProcess:
        """The flow that goes on from the last row of one series that is observed whole: a single path.

        **Arguments:**

        - `series`: one series.

        **Returns:** a process to draw from at later times.

        **Raises:** `ValueError` (`RuntimeError` under `jit`) for a series without such a row.
        """
        whole = _require_whole(series)
        last = jnp.max(jnp.where(whole, jnp.arange(series.length), 0))
        return _Onward(self, series.ts[last], series.ys[last])  # pyright: ignore[reportCallIssue]


class _Onward(AbstractProcess):
    """A flow from a known state on."""

    model: NeuralODE
    t0: Float[Array, ""]
    x0: State

    @property
    def dim(self) -> int:
        return self.model.dim

    def draw(self, ts: Times, *, key: Key) -> SampledPath:
        times = jnp.concatenate([self.t0[None].astype(ts.dtype), ts])
        return SampledPath(ts, self.model.flow(self.x0, times)[1:], self.model._made())


def _stepped(term, solver, steps, x0, ts):
    """Equal steps in each gap, in one scan; a gap of length 0 changes nothing."""
    state = solver.init(term, ts[0], ts[1], x0, None)

    def gap(carry, ends):
        t0, t1 = ends
        at = lambda k: t0 + (t1 - t0) * k / steps

        def step(carry, k):
            x, state = carry
            x, _, _, state, _ = solver.step(term, at(k), at(k + 1), x, None, state, False)
            return (x, state), None

        carry, _ = jax.lax.scan(step, carry, jnp.arange(steps, dtype=ts.dtype))
        return carry, carry[0]

    _, xs = jax.lax.scan(gap, (x0, state), (ts[:-1], ts[1:]))
    return jnp.concatenate([x0[None], xs])


def _require_whole(series: Series) -> Array:
    require(series.is_item, "series", "must be one series", series.ts, "index the record, e.g. series[0]")
    whole = series.mask.all(-1)
    remedy = "drop the series, or take a latent model"
    return check_traced(whole, ~whole.any(), "series.mask", "must have a row that is observed whole", remedy)


class FlowError(AbstractObjective):
    """The mean squared distance of observations from the flow that starts at the first row that is observed whole.

    Long paths of a system that oscillates are hard to learn at once: cut series into short ones.

    **Raises:** `TypeError` for a model that is no `NeuralODE`, or a record that is no `Series`.

    !!! example

        ```python
        import jax
        import jax.numpy as jnp
        import numpyro.distributions as dist
        import sdekit as sk
        from sdekit.nets import MLPField
        from sdekit.neural import FlowError, NeuralODE
        ts = jnp.linspace(0.0, 1.0, 5)
        data = sk.data.Series(ts, jnp.exp(-ts))
        start = dist.Delta(jnp.ones(1), event_dim=1)
        model = NeuralODE(MLPField(dim=1, width=8, depth=1, key=jax.random.key(0)), start, steps=2)
        FlowError()(model, data, key=jax.random.key(1))  # or sk.fit(model, FlowError(), data, ...)
        ```

    Source: Chen, Rubanova, Bettencourt and Duvenaud (2018), Neural ordinary differential equations.
    """

    def __call__(
        self, model: NeuralODE, batch: AbstractRecord, *, key: Key
    ) -> tuple[Float[Array, ""], dict[str, Float[Array, ""]]]:
        """The loss of a batch.

        **Arguments:**

        - `model`: a `NeuralODE`.
        - `batch`: a `Series`, one or stacked.
        - `key`: unused: the loss is not random.

        **Returns:** the loss, a mean over series of means over their later observations; and `rmse`, its root.
        """
        if not isinstance(model, NeuralODE):
            raise TypeError(fault("model", "must be a NeuralODE", type(model).__name__, "build one around your field"))
        if not isinstance(batch, Series):
            raise TypeError(fault("batch", "must be a Series", type(batch).__name__, "pass time series"))

        def one(series):
            whole, rows = _require_whole(series), jnp.arange(series.length)
            first = jnp.argmax(whole)
            last = jnp.max(jnp.where(series.mask.any(-1), rows, 0))
            # Rows before the start and after the last observation, padding among them, take no time.
            ts = jnp.clip(series.ts, series.ts[first], series.ts[last])
            counts = series.mask & (rows > first)[:, None]
            gaps = jnp.where(counts, model.flow(series.ys[first], ts) - jnp.where(counts, series.ys, 0), 0)
            return (gaps**2).sum() / jnp.maximum(counts.sum(), 1)

        loss = jax.vmap(one)(batch.stack()).mean()
        return loss, {"rmse": jnp.sqrt(loss)}
