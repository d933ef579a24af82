"""What comes in: records."""

from ._affine import Affine as Affine
from ._clock import Clock as Clock
from ._events import Events as Events
from ._items import AbstractItems as AbstractItems, concatenate as concatenate
from ._panel import Panel as Panel, Seen as Seen
from ._record import AbstractRecord as AbstractRecord
from ._series import Series as Series
from ._snapshots import Snapshots as Snapshots


__all__ = [
    "AbstractItems",
    "AbstractRecord",
    "Affine",
    "Clock",
    "Events",
    "Panel",
    "Seen",
    "Series",
    "Snapshots",
    "concatenate",
]
