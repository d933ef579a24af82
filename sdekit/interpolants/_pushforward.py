"""Laws of other coordinates: a process seen through a bijection."""

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float
from numpyro.distributions.transforms import Transform

from .._process import AbstractGridded, AbstractProcess
from .._types import Array, Key, State, Times
from ..paths import SampledPath


__all__ = ["Pushforward"]


class Pushforward(AbstractGridded):
    r"""A process through a bijection of its states, componentwise or not: $x = T(y)$.

    With $T = \exp$ and the path `geometric_brownian` it is multiplicative diffusion of positive data: an
    Euler step of $y = \log x$ multiplies $x$ by $e^{\cdots}$, and no sample changes sign, however long the step. In
    terms of $H = x \circ \nabla \log p$, which is the score of $y$ less 1, the reverse step is

    $$x \leftarrow x\,\exp\left(-h\,[\mu - \tfrac{\sigma^2}{2} - \sigma^2 (1 + H)] + \sigma\sqrt h\,z\right).$$

    **Arguments:**

    - `process`: any process with vector states, e.g. a `GenerativeDiffusion` or a `Sampler` of logarithms.
    - `transform`: a NumPyro transform, e.g. `ExpTransform()`.

    !!! example

        ```python
        import jax
        import jax.numpy as jnp
        import numpyro.distributions as dist
        from numpyro.distributions.transforms import ExpTransform
        from sdekit.interpolants import GenerativeDiffusion, Pushforward, exact_field, geometric_brownian
        logs = dist.Normal(jnp.array([0.2]), 0.5).to_event(1)
        field = exact_field(geometric_brownian(0.0, 2.0), logs)
        start = dist.Normal(jnp.array([-1.8]), 2.06).to_event(1)  # of logarithms at time 1
        process = Pushforward(GenerativeDiffusion(field, 1.0, start), ExpTransform())
        process.sample(jnp.array([0.0, 1.0]), key=jax.random.key(0), n=5).xs.min()  # positive
        ```

    Source: Dale meets Langevin: multiplicative denoising diffusion models (2025), arXiv 2510.02730.
    """

    process: AbstractProcess
    transform: Transform = eqx.field(metadata={"trainable": False})

    @property
    def dim(self) -> int:
        return self.process.dim

    def on_grid(self, ts: np.ndarray) -> "Pushforward":
        """The same, with the process made ready for these times."""
        if not isinstance(self.process, AbstractGridded):
            return self
        return eqx.tree_at(lambda p: p.process, self, self.process.on_grid(ts))

    def draw(self, ts: Times, *, key: Key) -> SampledPath:
        path = self.process.draw(ts, key=key)
        assert isinstance(path, SampledPath)
        return eqx.tree_at(lambda p: p.xs, path, jnp.asarray(self.transform(path.xs)))

    def to_process(self, x: State) -> State:
        """The state $y = T^{-1}(x)$ of the process, shape `(d,)`."""
        return jnp.asarray(self.transform.inv(x))

    def log_prob(self, x: State, log_prob_of_process: Float[Array, ""]) -> Float[Array, ""]:
        """The log-density of `x`, given that of `to_process(x)`: less the logarithm of the volume."""
        y = self.to_process(x)
        return log_prob_of_process - jnp.sum(self.transform.log_abs_det_jacobian(y, x))
