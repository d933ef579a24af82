r"""One regression for all kinds of field."""

from collections.abc import Callable
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Float

from .._draws import draws
from .._errors import fault, require
from .._parameters import law_field
from .._types import Array, Key, Law, PyTree, RealScalar
from ..data import AbstractRecord, Labelled, Series, Snapshots
from ..inference import AbstractObjective
from ..transport import AbstractCoupling, Independent
from ._field import Field
from ._kinds import Score, Velocity
from ._path import AffinePath, add
from ._times import AbstractTimes, StratifiedTimes
from ._windows import HiddenWindow


__all__ = ["InterpolantMatching"]

Ends = tuple[Array | None, Array | None, Any]


class InterpolantMatching(AbstractObjective):
    r"""The losses of interpolants, $\int_0^1 w(t)\,E[\tfrac12 |f|^2 - f \cdot y]\,dt$ for each part of a field.

    Targets $y$: $\dot x_t$ for a `Velocity`, $\partial_t I$ for a `Drift`, $-z/\gamma$ for a `Score`, $z$ for `Noise`,
    the datum for `Data`. Losses may be negative: at the minimum they are $-\tfrac12 E|f|^2$. With `antithetic` each
    pair is seen with $z$ and with $-z$, which keeps the variance finite where $\dot\gamma$ or $1/\gamma$ is not.

    The model is a `Field`. The batch is

    - `Snapshots` at two times: the laws at both ends of a two-sided path;
    - `Snapshots` at one time: the data of a one-sided path, or those at the end 1 if there is a `base`;
    - `Series`, an item a datum, its values in one row: as data;
    - `Labelled` series: data with a condition, the third argument of the field's functions.

    **Arguments:**

    - `coupling`: how ends are paired.
    - `times`: at which times to look.
    - `antithetic`: whether to use both signs of $z$; `None` where a target is singular.
    - `weight`: $w(t)$; 1 if not given.
    - `base`: the law of $x_0$, where the batch has data alone.
    - `unconditional`: the probability of hiding a condition (a class becomes -1, numbers NaN), for guidance.
    - `hide`: a window of each series to hide, what is left being the condition: for `Series` without labels.

    **Raises:** `ValueError` for a batch that does not suit the path, `TypeError` for a model that is no `Field`.

    !!! example

        ```python
        import jax
        import jax.numpy as jnp
        import sdekit as sk
        from sdekit.interpolants import Field, InterpolantMatching, Velocity, one_sided_linear
        data = sk.data.Snapshots(jnp.zeros(1), 2 + jax.random.normal(jax.random.key(0), (1, 500, 2)))
        net = sk.nets.MLPField(dim=2, width=16, depth=2, time=True, key=jax.random.key(1))
        field = Field(one_sided_linear(), Velocity(net))
        sk.fit(field, InterpolantMatching(), data, key=jax.random.key(2), steps=20, batch_size=64, progress=False)
        ```

    Source: Albergo, Boffi and Vanden-Eijnden (2023), equations (2.13), (2.16), (2.19), (2.22); antithetic pairs in
    appendix B.
    """

    coupling: AbstractCoupling = eqx.field(default_factory=Independent)
    times: AbstractTimes = eqx.field(default_factory=StratifiedTimes)
    antithetic: bool | None = eqx.field(static=True, default=None)
    weight: Callable[[RealScalar], Array] | None = None
    base: Law | None = law_field(default=None)
    unconditional: float = eqx.field(static=True, default=0.0)
    hide: HiddenWindow | None = None

    def __check_init__(self):
        ok = 0 <= self.unconditional <= 1
        remedy = "pass a probability, e.g. 0.1"
        require(ok, "InterpolantMatching.unconditional", "must lie in [0, 1]", self.unconditional, remedy)

    def __call__(
        self, model: PyTree, batch: AbstractRecord, *, key: Key
    ) -> tuple[Float[Array, ""], dict[str, Float[Array, ""]]]:
        if not isinstance(model, Field):
            remedy = "wrap networks in Field(path, Velocity(net))"
            raise TypeError(fault("model", "must be a Field", type(model).__name__, remedy))
        t, weights, losses, _ = self._looks(model, batch, key)
        weights = weights * self._weights(t)
        named = {type(p).__name__.lower(): jnp.mean(weights * v) for p, v in zip(model.parts, losses, strict=True)}
        return jnp.asarray(sum(named.values())), named

    def residuals(
        self, model: Field, batch: AbstractRecord, *, key: Key
    ) -> tuple[Float[Array, " n"], Float[Array, " n"]]:
        r"""Times of looks, and $|w(t)\,(f - y)|^2$ at each, the sum over the parts: what `LearnedTimes.updated` takes.

        Of an antithetic pair it is the error of the pair's mean.

        **Arguments:** as of the loss.

        **Returns:** two arrays of shape `(n,)`, one entry a datum.
        """
        t, _, _, squares = self._looks(model, batch, key)
        return t, self._weights(t) ** 2 * squares

    def _weights(self, t: Array) -> Array:
        return jnp.ones_like(t) if self.weight is None else jax.vmap(self.weight)(t)

    def _looks(self, model: Field, batch: AbstractRecord, key: Key) -> tuple[Array, Array, list[Array], Array]:
        """Times, what makes up for their law, losses of the parts and squared residuals, one a datum each."""
        path, keys = model.path, jax.random.split(key, 5)
        x0, x1, condition = self._ends(path, batch, keys)
        like = x0 if x1 is None else x1
        assert like is not None
        n, dtype = like.shape[0], like.dtype
        t, weights = self.times.draw(path, n, dtype, key=keys[1])
        z = None if path.gamma is None else jax.random.normal(keys[2], like.shape, dtype)
        if condition is not None:
            condition = self._hidden(condition, keys[3])
        signs = (1.0, -1.0) if self._both_signs(model) else (1.0,)
        losses, squares = jax.vmap(lambda *item: item_losses(model, signs, *item))(t, x0, x1, z, condition)
        return t, weights, losses, squares

    def _both_signs(self, field: Field) -> bool:
        if field.path.gamma is None:
            return False
        rough = field.path.gamma.rough
        singular = any(isinstance(p, Score) or (isinstance(p, Velocity) and rough) for p in field.parts)
        return singular if self.antithetic is None else self.antithetic

    def _ends(self, path: AffinePath, batch: AbstractRecord, keys) -> Ends:
        sides, condition = self._points(batch, keys[4])
        if path.one_sided:
            remedy = "pass the data alone, Snapshots(jnp.zeros(1), data[None])"
            require(len(sides) == 1, "batch", "must have one time, as the path has one end", len(sides), remedy)
            return (sides[0], None, condition) if path.beta is None else (None, sides[0], condition)
        if len(sides) == 1:
            remedy = "pass Snapshots at two times, or a law of the other end as base="
            require(self.base is not None, "batch", "must have two times, as the path has two ends", 1, remedy)
            assert self.base is not None
            shape, d = self.base.event_shape, sides[0].shape[1]
            require(shape == (d,), "base", f"must have event shape ({d},)", shape, "give a law of the states")
            x0 = draws(self.base, sides[0].shape[0], keys[0]).astype(sides[0].dtype)
            sides = [x0, sides[0]]
            if isinstance(self.coupling, Independent):
                return x0, sides[1], condition
        if condition is not None:
            remedy = "use Independent(), or leave the labels out"
            require(False, "coupling", "moves points without their labels", type(self.coupling).__name__, remedy)
        x0, x1 = self.coupling.pair(sides[0], sides[1], key=keys[0])
        return x0, x1, condition

    def _points(self, batch, key) -> tuple[list[Array], Any]:
        if isinstance(batch, Snapshots):
            require(self.hide is None, "hide", "hides times of series", type(batch).__name__, "pass Series")
            require(
                batch.xs.shape[0] <= 2, "batch", "must have one or two times", batch.ts, "pick with batch.at([0, 1])"
            )
            # Weights and gaps are drawn away: from here on all points count alike.
            return list((batch if batch.even else batch.draw(len(batch), key=key)).xs), None
        condition, series = None, batch
        if isinstance(batch, Labelled):
            series, condition = batch.series, batch.labels
        if not isinstance(series, Series):
            remedy = "pass Snapshots, Series, or Labelled series"
            raise ValueError(fault("batch", "must hold points", type(batch).__name__, remedy))
        ys = series.ys
        if self.hide is not None:
            remedy = "leave out hide=, or the labels"
            require(condition is None, "hide", "makes a condition of its own", type(batch).__name__, remedy)
            hidden = self.hide.draw(*ys.shape[:2], key=key)
            condition = jax.vmap(self.hide.condition)(ys, hidden)
        return [ys.reshape(ys.shape[0], -1)], condition

    def _hidden(self, condition: Array, key: Key) -> Array:
        if self.unconditional == 0:
            return condition
        hide = jax.random.bernoulli(key, self.unconditional, condition.shape[:1])
        nothing = jnp.nan if jnp.issubdtype(condition.dtype, jnp.floating) else -1
        return jnp.where(hide.reshape(-1, *(1,) * (condition.ndim - 1)), nothing, condition)


def item_losses(field: Field, signs, t, x0, x1, z, condition) -> tuple[list[Array], Array]:
    """The loss of each part for one pair at one time, the mean over the signs of the noise; the squared residual."""
    path = field.path
    c = path.coefficients(t)
    middle = add((c.alpha, x0), (c.beta, x1), (c.kappa, path.mean))
    totals = [jnp.zeros((), middle.dtype)] * len(field.parts)
    errors = [jnp.zeros_like(middle)] * len(field.parts)
    for sign in signs:
        noise = None if z is None else sign * z
        x = middle if noise is None else middle + c.gamma * noise
        for i, part in enumerate(field.parts):
            said = part.function(t, x) if condition is None else part.function(t, x, condition)
            target = part.target(path, c, x0, x1, noise)
            totals[i] = totals[i] + jnp.sum(said * (said / 2 - target)) / len(signs)
            errors[i] = errors[i] + (said - target) / len(signs)
    return totals, jnp.asarray(sum(jnp.sum(e**2) for e in errors))
