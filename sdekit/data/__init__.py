"""What comes in: records, and data sets by name."""

from . import (  # each registers its data sets
    _file_events as _file_events,
    _file_panels as _file_panels,
    _file_series as _file_series,
    _file_snapshots as _file_snapshots,
    _from_packages as _from_packages,
    _generators as _generators,
    _moving_digits as _moving_digits,
    _spirals as _spirals,
)
from ._affine import Affine as Affine
from ._clock import Clock as Clock
from ._event_files import read_events as read_events
from ._events import Events as Events
from ._items import AbstractItems as AbstractItems, AbstractTimeline as AbstractTimeline, concatenate as concatenate
from ._labelled import Labelled as Labelled
from ._panel import Panel as Panel, Seen as Seen
from ._record import AbstractRecord as AbstractRecord
from ._registry import (
    Catalogue as Catalogue,
    Entry as Entry,
    datasets as datasets,
    load as load,
    register as register,
)
from ._series import Series as Series
from ._snapshots import Snapshots as Snapshots
from ._store import File as File


__all__ = [
    "AbstractItems",
    "AbstractRecord",
    "AbstractTimeline",
    "Affine",
    "Catalogue",
    "Clock",
    "Entry",
    "Events",
    "File",
    "Labelled",
    "Panel",
    "Seen",
    "Series",
    "Snapshots",
    "concatenate",
    "datasets",
    "load",
    "read_events",
    "register",
]
