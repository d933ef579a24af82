"""Processes whose counts in the long run are known."""

import abc

from jaxtyping import Array, Float

from ._autoregressive import AbstractAutoregressive


__all__ = ["AbstractErgodic"]


class AbstractErgodic(AbstractAutoregressive):
    """A process whose counts obey a law of large numbers and a central limit theorem that are known.

    !!! example

        ```python
        import numpyro.distributions as dist
        from sdekit.points import Renewal
        Renewal(dist.Gamma(2.0, 4.0)).long_run_rate()  # [2.]
        ```
    """

    @abc.abstractmethod
    def long_run_rate(self) -> Float[Array, " k"]:
        """The mean number of events of each kind in a unit of time, once the start is forgotten."""

    @abc.abstractmethod
    def long_run_covariance(self) -> Float[Array, "k k"]:
        """The limit of the covariance of the counts on `[0, t]`, divided by `t`."""
