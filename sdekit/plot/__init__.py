"""Pictures of paths, fits, scores and residuals, in one quiet style. Needs the extra `sdekit[plot]`."""

from ._calibration import pit as pit, qq as qq
from ._chains import rate_matrix as rate_matrix, timeline as timeline
from ._comparison import comparison as comparison
from ._counts import counts as counts
from ._fits import history as history, parameters as parameters
from ._hurst import (
    hurst as hurst,
    profile_likelihood as profile_likelihood,
    scaling as scaling,
    spectrum as spectrum,
)
from ._jumps import events as events, jumps as jumps
from ._paths import fan as fan, paths as paths
from ._residuals import acf as acf, diagnostics as diagnostics, residuals as residuals
from ._style import PALETTE as PALETTE, save as save, style as style


__all__ = [
    "PALETTE",
    "acf",
    "comparison",
    "counts",
    "diagnostics",
    "events",
    "fan",
    "history",
    "hurst",
    "jumps",
    "parameters",
    "paths",
    "pit",
    "profile_likelihood",
    "qq",
    "rate_matrix",
    "residuals",
    "save",
    "scaling",
    "spectrum",
    "style",
    "timeline",
]
