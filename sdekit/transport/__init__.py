"""Couplings of two samples, and distances between laws."""

from ._assignment import assignment as assignment
from ._coupling import AbstractCoupling as AbstractCoupling, Independent as Independent, Paired as Paired
from ._couplings import Exact as Exact, Minibatch as Minibatch, Sinkhorn as Sinkhorn
from ._kernel import energy_distance as energy_distance, mmd as mmd
from ._sinkhorn import Plan as Plan, sinkhorn as sinkhorn
from ._swaps import Swaps as Swaps
from ._wasserstein import (
    gaussian_wasserstein2 as gaussian_wasserstein2,
    sliced_wasserstein as sliced_wasserstein,
    wasserstein1 as wasserstein1,
    wasserstein2 as wasserstein2,
)


__all__ = [
    "AbstractCoupling",
    "Exact",
    "Independent",
    "Minibatch",
    "Paired",
    "Plan",
    "Sinkhorn",
    "Swaps",
    "assignment",
    "energy_distance",
    "gaussian_wasserstein2",
    "mmd",
    "sinkhorn",
    "sliced_wasserstein",
    "wasserstein1",
    "wasserstein2",
]
