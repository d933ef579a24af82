"""Learning the score of a fractional diffusion: a network of the size of the data, whatever the number of modes."""

from collections.abc import Callable

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Float

from .._errors import fault, require
from .._types import Array, Key, PyTree, RealScalar, State, is_concrete
from ..data import AbstractRecord, Snapshots
from ..inference import AbstractObjective
from ._forward import AbstractFractionalForward


__all__ = ["AugmentedScoreMatching", "NoiseScore"]


class NoiseScore(eqx.Module):
    r"""The score of the residual by a network that says which noise is in it: $-\epsilon_\theta / \rho(t)$.

    The residual $r = X - \alpha \cdot Z$ is $m(t) X_0 + \rho(t) \epsilon$. The network sees it divided by
    $\sqrt{m^2 s^2 + \rho^2}$, of size 1 at all times.

    **Arguments:**

    - `forward`: what turns the data into noise; held fixed by `fit`.
    - `net`: called as `net(t, r)`, a number and shape `(d,)`; returns the noise, shape `(d,)`.
    - `spread`: $s$, the deviation of the data.

    !!! example

        ```python
        import jax.numpy as jnp
        import sdekit as sk
        forward = sk.fractional.FractionalVP(sk.noise.MarkovFractional(0.9, 2))
        score = sk.fractional.NoiseScore(forward, lambda t, r: r)  # right for data that are standard normal
        score(0.5, jnp.ones(1))
        ```
    """

    forward: AbstractFractionalForward = eqx.field(metadata={"trainable": False})
    net: Callable[[RealScalar, State], State]
    spread: float = eqx.field(static=True, default=1.0)

    def noise(self, t: RealScalar, r: State, mean: Float[Array, ""], rest: Float[Array, " r"]) -> State:
        r"""What the network says of the residual `r`, where $m$ and $\rho$ are known."""
        return self.net(t, r / jnp.sqrt(mean**2 * self.spread**2 + rest**2))

    def __call__(self, t: RealScalar, r: State) -> State:
        m = self.forward.moments(t)
        return -self.noise(t, r, m.mean, m.rest) / m.rest


class AugmentedScoreMatching(AbstractObjective):
    r"""Match the score of the state and the modes: $E |\epsilon_\theta(t, m X_0 + \rho\,\epsilon) - \epsilon|^2$.

    The score of the modes is known, and the residual does not depend on them: neither modes nor paths are drawn, and
    the loss is that of ordinary denoising along $(m(t), \rho(t))$. Each particle is seen at one of `levels` times,
    evenly spaced between `first` and the horizon, whose moments are computed once.

    **Arguments:**

    - `forward`: what turns the data into noise.
    - `levels`: how many times.
    - `first`: the first of them, above 0.

    The model is a `NoiseScore`; the batch a `Snapshots` with the data at its first time.

    **Raises:** `ValueError` for `first` not in `(0, horizon)`, a model or a batch of another kind.

    !!! example

        ```python
        import jax
        import jax.numpy as jnp
        import sdekit as sk
        forward = sk.fractional.FractionalVP(sk.noise.MarkovFractional(0.9, 2))
        objective = sk.fractional.AugmentedScoreMatching(forward, levels=32)
        data = sk.data.Snapshots(jnp.zeros(1), jax.random.normal(jax.random.key(0), (1, 50, 1)))
        model = sk.fractional.NoiseScore(forward, lambda t, r: 0 * r)
        objective(model, data, key=jax.random.key(1))[0]  # near 1: the noise left unknown
        ```

    Source: Nobis et al. (2024), augmented score matching.
    """

    times: Float[Array, " levels"]
    mean: Float[Array, " levels"]
    rest: Float[Array, "levels r"]

    def __init__(self, forward: AbstractFractionalForward, levels: int = 256, first: float = 1e-3):
        problem, remedy = "must lie between 0 and the horizon", "pass a small part of the horizon"
        if is_concrete(forward.horizon):
            require(0 < first < float(forward.horizon), "first", problem, first, remedy)
        dtype = forward.factor.dtype
        self.times = first + (forward.horizon - first) * jnp.linspace(0.0, 1.0, levels, dtype=dtype)
        moments = eqx.filter_jit(lambda f, ts: jax.lax.map(f.moments, ts))(forward, self.times)
        self.mean, self.rest = moments.mean, moments.rest

    def __call__(
        self, model: PyTree, batch: AbstractRecord, *, key: Key
    ) -> tuple[Float[Array, ""], dict[str, Float[Array, ""]]]:
        if not (isinstance(model, NoiseScore) and isinstance(batch, Snapshots)):
            given = f"{type(model).__name__} and {type(batch).__name__}"
            remedy = "pass NoiseScore(forward, net) and Snapshots(jnp.zeros(1), data[None])"
            raise ValueError(fault("model, batch", "must be a NoiseScore and Snapshots", given, remedy))
        x0, weights = batch.xs[0], batch.weights[0]
        of_level, of_noise = jax.random.split(key)
        # Spread evenly over the levels, shifted at random: each level is as likely, and the loss is less noisy.
        n, levels = x0.shape[0], self.times.shape[0]
        shift = jax.random.uniform(of_level, (), x0.dtype)
        at = ((jnp.arange(n, dtype=x0.dtype) / n + shift) % 1 * levels).astype(int).clip(0, levels - 1)
        at = jax.random.permutation(jax.random.fold_in(of_level, 1), at)
        noise = jax.random.normal(of_noise, x0.shape, x0.dtype)

        def one(x0, eps, i):
            t, m, rest = self.times[i], self.mean[i], self.rest[i]
            return jnp.mean((model.noise(t, m * x0 + rest * eps, m, rest) - eps) ** 2)

        loss = weights @ jax.vmap(one)(x0, noise, at)
        return loss, {"noise": loss}
