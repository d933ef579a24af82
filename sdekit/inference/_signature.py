"""Signature kernels of paths, and training by the scores that they make."""

import abc

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Float

from .._errors import check_traced, require
from .._types import Array, Key, PyTree
from ..data import AbstractRecord, Series
from ..math import goursat
from ._drawn import draw_states, require_least, series_of_one_grid
from ._objective import AbstractObjective


__all__ = ["AbstractLift", "GaussianLift", "LinearLift", "SignatureMatching", "signature_kernel"]


class AbstractLift(eqx.Module):
    r"""A kernel $\kappa(a, b)$ of two points: paths are lifted to its features before their signatures are compared.

    !!! example

        ```python
        import jax.numpy as jnp
        import sdekit as sk

        class Laplace(sk.inference.AbstractLift):  # a new one: one method
            def __call__(self, a, b):
                return jnp.exp(-jnp.sum(jnp.abs(a - b), axis=-1))

        x = jnp.array([[0.0], [1.0]])
        sk.inference.signature_kernel(x, x, lift=Laplace())
        ```
    """

    @abc.abstractmethod
    def __call__(self, a: Float[Array, "*n d"], b: Float[Array, "*n d"]) -> Float[Array, "*n"]:
        """The kernel over the last axis."""


class LinearLift(AbstractLift):
    """The inner product: signatures of the paths themselves. It does not see where a path begins.

    !!! example

        ```python
        import jax.numpy as jnp
        import sdekit as sk
        sk.inference.LinearLift()(jnp.ones(2), jnp.array([1.0, 2.0]))  # 3
        ```

    Source: Kiraly and Oberhauser (2019), Kernels for sequentially ordered data.
    """

    def __call__(self, a: Float[Array, "*n d"], b: Float[Array, "*n d"]) -> Float[Array, "*n"]:
        return jnp.sum(a * b, axis=-1)


class GaussianLift(AbstractLift):
    r"""$e^{-|a - b|^2 / (2 l^2)}$: paths in the features of a Gaussian kernel, which are bounded.

    **Arguments:**

    - `length`: the length $l$, in the unit of the data, positive.

    **Raises:** `ValueError` for a length that is not positive.

    !!! example

        ```python
        import jax.numpy as jnp
        import sdekit as sk
        sk.inference.GaussianLift(0.5)(jnp.zeros(2), jnp.ones(2))
        ```

    Source: Toth and Oberhauser (2020), Bayesian learning from sequential data using Gaussian processes with signature
    covariances.
    """

    length: float = eqx.field(static=True, default=1.0)

    def __check_init__(self):
        require(self.length > 0, "GaussianLift.length", "must be positive", self.length, "pass e.g. 1.0")

    def __call__(self, a: Float[Array, "*n d"], b: Float[Array, "*n d"]) -> Float[Array, "*n"]:
        return jnp.exp(-0.5 * jnp.sum((a - b) ** 2, axis=-1) / self.length**2)


def signature_kernel(
    x: Float[Array, "m d"], y: Float[Array, "n d"], *, lift: AbstractLift, refine: int = 1
) -> Float[Array, ""]:
    r"""The inner product of the signatures of two paths, lifted, straight between their points; all levels of them.

    Solves $\partial_s \partial_t k = \langle \dot x_s, \dot y_t \rangle k$ by finite differences. Exact as `refine`
    grows, with an error in proportion to its inverse square. Signatures do not know the speed at which a path is run
    through: put the time among the components where it matters.

    **Arguments:**

    - `x`, `y`: the points of two paths, shapes `(m, d)` and `(n, d)`, at least two each.
    - `lift`: the kernel of points, e.g. `LinearLift()`.
    - `refine`: into how many parts each straight piece is cut.

    **Returns:** a scalar.

    **Raises:** `ValueError` for a path of one point, or a `refine` below 1.

    !!! example

        ```python
        import jax.numpy as jnp
        from sdekit.inference import LinearLift, signature_kernel
        line = jnp.array([[0.0], [1.0]])
        signature_kernel(line, line, lift=LinearLift(), refine=64)  # the Bessel function I_0(2), 2.2796
        ```

    Source: Salvi, Cass, Foster, Lyons and Yang (2021), The signature kernel is the solution of a Goursat PDE, equation
    1 and section 4.1.
    """
    least = min(x.shape[0], y.shape[0])
    require(least >= 2, "x, y", "must have two points each", (x, y), "pass paths with at least one piece")
    shape = (x.shape[0], y.shape[0], x.shape[1])
    points = lift(jnp.broadcast_to(x[:, None], shape), jnp.broadcast_to(y[None], shape))
    return goursat(jnp.diff(jnp.diff(points, axis=0), axis=1), refine)


class SignatureMatching(AbstractObjective):
    r"""How far the law of whole paths is from that of the data, by the score of a signature kernel.

    $$\tfrac12 E\,k(X, X') - E\,k(X, y)$$

    for independent paths $X, X'$ of the model, without bias: no path is paired with itself. In the mean over the data
    it is half the squared maximum mean discrepancy of the two laws, less $\frac12 E\,k(Y, Y')$, which the model does
    not change; so this is training by that discrepancy too. At each step it looks at `times` rows of the series, drawn
    anew. Paths have the time as a component, scaled to $[0, 1]$. Costs
    $O(\text{paths} (\text{paths} + \text{series})\,\text{times}^2)$. Standardise the series, or choose `scale` and the
    length of the lift, so that points of a path are a few lengths apart at most: a kernel of long paths is huge with
    `LinearLift`, and blind with a lift much shorter than they are.

    **Arguments:**

    - `paths`: paths drawn a step, at least 2.
    - `times`: how many rows to look at, the first and the last among them; all if `None`.
    - `lift`: the kernel of points; the time is the last component.
    - `refine`: into how many parts each piece of a path is cut.
    - `scale`: values are divided by it.
    - `steps`: for diffusions, how many steps of the solver in each gap; `None` for the model's own draws.

    **Raises:** `ValueError` for fewer than two paths or times, more times than rows, a scale that is not positive;
    `RuntimeError` for series with missing values, or at different times; `TypeError` when called on a model that draws
    no `SampledPath`, or on a record that is not a `Series`.

    !!! example

        ```python
        import jax
        import jax.numpy as jnp
        import sdekit as sk
        from sdekit.inference import SignatureMatching

        data = sk.data.load("ou", n=8, ts=jnp.linspace(0.0, 2.0, 5), key=jax.random.key(0))
        model = sk.processes.OrnsteinUhlenbeck(rate=0.3)
        sk.fit(model, SignatureMatching(paths=8), data, key=jax.random.key(1), steps=2, progress=False).history["score"]
        ```

    Source: Issa, Horvath, Lemercier and Salvi (2023), Non-adversarial training of neural SDEs with signature kernel
    scores, equation 6; Salvi, Cass, Foster, Lyons and Yang (2021).
    """

    paths: int = eqx.field(static=True, default=64)
    times: int | None = eqx.field(static=True, default=None)
    lift: AbstractLift = eqx.field(default_factory=GaussianLift)
    refine: int = eqx.field(static=True, default=1)
    scale: float = eqx.field(static=True, default=1.0)
    steps: int | None = eqx.field(static=True, default=None)

    def __check_init__(self):
        require_least(
            "SignatureMatching", paths=(self.paths, 2), times=(self.times, 2), refine=(self.refine, 1),
            steps=(self.steps, 1),
        )  # fmt: skip
        require(self.scale > 0, "SignatureMatching.scale", "must be positive", self.scale, "pass e.g. 1.0")

    def __call__(
        self, model: PyTree, batch: AbstractRecord, *, key: Key
    ) -> tuple[Float[Array, ""], dict[str, Float[Array, ""]]]:
        """The score of a batch.

        **Arguments:**

        - `model`: a process.
        - `batch`: a `Series`, one or stacked, all at the same times and without missing values.
        - `key`: a JAX key.

        **Returns:** the score, lower is better; and itself as the metric `score`.
        """
        batch, ts = series_of_one_grid(batch)
        ys = _whole(batch)
        drawing, choosing = jax.random.split(key)
        xs = draw_states(model, ts, key=drawing, n=self.paths, steps=self.steps)
        rows = self._rows(ts.shape[0], choosing)
        clock = ((ts - ts[0]) / (ts[-1] - ts[0]))[rows, None]
        timed = jax.vmap(lambda x: jnp.concatenate([x[rows] / self.scale, clock.astype(x.dtype)], axis=1))
        score = self._score(timed(xs), timed(ys.astype(xs.dtype)))
        return score, {"score": score}

    def _rows(self, total: int, key: Key) -> Array:
        if self.times is None or self.times == total:
            return jnp.arange(total)
        require(self.times <= total, "SignatureMatching.times", f"is more than the {total} rows of a series",
                self.times, "pass a smaller number")  # fmt: skip
        inner = 1 + jnp.sort(jax.random.choice(key, total - 2, (self.times - 2,), replace=False))
        return jnp.concatenate([jnp.zeros(1, inner.dtype), inner, jnp.full(1, total - 1, inner.dtype)])

    def _score(self, xs: Float[Array, "n t d"], ys: Float[Array, "m t d"]) -> Float[Array, ""]:
        n = xs.shape[0]
        kernel = lambda x, y: signature_kernel(x, y, lift=self.lift, refine=self.refine)
        # One path at a time, and nothing kept for the gradient but the points: memory in proportion to a row of pairs.
        rows = lambda others: lambda x: jax.vmap(lambda y: kernel(x, y))(others)
        across = jax.lax.map(jax.checkpoint(rows(ys)), xs)
        turned = lambda i: jnp.roll(xs, -i, axis=0)
        # Pairs of different paths, each once for every distance around the circle of paths.
        half = n // 2
        pairs = jax.checkpoint(lambda i: jnp.mean(jax.vmap(kernel)(xs, turned(i))))
        within = jax.lax.map(pairs, jnp.arange(1, half + 1))
        # At the distance n / 2 each pair comes twice: weight a distance by its number of pairs.
        weight = jnp.where((jnp.arange(1, half + 1) * 2 == n), 0.5, 1.0).astype(within.dtype)
        return 0.5 * jnp.sum(weight * within) / jnp.sum(weight) - jnp.mean(across)


def _whole(batch: Series) -> Float[Array, "n t d"]:
    missing = jnp.logical_not(batch.mask.all())
    remedy = "interpolate them, or use FiniteDimensionalMatching, which leaves them out"
    return check_traced(batch.ys, missing, "batch.ys", "must have no missing values", remedy)
