"""Pictures of paths, fits, scores and residuals, in one quiet style. Needs the extra `sdekit[plot]`."""

from ._calibration import pit as pit, qq as qq
from ._comparison import comparison as comparison
from ._fits import history as history, parameters as parameters
from ._hurst import (
    hurst as hurst,
    profile_likelihood as profile_likelihood,
    scaling as scaling,
    spectrum as spectrum,
)
from ._jumps import events as events, jumps as jumps
from ._paths import fan as fan, paths as paths
from ._points import excitation as excitation, intensity as intensity, rescaled as rescaled
from ._residuals import acf as acf, diagnostics as diagnostics, residuals as residuals
from ._style import PALETTE as PALETTE, save as save, style as style


__all__ = [
    "PALETTE",
    "acf",
    "comparison",
    "diagnostics",
    "events",
    "excitation",
    "fan",
    "history",
    "hurst",
    "intensity",
    "jumps",
    "parameters",
    "paths",
    "pit",
    "profile_likelihood",
    "qq",
    "rescaled",
    "residuals",
    "save",
    "scaling",
    "spectrum",
    "style",
]
