"""The experiments by name."""

from .._errors import fault
from ._dale_lognormal import DALE_LOGNORMAL
from ._digits import DIGITS
from ._earthquakes import EARTHQUAKES
from ._experiment import Experiment
from ._fdm_ou import FDM_OU
from ._fev import FEV
from ._fim_zero_shot import FIM_ZERO_SHOT
from ._flashing_ratchet import FLASHING_RATCHET
from ._fou_bridge import FOU_BRIDGE
from ._gauge_manifold import GAUGE_MANIFOLD
from ._gene_expression import GENE_EXPRESSION
from ._hawkes_speed import HAWKES_SPEED
from ._hurst_estimators import HURST_ESTIMATORS
from ._hurst_learning import HURST_LEARNING
from ._hybrid_lotka_volterra import HYBRID_LOTKA_VOLTERRA
from ._ion_channel import ION_CHANNEL
from ._latent_gbm import LATENT_GBM
from ._latent_lorenz import LATENT_LORENZ
from ._latent_ou import LATENT_OU
from ._ma_fbm_error import MA_FBM_ERROR
from ._mean_reverting import MEAN_REVERTING
from ._mocap35 import MOCAP35
from ._moving_digits import MOVING_DIGITS, MOVING_DIGITS_ROUGH
from ._multifractional import MULTIFRACTIONAL
from ._nile import NILE
from ._nile_hurst import NILE_HURST
from ._ou_mle import OU_MLE
from ._painters_digits import PAINTERS_DIGITS
from ._panel_psoriasis import PANEL_PSORIASIS
from ._rnn_hmm import RNN_HMM
from ._rough_volatility import ROUGH_VOLATILITY
from ._sb_2d import SB_2D
from ._sb_gaussian import SB_GAUSSIAN
from ._sb_gaussian_matching import SB_GAUSSIAN_MATCHING
from ._sb_mixture import SB_MIXTURE
from ._sb_mocap import SB_MOCAP
from ._sb_refinement_ou import SB_REFINEMENT_OU
from ._sb_snapshots import SB_EMBRYOID, SB_LOTKA_VOLTERRA, SB_REPRESSILATOR, SB_VORTEX
from ._schloegl import SCHLOEGL
from ._score_sde_2d import SCORE_SDE_2D
from ._sde_gan_ou import SDE_GAN_OU
from ._si_gaussian import SI_GAUSSIAN
from ._si_gmm import SI_GMM
from ._si_mirror import SI_MIRROR
from ._si_planar import SI_CHECKERBOARD, SI_CHECKERBOARD_FULL, SI_MOONS
from ._signature_ou import SIGNATURE_OU
from ._spirals import SPIRALS
from ._sunspots import NEURAL_SDE_SUNSPOTS
from ._tpp_easytpp import TPP_EASYTPP
from ._tpp_golden import TPP_GOLDEN
from ._tpp_neural_golden import TPP_NEURAL_GOLDEN
from ._tpp_time_mark import TPP_TIME_MARK, TPP_TIME_MARK_FIVE


__all__ = ["experiments", "get"]

_EXPERIMENTS = (
    EARTHQUAKES,
    DALE_LOGNORMAL,
    DIGITS,
    FDM_OU,
    FEV,
    FIM_ZERO_SHOT,
    FLASHING_RATCHET,
    FOU_BRIDGE,
    GENE_EXPRESSION,
    HAWKES_SPEED,
    GAUGE_MANIFOLD,
    HURST_ESTIMATORS,
    HURST_LEARNING,
    HYBRID_LOTKA_VOLTERRA,
    ION_CHANNEL,
    LATENT_GBM,
    LATENT_LORENZ,
    LATENT_OU,
    MA_FBM_ERROR,
    MEAN_REVERTING,
    MOCAP35,
    MOVING_DIGITS,
    MOVING_DIGITS_ROUGH,
    MULTIFRACTIONAL,
    NEURAL_SDE_SUNSPOTS,
    NILE,
    NILE_HURST,
    OU_MLE,
    PANEL_PSORIASIS,
    ROUGH_VOLATILITY,
    SCHLOEGL,
    SDE_GAN_OU,
    PAINTERS_DIGITS,
    RNN_HMM,
    SCORE_SDE_2D,
    SIGNATURE_OU,
    SI_CHECKERBOARD,
    SI_CHECKERBOARD_FULL,
    SI_GMM,
    SI_MIRROR,
    SI_MOONS,
    SI_GAUSSIAN,
    SB_2D,
    SB_EMBRYOID,
    SB_GAUSSIAN,
    SB_GAUSSIAN_MATCHING,
    SB_LOTKA_VOLTERRA,
    SB_MIXTURE,
    SB_MOCAP,
    SB_REFINEMENT_OU,
    SB_REPRESSILATOR,
    SB_VORTEX,
    SPIRALS,
    TPP_EASYTPP,
    TPP_GOLDEN,
    TPP_NEURAL_GOLDEN,
    TPP_TIME_MARK,
    TPP_TIME_MARK_FIVE,
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
