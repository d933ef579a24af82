"""Pure kernels: random bits, linear algebra of linear SDEs, circulant embedding, quadrature, scans. No classes."""

from ._circulant import circulant_sample as circulant_sample, circulant_spectrum as circulant_spectrum
from ._dense import (
    gaussian_condition as gaussian_condition,
    gaussian_factor as gaussian_factor,
    gaussian_log_prob as gaussian_log_prob,
    gaussian_root as gaussian_root,
)
from ._fractional import (
    fbm_covariance as fbm_covariance,
    fgn_autocovariance as fgn_autocovariance,
    fou_autocovariance as fou_autocovariance,
    fou_started_covariance as fou_started_covariance,
    time_gaps as time_gaps,
)
from ._hosking import (
    Predictor as Predictor,
    hosking as hosking,
    hosking_start as hosking_start,
    hosking_step as hosking_step,
)
from ._linear import (
    affine_van_loan as affine_van_loan,
    compose_affine as compose_affine,
    linear_moments as linear_moments,
    van_loan as van_loan,
)
from ._quadrature import gauss_legendre as gauss_legendre, integrate as integrate
from ._recurrence import (
    affine_recurrence as affine_recurrence,
    cumulative_sum as cumulative_sum,
    linear_recurrence as linear_recurrence,
)
from ._riemann_liouville import (
    multifractional_covariance as multifractional_covariance,
    riemann_liouville_covariance as riemann_liouville_covariance,
)
from ._threefry import (
    counter_bits as counter_bits,
    counter_normal as counter_normal,
    counter_uniform as counter_uniform,
    threefry2x32 as threefry2x32,
)


__all__ = [
    "Predictor",
    "affine_recurrence",
    "affine_van_loan",
    "circulant_sample",
    "circulant_spectrum",
    "compose_affine",
    "counter_bits",
    "counter_normal",
    "counter_uniform",
    "cumulative_sum",
    "fbm_covariance",
    "fgn_autocovariance",
    "fou_autocovariance",
    "fou_started_covariance",
    "gauss_legendre",
    "gaussian_condition",
    "gaussian_factor",
    "gaussian_log_prob",
    "gaussian_root",
    "hosking",
    "hosking_start",
    "hosking_step",
    "integrate",
    "linear_moments",
    "linear_recurrence",
    "multifractional_covariance",
    "riemann_liouville_covariance",
    "threefry2x32",
    "time_gaps",
    "van_loan",
]
