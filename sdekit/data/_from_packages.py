"""Data that come inside packages of Python."""

import numpy as np

from .._errors import require
from ._clock import Clock
from ._frames import optional
from ._registry import register
from ._series import Series
from ._snapshots import Snapshots


__all__ = ["UCI_DIGITS"]

_PUBLIC = "public domain"
UCI_DIGITS = "CC BY 4.0"


@register(
    "nile",
    kind="Series",
    about="Annual flow of the Nile at Aswan, 1871-1970, in 1e8 cubic metres. A change point at 1898.",
    licence=_PUBLIC,
    citation="Cobb (1978), The problem of the Nile, Biometrika 65, 243-251; Durbin and Koopman (2001)",
)
def _nile() -> Series:
    table = optional("statsmodels.datasets.nile").load_pandas().data
    clock = Clock(float(table["year"].iloc[0]), "years")
    ts, ys = clock.read(table["year"].to_numpy(float)), table["volume"].to_numpy(float)
    return Series(ts, ys, clock=clock, names=("volume",))


@register(
    "sunspots",
    kind="Series",
    about="Annual mean number of sunspots, 1700-2008.",
    licence=_PUBLIC,
    citation="World Data Center for the Sunspot Index, Royal Observatory of Belgium",
)
def _sunspots() -> Series:
    table = optional("statsmodels.datasets.sunspots").load_pandas().data
    clock = Clock(float(table["YEAR"].iloc[0]), "years")
    ts, ys = clock.read(table["YEAR"].to_numpy(float)), table["SUNACTIVITY"].to_numpy(float)
    return Series(ts, ys, clock=clock, names=("sunspots",))


@register(
    "co2",
    kind="Series",
    about="Weekly CO2 in the air at Mauna Loa, ppm, 1958-2001; 59 weeks are missing.",
    licence=_PUBLIC,
    citation="Keeling and Whorf (2004), Atmospheric CO2 concentrations at Mauna Loa, CDIAC, Oak Ridge",
)
def _co2() -> Series:
    table = optional("statsmodels.datasets.co2").load_pandas().data
    return Series.from_pandas(table, unit="years")


@register(
    "digits",
    kind="Snapshots",
    about="1797 handwritten digits of 8 x 8 pixels in [0, 1], one cloud in 64 dimensions; one digit by `digit=`.",
    licence=UCI_DIGITS,
    citation="Alpaydin and Kaynak (1998), Optical recognition of handwritten digits, UCI Machine Learning Repository",
)
def _digits(*, digit: int | None = None) -> Snapshots:
    bunch = optional("sklearn.datasets").load_digits()
    require(digit is None or digit in range(10), "digit", "must be one of 0..9", digit, "pass a digit")
    images = bunch.data / 16.0
    images = images if digit is None else images[bunch.target == digit]
    return Snapshots(np.zeros(1), images[None])
