"""Neural controlled differential equations: a state driven by a series, and what is read from it."""

from collections.abc import Callable
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from .._errors import require
from .._types import Key
from ..data import Series
from ..nets import lipswish
from ._control import AbstractControl, ControlPath
from ._controls import Linear, LogSignature


__all__ = ["CDEField", "NeuralCDE", "neural_rde", "solve_cde"]


class CDEField(eqx.Module):
    r"""A network $z \mapsto F(z) \in R^{w \times c}$ with entries in $(-b, b)$: what the channels of a control do.

    The bound keeps a state from growing faster than its control, so that an untrained model does not blow up.

    **Arguments:**

    - `state`: the length `w` of a state.
    - `channels`: the number `c` of channels of the control, `control.channels(dim)`.
    - `width`, `depth`: of the network.
    - `bound`: the bound `b`.
    - `activation`: between layers.
    - `key`: a JAX key for the initial weights.

    **Raises:** `ValueError` for sizes below 1 or a bound that is not positive.

    !!! example

        ```python
        import jax
        import jax.numpy as jnp
        from sdekit.neural import CDEField
        CDEField(state=4, channels=3, width=8, depth=1, key=jax.random.key(0))(jnp.ones(4)).shape  # (4, 3)
        ```

    Source: Kidger, Morrill, Foster and Lyons (2020), Neural controlled differential equations for irregular time
    series, appendix D (the final tanh).
    """

    mlp: eqx.nn.MLP
    state: int = eqx.field(static=True)
    channels: int = eqx.field(static=True)
    bound: float = eqx.field(static=True)

    def __init__(
        self,
        state: int,
        channels: int,
        width: int,
        depth: int,
        *,
        key: Key,
        bound: float = 1.0,
        activation: Callable[[Array], Array] = lipswish,
    ):
        for name, size in (("state", state), ("channels", channels), ("width", width), ("depth", depth)):
            require(size >= 1, f"CDEField.{name}", "must be a positive integer", size, "pass at least 1")
        require(bound > 0, "CDEField.bound", "must be positive", bound, "pass 1.0")
        self.mlp = eqx.nn.MLP(state, state * channels, width, depth, activation, key=key)
        self.state, self.channels, self.bound = state, channels, float(bound)

    def __call__(self, z: Float[Array, " w"]) -> Float[Array, "w c"]:
        return self.bound * jnp.tanh(self.mlp(z)).reshape(self.state, self.channels)


def solve_cde(
    field: Callable[[Float[Array, " w"]], Float[Array, "w c"]],
    path: ControlPath,
    z0: Float[Array, " w"],
    steps: int = 1,
) -> Float[Array, "p+1 w"]:
    r"""The states of $dz = F(z)\,dX$ at the ends of the pieces of a control, by Heun's method, in one scan.

    A step goes along the chord of the path, $k_1 = F(z) \Delta$, $k_2 = F(z + k_1) \Delta$, $z \leftarrow z +
    (k_1 + k_2)/2$: of second order, and it takes up neither more nor less of the path than there is, however rough it
    is. Curved pieces want two steps or more: with one, they are as good as straight.

    **Arguments:**

    - `field`: $F$, from a state `(w,)` to a matrix `(w, c)`.
    - `path`: the control.
    - `z0`: the first state, shape `(w,)`.
    - `steps`: how many equal steps in each piece.

    **Returns:** shape `(p + 1, w)`.

    **Raises:** `ValueError` for fewer than one step.

    !!! example

        ```python
        import jax.numpy as jnp
        import sdekit as sk
        from sdekit.neural import Linear, solve_cde
        path = Linear(time=False)(sk.data.Series(jnp.arange(3.0), jnp.array([0.0, 0.5, 1.0])))
        solve_cde(lambda z: z[:, None], path, jnp.ones(1), steps=50)[-1]  # e
        ```

    Source: Kidger (2021), On neural differential equations, section 3.1.
    """
    require(steps >= 1, "steps", "must be a positive number of steps in each piece", steps, "pass steps >= 1")

    def step(z, move):
        k = field(z) @ move
        z = z + (k + field(z + k) @ move) / 2
        return z, z

    # Keep the states alone for the gradient: a tenth of the memory, and faster, than to keep what the layers gave.
    _, zs = jax.lax.scan(jax.checkpoint(step, prevent_cse=False), z0, path.increments(steps))
    return jnp.concatenate([z0[None], zs[steps - 1 :: steps]])


class NeuralCDE(eqx.Module):
    r"""A map from one series to numbers: $z_0 = a(X_0)$, $dz = F(z)\,dX$, and a readout of the last state.

    Padding and rows without observations change nothing. With a causal control (`Rectilinear`,
    `Hermite`), the state at a row knows that row and those before it alone; before the first observed row it is the
    state there.

    **Arguments:**

    - `control`: from a series to a path, e.g. `Hermite()`. With `LogSignature` the model is a neural rough differential
        equation.
    - `initial`: $a$, from the first value of the control `(c,)` to a state `(w,)`.
    - `field`: $F$, from a state `(w,)` to a matrix `(w, c)`; usually a `CDEField`.
    - `readout`: from a state `(w,)` to what is returned, `(k,)`: logits of classes, or answers.
    - `steps`: steps of Heun's method in each piece of the control; at least 2 make sense of the curves of `Hermite`.

    **Raises:** `ValueError` for fewer than one step.

    !!! example

        ```python
        import equinox as eqx
        import jax
        import jax.numpy as jnp
        import sdekit as sk
        from sdekit.neural import Hermite, NeuralCDE
        model = NeuralCDE.build(Hermite(), dim=1, state=4, width=8, depth=1, outputs=2, key=jax.random.key(0))
        eqx.filter_jit(model)(sk.data.Series(jnp.array([0.0, 0.3, 1.0]), jnp.ones(3))).shape  # (2,)
        ```

    Source: Kidger, Morrill, Foster and Lyons (2020), Neural controlled differential equations for irregular time
    series, eq. (5).
    """

    control: AbstractControl
    initial: Callable[[Array], Any]
    field: Callable[[Array], Any]
    readout: Callable[[Array], Any]
    steps: int = eqx.field(static=True, default=1)

    def __check_init__(self):
        require(self.steps >= 1, "NeuralCDE.steps", "must be a positive integer", self.steps, "pass at least 1")

    @classmethod
    def build(
        cls,
        control: AbstractControl,
        *,
        dim: int,
        state: int,
        width: int,
        depth: int,
        outputs: int,
        key: Key,
        steps: int = 1,
    ) -> "NeuralCDE":
        """A model of networks: a small one for the start, a `CDEField`, a linear readout.

        **Arguments:**

        - `control`: the control.
        - `dim`: the number of components of a series.
        - `state`: the length of the state.
        - `width`, `depth`: of the networks.
        - `outputs`: how many numbers are returned.
        - `steps`: steps in each piece of the control.
        - `key`: a JAX key for the initial weights.

        **Returns:** a `NeuralCDE`.
        """
        keys, channels = jax.random.split(key, 3), control.channels(dim)
        return cls(
            control,
            eqx.nn.MLP(channels, state, width, 1, lipswish, key=keys[0]),
            CDEField(state, channels, width, depth, key=keys[1]),
            eqx.nn.Linear(state, outputs, key=keys[2]),
            steps,
        )

    def states(self, series: Series) -> Float[Array, "t w"]:
        """The state at each row of one series.

        **Arguments:**

        - `series`: one series.

        **Returns:** shape `(t, w)`.
        """
        path = self.control(series)
        return solve_cde(self.field, path, self.initial(path.start), self.steps)[path.reached]

    def trace(self, series: Series) -> Float[Array, "t k"]:
        """What the readout says at each row of one series: predictions as data come in.

        **Arguments:**

        - `series`: one series.

        **Returns:** shape `(t, k)`.
        """
        return jax.vmap(self.readout)(self.states(series))

    def __call__(self, series: Series) -> Float[Array, " k"]:
        """What the readout says of one series."""
        path = self.control(series)
        return self.readout(solve_cde(self.field, path, self.initial(path.start), self.steps)[-1])


def neural_rde(
    *,
    window: int,
    dim: int,
    state: int,
    width: int,
    depth: int,
    outputs: int,
    key: Key,
    order: int = 2,
    path: AbstractControl | None = None,
    steps: int = 1,
) -> NeuralCDE:
    """A neural rough differential equation: a `NeuralCDE` that takes a log-ODE step for each window of a long series.

    **Arguments:**

    - `window`: how many gaps between rows make a step.
    - `dim`, `state`, `width`, `depth`, `outputs`: as in `NeuralCDE.build`.
    - `order`: the depth of the log-signatures, 1 or 2.
    - `path`: the control underneath, `Linear()` if not given.
    - `steps`: steps of Heun's method in each window.
    - `key`: a JAX key for the initial weights.

    **Returns:** a `NeuralCDE`.

    **Raises:** `ValueError` as `LogSignature` does.

    !!! example

        ```python
        import equinox as eqx
        import jax
        import jax.numpy as jnp
        import sdekit as sk
        from sdekit.neural import neural_rde
        model = neural_rde(window=8, dim=1, state=4, width=8, depth=1, outputs=2, key=jax.random.key(0))
        eqx.filter_jit(model)(sk.data.Series(jnp.linspace(0.0, 1.0, 65), jnp.ones(65))).shape  # (2,), after 8 steps
        ```

    Source: Morrill, Salvi, Kidger and Foster (2021), Neural rough differential equations for long time series.
    """
    control = LogSignature(window, order, Linear() if path is None else path)
    return NeuralCDE.build(
        control, dim=dim, state=state, width=width, depth=depth, outputs=outputs, key=key, steps=steps
    )
