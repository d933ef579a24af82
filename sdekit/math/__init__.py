"""Pure kernels: random bits, linear algebra of linear SDEs, circulant embedding, quadrature, scans. No classes."""

from ._blocks import chain_expectations as chain_expectations, lane_expectations as lane_expectations
from ._chains import (
    chain_draw as chain_draw,
    chain_log_prob as chain_log_prob,
    chain_smooth as chain_smooth,
    chain_viterbi as chain_viterbi,
)
from ._circulant import circulant_sample as circulant_sample, circulant_spectrum as circulant_spectrum
from ._dense import (
    gaussian_condition as gaussian_condition,
    gaussian_factor as gaussian_factor,
    gaussian_log_prob as gaussian_log_prob,
    gaussian_root as gaussian_root,
)
from ._event_clock import clock_words as clock_words, event_clock as event_clock
from ._exponential_sums import (
    KernelRule as KernelRule,
    exponential_rows as exponential_rows,
    fit_weights as fit_weights,
    kernel_rule as kernel_rule,
    kernel_sides as kernel_sides,
    power_sides as power_sides,
)
from ._fractional import (
    fbm_covariance as fbm_covariance,
    fgn_autocovariance as fgn_autocovariance,
    fou_autocovariance as fou_autocovariance,
    fou_started_covariance as fou_started_covariance,
    time_gaps as time_gaps,
)
from ._generators import (
    transition_matrices as transition_matrices,
    transition_matrix as transition_matrix,
    uniformized_powers as uniformized_powers,
)
from ._goursat import goursat as goursat
from ._hosking import (
    Predictor as Predictor,
    hosking as hosking,
    hosking_start as hosking_start,
    hosking_step as hosking_step,
)
from ._increments import (
    fbm_increment_covariance as fbm_increment_covariance,
    fou_innovation_covariance as fou_innovation_covariance,
    fou_memory as fou_memory,
)
from ._linear import (
    affine_van_loan as affine_van_loan,
    compose_affine as compose_affine,
    linear_moments as linear_moments,
    van_loan as van_loan,
)
from ._modes import graded_rule as graded_rule, kernel_root as kernel_root, mode_decay as mode_decay
from ._normal_equations import (
    scaled_gamma_tail as scaled_gamma_tail,
    started_constant as started_constant,
    started_matrix as started_matrix,
    started_vector as started_vector,
    stationary_constant as stationary_constant,
    stationary_matrix as stationary_matrix,
    stationary_vector as stationary_vector,
)
from ._order import distinct as distinct, random_order as random_order
from ._past import PAST_RATES as PAST_RATES, past_expansion as past_expansion, past_variance as past_variance
from ._poisson import counter_poisson as counter_poisson
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
from ._toeplitz import (
    hurwitz_zeta as hurwitz_zeta,
    stationary_log_prob as stationary_log_prob,
    toeplitz_whiten as toeplitz_whiten,
)


__all__ = [
    "PAST_RATES",
    "KernelRule",
    "Predictor",
    "affine_recurrence",
    "affine_van_loan",
    "chain_draw",
    "chain_expectations",
    "chain_log_prob",
    "chain_smooth",
    "chain_viterbi",
    "circulant_sample",
    "circulant_spectrum",
    "clock_words",
    "compose_affine",
    "counter_bits",
    "counter_normal",
    "counter_poisson",
    "counter_uniform",
    "cumulative_sum",
    "event_clock",
    "exponential_rows",
    "fbm_covariance",
    "fbm_increment_covariance",
    "fgn_autocovariance",
    "fit_weights",
    "fou_autocovariance",
    "fou_innovation_covariance",
    "fou_memory",
    "fou_started_covariance",
    "gauss_legendre",
    "gaussian_condition",
    "gaussian_factor",
    "gaussian_log_prob",
    "gaussian_root",
    "goursat",
    "graded_rule",
    "hosking",
    "hosking_start",
    "hosking_step",
    "hurwitz_zeta",
    "integrate",
    "kernel_root",
    "kernel_rule",
    "kernel_sides",
    "lane_expectations",
    "linear_moments",
    "linear_recurrence",
    "mode_decay",
    "multifractional_covariance",
    "past_expansion",
    "past_variance",
    "power_sides",
    "random_order",
    "riemann_liouville_covariance",
    "scaled_gamma_tail",
    "started_constant",
    "started_matrix",
    "started_vector",
    "stationary_constant",
    "stationary_log_prob",
    "stationary_matrix",
    "stationary_vector",
    "threefry2x32",
    "time_gaps",
    "toeplitz_whiten",
    "transition_matrices",
    "transition_matrix",
    "uniformized_powers",
    "van_loan",
]
