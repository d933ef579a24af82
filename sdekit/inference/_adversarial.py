"""Training against a critic: a process and what tells its paths from the data, in one loss."""

from collections.abc import Callable, Hashable
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import optax
from jaxtyping import Float

from .._errors import fault, require
from .._process import AbstractProcess
from .._types import Array, Key, PyTree
from ..data import AbstractRecord, Series
from ._drawn import draw_states, require_least, series_of_one_grid
from ._objective import AbstractObjective


__all__ = ["AdversarialMatching", "Adversaries", "adversarial", "lipschitz_clip"]


class Adversaries(eqx.Module):
    """A process and its critic: the model that `fit` moves when it trains a process by `AdversarialMatching`.

    After a fit the process is `fit.model.generator`.

    **Arguments:**

    - `generator`: the process, e.g. a neural SDE.
    - `critic`: from one `Series` to one number, of shape `()` or `(1,)`; e.g. a `neural.NeuralCDE` with one output.

    !!! example

        ```python
        import jax
        from sdekit.inference import Adversaries
        from sdekit.neural import Linear, NeuralCDE, neural_sde
        first, second = jax.random.split(jax.random.key(0))
        critic = NeuralCDE.build(Linear(), dim=1, state=8, width=8, depth=1, outputs=1, key=first)
        Adversaries(neural_sde(1, width=8, depth=1, key=second), critic)
        ```

    Source: Kidger, Foster, Li and Lyons (2021), Neural SDEs as infinite-dimensional GANs, section 3.
    """

    generator: AbstractProcess
    critic: Callable[[Series], Any]

    def __check_init__(self):
        ok = isinstance(self.generator, AbstractProcess) or not isinstance(self.generator, eqx.Module)
        kind = type(self.generator).__name__
        require(ok, "Adversaries.generator", "must be a process", kind, "pass what `sample` can draw")


class AdversarialMatching(AbstractObjective):
    r"""How far a critic can tell the paths of a process from the data: a Wasserstein GAN in one loss.

    $$\min_\theta \max_\phi\; E\, F_\phi(X^\theta) - E\, F_\phi(Y)$$

    for the critic $F_\phi$ and the process $X^\theta$ of an `Adversaries`. The value is that difference; its gradient
    by the parameters of the critic has its sign reversed, so that one descent plays for both. Over critics with slopes
    of at most one it is the Wasserstein distance: keep them so by `lipschitz_clip`, as `adversarial` does. As many
    paths are drawn as there are series in the batch, and path $i$ is seen where series $i$ is.

    With `damping` $\lambda$ the critic is held back by $\frac\lambda4 (E\,F_\phi(X^\theta)^2 + E\,F_\phi(Y)^2)$, which
    moves it alone. The best one is then the bounded $F = (p - q) / \lambda m$ with $m = (p + q) / 2$, where $p$ and $q$
    are the densities of the paths of the process and the data. As what it climbs is strongly concave in $F$, the two
    come to rest instead of going round each other, and slopes need no bound.

    **Arguments:**

    - `steps`: for diffusions, how many steps of the solver in each gap; `None` for the model's own draws.
    - `damping`: $\lambda$, not negative.

    **Raises:** `ValueError` for fewer than one step, a negative damping, or a critic that does not return one number;
    `TypeError` when called on a model that is no `Adversaries`, whose generator draws no `SampledPath`, or on a record
    that is not a `Series`.

    !!! example

        ```python
        import jax
        import jax.numpy as jnp
        import optax
        import sdekit as sk
        from sdekit.inference import AdversarialMatching, Adversaries, adversarial
        from sdekit.neural import Linear, NeuralCDE

        data = sk.data.load("ou", n=32, ts=jnp.linspace(0.0, 2.0, 9), key=jax.random.key(0))
        critic = NeuralCDE.build(Linear(), dim=1, state=4, width=8, depth=1, outputs=1, key=jax.random.key(1))
        model = Adversaries(sk.processes.OrnsteinUhlenbeck(rate=0.3), critic)
        optimiser = adversarial(optax.adadelta(1.0), optax.adadelta(1.0))
        fit = sk.fit(model, AdversarialMatching(), data, key=jax.random.key(2), steps=2, optimiser=optimiser,
                     progress=False)
        fit.model.generator.rate
        ```

    Source: Kidger, Foster, Li and Lyons (2021), Neural SDEs as infinite-dimensional GANs, equation 4; Arjovsky,
    Chintala and Bottou (2017), Wasserstein generative adversarial networks; Mao, Li, Xie, Lau, Wang and Smolley
    (2017), Least squares generative adversarial networks, whose critic the damped one is.
    """

    steps: int | None = eqx.field(static=True, default=None)
    damping: float = eqx.field(static=True, default=0.0)

    def __check_init__(self):
        require_least("AdversarialMatching", steps=(self.steps, 1))
        name = "AdversarialMatching.damping"
        require(self.damping >= 0, name, "must not be negative", self.damping, "pass 0 for none, or 1.0")

    def __call__(
        self, model: PyTree, batch: AbstractRecord, *, key: Key
    ) -> tuple[Float[Array, ""], dict[str, Float[Array, ""]]]:
        """The difference that the critic sees.

        **Arguments:**

        - `model`: an `Adversaries`.
        - `batch`: a `Series`, one or stacked, all at the same times.
        - `key`: a JAX key.

        **Returns:** the difference, damped; and the difference as the metric `gap`.
        """
        if not isinstance(model, Adversaries):
            remedy = "pass Adversaries(generator, critic)"
            raise TypeError(fault("model", "must be an Adversaries", type(model).__name__, remedy))
        batch, ts = series_of_one_grid(batch)
        xs = draw_states(model.generator, ts, key=key, n=len(batch), steps=self.steps)
        critic = _ascending(model.critic)
        drawn = Series(batch.ts, xs.astype(batch.ys.dtype), batch.mask)
        judged = jax.vmap(lambda series: _number(critic(series)))
        ours, theirs = judged(drawn), judged(batch)
        gap = jnp.mean(ours - theirs)
        if not self.damping:
            return gap, {"gap": gap}
        ours = judged(jax.lax.stop_gradient(drawn))  # the same numbers: the compiler shares all but the gradient
        return gap - self.damping / 4 * jnp.mean(ours**2 + theirs**2), {"gap": gap}


def _ascending(tree: PyTree) -> PyTree:
    """The same values with the sign of their gradient reversed, so that a step down for a loss is one up for them."""
    reverse = lambda x: 2 * jax.lax.stop_gradient(x) - x if eqx.is_inexact_array(x) else x
    return jax.tree.map(reverse, tree)


def _number(value: Any) -> Float[Array, ""]:
    ok = jnp.size(value) == 1
    require(ok, "Adversaries.critic", "must return one number", value, "build it with one output")
    return jnp.reshape(value, ())


def lipschitz_clip(slope: float = 1.0) -> optax.GradientTransformation:
    r"""Clip matrices of $m$ columns to $[-s/m, s/m]$ after each step: then $|Ax|_\infty \le s\,|x|_\infty$.

    A network of such layers with activations of slope at most one (`nets.lipswish`) has slopes of at most $s$ to the
    number of its layers. With a slope of one, inputs of order one and wide layers, activations hardly bend and the
    network is nearly linear. Leaves that are no matrices are free. Put it last in an `optax.chain`.

    **Arguments:**

    - `slope`: the bound $s$ on the slope of a layer, positive.

    **Returns:** a transformation of `optax`.

    **Raises:** `ValueError` for a slope that is not positive.

    !!! example

        ```python
        import optax
        from sdekit.inference import lipschitz_clip
        optax.chain(optax.adadelta(1.0), lipschitz_clip())
        ```

    Source: Kidger, Foster, Li and Lyons (2021), Efficient and accurate gradients for neural SDEs, section 5.
    """

    require(slope > 0, "slope", "must be positive", slope, "pass 1.0")

    def update(updates, state, params=None):
        require(params is not None, "params", "must be given", None, "pass the parameters to `update`")
        return jax.tree.map(lambda move, x: _clipped(move, x, slope), updates, params), state

    return optax.GradientTransformation(optax.init_empty_state, update)


def _clipped(move: Array, x: Array, slope: float) -> Array:
    if jnp.ndim(x) != 2:
        return move
    bound = slope / x.shape[1]
    return jnp.clip(x + move, -bound, bound) - x


def adversarial(
    generator: optax.GradientTransformation, critic: optax.GradientTransformation, slope: float | None = 1.0
) -> optax.GradientTransformation:
    """An optimiser of its own for each part of an `Adversaries`; the matrices of the critic may be clipped.

    **Arguments:**

    - `generator`: moves the process, e.g. `optax.adadelta(1.0)`.
    - `critic`: moves the critic; `lipschitz_clip` comes after it.
    - `slope`: of `lipschitz_clip`; `None` for none, with `AdversarialMatching(damping=...)`.

    **Returns:** a transformation of `optax`, the `optimiser` of a fit.

    !!! example

        ```python
        import optax
        from sdekit.inference import adversarial
        adversarial(optax.adam(1e-3), optax.adam(4e-3))
        ```

    Source: Heusel, Ramsauer, Unterthiner, Nessler and Hochreiter (2017), GANs trained by a two time-scale update rule.
    """
    parts: dict[Hashable, optax.GradientTransformation] = {
        "generator": generator,
        "critic": critic if slope is None else optax.chain(critic, lipschitz_clip(slope)),
    }
    return optax.partition(parts, _labels)


def _labels(params: PyTree) -> PyTree:
    label = lambda name, part: jax.tree.map(lambda _: name, part)
    where = lambda m: (m.generator, m.critic)
    return eqx.tree_at(where, params, (label("generator", params.generator), label("critic", params.critic)))
