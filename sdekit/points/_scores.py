"""What a likelihood of events is made of."""

import equinox as eqx
from jaxtyping import Array, Float


__all__ = ["EventScores"]


class EventScores(eqx.Module):
    r"""The log-density of a sequence, event by event: $\sum_i (\text{time}_i + \text{mark}_i) + \text{survival}$.

    What conventions differ in is chosen here: papers that leave out the silence after the last event, or the first
    event, take other sums of the same numbers. Padding scores 0.

    !!! example

        ```python
        import jax.numpy as jnp
        from sdekit.data import Events
        from sdekit.points import Poisson
        scores = Poisson(2.0).scores(Events(jnp.array([0.5, 1.2]), t1=2.0))
        scores.total  # 2 log 2 - 4
        ```
    """

    time: Float[Array, " e"]
    """The log-density of the gap before each event, given the past."""
    mark: Float[Array, " e"]
    """The log-probability (or log-density) of each mark, given the past and the time."""
    survival: Float[Array, ""]
    """The log-probability that no event falls between the last one and the end of the window."""
    error: Float[Array, ""]
    """A bound on the error of the total that comes from quadrature; 0 where compensators are in closed form."""

    @property
    def total(self) -> Float[Array, ""]:
        """The log-density of the sequence on its window: the full likelihood."""
        return self.time.sum() + self.mark.sum() + self.survival

    @property
    def after_first(self) -> Float[Array, ""]:
        """The log-density of the events after the first, without the last silence: the convention of EasyTPP."""
        return self.time[1:].sum() + self.mark[1:].sum()
