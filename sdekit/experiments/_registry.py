"""The experiments by name."""

from .._errors import fault
from ._experiment import Experiment
from ._fdm_ou import FDM_OU
from ._fev import FEV
from ._fim_zero_shot import FIM_ZERO_SHOT
from ._flashing_ratchet import FLASHING_RATCHET
from ._fou_bridge import FOU_BRIDGE
from ._gene_expression import GENE_EXPRESSION
from ._hurst_estimators import HURST_ESTIMATORS
from ._hurst_learning import HURST_LEARNING
from ._hybrid_lotka_volterra import HYBRID_LOTKA_VOLTERRA
from ._latent_gbm import LATENT_GBM
from ._latent_lorenz import LATENT_LORENZ
from ._latent_ou import LATENT_OU
from ._ma_fbm_error import MA_FBM_ERROR
from ._mocap35 import MOCAP35
from ._moving_digits import MOVING_DIGITS, MOVING_DIGITS_ROUGH
from ._multifractional import MULTIFRACTIONAL
from ._nile import NILE
from ._nile_hurst import NILE_HURST
from ._ou_mle import OU_MLE
from ._panel_psoriasis import PANEL_PSORIASIS
from ._rough_volatility import ROUGH_VOLATILITY
from ._schloegl import SCHLOEGL
from ._spirals import SPIRALS


__all__ = ["experiments", "get"]

_EXPERIMENTS = (
    FDM_OU,
    FEV,
    FIM_ZERO_SHOT,
    FLASHING_RATCHET,
    FOU_BRIDGE,
    GENE_EXPRESSION,
    HURST_ESTIMATORS,
    HURST_LEARNING,
    HYBRID_LOTKA_VOLTERRA,
    LATENT_GBM,
    LATENT_LORENZ,
    LATENT_OU,
    MA_FBM_ERROR,
    MOCAP35,
    MOVING_DIGITS,
    MOVING_DIGITS_ROUGH,
    MULTIFRACTIONAL,
    NILE,
    NILE_HURST,
    OU_MLE,
    PANEL_PSORIASIS,
    ROUGH_VOLATILITY,
    SCHLOEGL,
    SPIRALS,
)
_ALL = {experiment.name: experiment for experiment in _EXPERIMENTS}


def experiments() -> tuple[Experiment, ...]:
    """All experiments, by name.

    **Returns:** a tuple of `Experiment`.

    !!! example

        ```python
        from sdekit.experiments import experiments
        [experiment.name for experiment in experiments()]
        ```
    """
    return tuple(_ALL[name] for name in sorted(_ALL))


def get(name: str) -> Experiment:
    """An experiment.

    **Arguments:**

    - `name`: its name, as `sdekit list` prints it.

    **Returns:** an `Experiment`.

    **Raises:** `ValueError` for an unknown name.

    !!! example

        ```python
        from sdekit.experiments import get
        get("nile").summary
        ```
    """
    if name not in _ALL:
        raise ValueError(fault("name", "is not an experiment", name, f"use one of {', '.join(sorted(_ALL))}"))
    return _ALL[name]
