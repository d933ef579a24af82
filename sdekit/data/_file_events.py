"""Data sets in files: streams of events."""

import csv
import datetime
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from .._errors import require
from ._clock import Clock
from ._events import Events
from ._file_series import github
from ._registry import register
from ._store import File, fetch


__all__: list[str] = []

_ARRAYS = "arrays `{split}_offsets, _times, _dt, _types` and `num_types`; sequence i is [offsets[i]:offsets[i + 1]]"


def _cut(values: np.ndarray, offsets: np.ndarray) -> list[np.ndarray]:
    return np.split(values, offsets[1:-1])


def _marked(
    name: str, file: File, splits: Sequence[str], about: str, licence: str, citation: str, *, from_first: bool
) -> None:
    """Sequences of marked events whose source states no window: from 0 or the first event, to the last event."""

    def read(*, split: str = splits[0], stored_gaps: bool = False) -> Events:
        require(split in splits, "split", "is not a part of the data", split, f"use one of {list(splits)}")
        (path,) = fetch(name, [file])
        with np.load(path, allow_pickle=False) as arrays:
            offsets, marks = arrays[f"{split}_offsets"], _cut(arrays[f"{split}_types"], arrays[f"{split}_offsets"])
            times = _cut(arrays[f"{split}_dt" if stored_gaps else f"{split}_times"], offsets)
            num_marks = int(arrays["num_types"])
        times = [np.cumsum(t) for t in times] if stored_gaps else times
        first = np.array([t[0] if from_first else 0.0 for t in times])
        last = np.array([t[-1] for t in times])
        return Events.from_list(times, marks, t0=first, t1=last, num_marks=num_marks, ties=True, rebase=True)

    register(name, kind="Events", about=about, licence=licence, citation=citation, files=(file,))(read)


_CDIFF = "github.com/networkslab/cdiff @dd04d4e2"
_HUB = "none stated in the repository (the hub's card says Apache-2.0)"
_EASYTPP = "Xue et al. (2024), EasyTPP: towards open benchmarking temporal point processes, ICLR"
_THREE = ("train", "dev", "test")

_marked(
    "taobao",
    File(
        "points/taobao_easytpp.npz",
        "91fea54cea425beb98b9f97788319cc728b69460c738fb5d3466583a28aa1e86",
        origin=f"{_CDIFF} data/taobao/{{train,dev,test}}.pkl",
        made=_ARRAYS,
    ),
    _THREE,
    "Clicks of 2,000 users, 17 marks. Stored gaps contradict the times in most sequences: stored_gaps=True for those.",
    _HUB,
    _EASYTPP,
    from_first=True,
)
_marked(
    "amazon",
    File(
        "points/amazon_devtest_easytpp.npz",
        "43b38a2fe4f5a59975eef17abd7ce17121639cd0510864a611450daf2ebe6ea4",
        origin=f"{_CDIFF} data/amazon/{{dev,test}}.pkl",
        made=_ARRAYS,
    ),
    ("dev", "test"),
    "Product reviews, 16 marks, 300 and 500 sequences; there is no training part.",
    _HUB,
    _EASYTPP,
    from_first=True,
)
_NHP = "github.com/Hongrui24/NeuralHawkesPytorch @bb8b432e"
_NHP_CITATION = "Mei and Eisner (2017), The neural Hawkes process, NeurIPS"
_marked(
    "conttime",
    File(
        "points/conttime_nhp_truncated.npz",
        "6a0d593b3d846d2a85e9b5b169bf80d1adcbd2c66574c098f73ac840e1591440",
        origin=f"{_NHP} data/conttime/{{train,dev,test}}.pkl",
        made=_ARRAYS + ", the first sequences",
    ),
    _THREE,
    "Synthetic, drawn from a neural Hawkes process, 5 marks, 250/100/32 sequences.",
    "none stated (upstream neurawkes: MIT)",
    _NHP_CITATION,
    from_first=False,
)
_marked(
    "hawkes5d",
    File(
        "points/hawkes5d_nhp_truncated.npz",
        "01ce3f03c905fc87f7448b243bc0aacbdc29847e6e0a60975d551f4b63437c83",
        origin=f"{_NHP} data/data_hawkes/{{train,dev,test}}.pkl",
        made=_ARRAYS + ", the first sequences",
    ),
    _THREE,
    "Synthetic, drawn from a Hawkes process, 5 marks, 250/100/32 sequences; one tie.",
    "none stated (upstream neurawkes: MIT)",
    _NHP_CITATION,
    from_first=False,
)

_STACKOVERFLOW = File(
    "points/stackoverflow_full.npz",
    "665f38deb3e79b93cfd3ecdde630fdf8b7ef553bd3b435b660d7fc5272f24bac",
    origin="github.com/dunan/NeuralPointProcess @ce05ec14 data/real/so/{time,event}.txt",
    made="arrays `offsets, times, types, fold, num_types`; marks from 0, `fold` the test fold of each sequence",
)


@register(
    "stackoverflow",
    kind="Events",
    about="Badges of 6,630 users in 2012 and 2013, 22 marks, days (float32 ties below 5 s); fold=1..5, train=False.",
    licence="CC BY-SA (content)",
    citation="Du et al. (2016), Recurrent marked temporal point processes: embedding event history to vector, KDD",
    files=(_STACKOVERFLOW,),
)
def _stackoverflow(*, fold: int | None = None, train: bool = True) -> Events:
    (path,) = fetch("stackoverflow", [_STACKOVERFLOW])
    with np.load(path, allow_pickle=False) as arrays:
        offsets, folds, num_marks = arrays["offsets"], arrays["fold"], int(arrays["num_types"])
        times, marks = _cut(arrays["times"], offsets), _cut(arrays["types"], offsets)
    known = sorted(set(folds.tolist()))
    require(fold is None or fold in known, "fold", "is not a fold of the data", fold, f"use one of {known}")
    keep = np.flatnonzero(folds == folds if fold is None else (folds != fold if train else folds == fold))
    to_date = lambda seconds: np.round(seconds * 1e6).astype("int64").astype("datetime64[us]")
    days = [to_date(times[i]) for i in keep]
    t0, t1 = np.array(["2012-01-01", "2014-01-01"], dtype="datetime64[s]")
    return Events.from_list(days, [marks[i] for i in keep], t0=t0, t1=t1, num_marks=num_marks, unit="days", ties=True)


def _triangular(name: str, sha256: str, about: str) -> None:
    file = File(
        f"points/triangular/{name}.npz",
        sha256,
        origin=f"github.com/shchur/triangular-tpp @a384a50c data/{name}.pkl",
        made="arrays `offsets`, `times`, `t_max`; sequence i is [offsets[i]:offsets[i + 1]]",
    )
    known = f"triangular_{name}"

    def read() -> Events:
        (path,) = fetch(known, [file])
        with np.load(path, allow_pickle=False) as arrays:
            times, t_max = _cut(arrays["times"], arrays["offsets"]), float(arrays["t_max"])
        return Events.from_list(times, t1=t_max)

    citation = (
        "Shchur, Gao, Bilos and Guennemann (2020), Fast and flexible temporal point processes with triangular maps, "
    )
    register(known, kind="Events", about=about, licence="MIT", citation=citation + "NeurIPS", files=(file,))(read)


_triangular(
    "hawkes1",
    "9c1cb80642fd21385130bb0ca3080013e284ca3a98bdfdbb3e51d777b703c0d2",
    "Synthetic Hawkes process, 1,000 sequences on [0, 100].",
)
_triangular(
    "stationary_poisson",
    "dbbd6ff3d8fde52608e53f54af63c3b61292dca95e056535f846cd1291fabd5c",
    "Synthetic Poisson process of rate 1, 1,000 sequences on [0, 100].",
)
_triangular(
    "nonstationary_poisson",
    "a9e210c124be8457223608f236b1dab00cec588ac4e0676698c4b8aae2d3d1d0",
    "Synthetic Poisson process of changing rate, 1,000 sequences on [0, 100].",
)
_triangular(
    "stationary_renewal",
    "6056f8f54e5e06ca7cece714360d98cfa7f176586a3a626d9d8a5353e1c107ce",
    "Synthetic renewal process, 1,000 sequences on [0, 100].",
)
_triangular(
    "taxi",
    "1ea8a036587f951117d1b7c3494c0e56c2526f1e88e1d1d3d734523dfdceffb5",
    "Taxi pick-ups in Manhattan, 182 days, hours of the day.",
)
_triangular(
    "twitter",
    "823487fb68b6b53d60383b79baf47e3270ec3d514db7c493d8bab875f6c714b6",
    "Posts of one Twitter user, 2,019 days, hours of the day.",
)
_triangular(
    "pubg",
    "74a6177d66cd04cbf2f91e1c30347497d1077b836fb886e2f5d2dcee0154ed12",
    "Deaths of players in 3,001 online games, minutes of the game.",
)
_triangular(
    "yelp_airport",
    "c9664ab9e8e5113446a8812b02c9b1f029259263b770974ef2905c8bd25b3639",
    "Check-ins at an airport, 319 days, hours of the day.",
)

_QUAKES = File(
    "points/japan_quakes.npz",
    "a1cab28553b6e5318968807bbb5473f6e0cd9652a12dddf5cbc960f5ac17a0b3",
    origin="github.com/Pat-Laub/hawkesbook @ed73da36 tests/japanese-earthquakes.csv",
    made="sorted by time; arrays `t_days_since_1973, mag, lat, lon, depth`",
)
_QUAKES_CSV = github(
    "points/japanese-earthquakes.csv",
    "049b56d051d943ac5bebf35211c146a83e7af4559bdf70cc3209242ec4d8d7b4",
    "Pat-Laub/hawkesbook",
    "ed73da3679387997de1060493d1aa7500ce9222f",
    "tests/japanese-earthquakes.csv",
)


@register(
    "japan_quakes",
    kind="Events",
    about="6,054 earthquakes around Japan in 2015-2019, days; marked by magnitude, or by place: marks=('lat', 'lon').",
    licence="MIT (repository); public domain (catalogue of the US Geological Survey)",
    citation="Laub, Lee and Taimre (2021), The elements of Hawkes processes, Springer",
    files=(_QUAKES, _QUAKES_CSV),
)
def _japan_quakes(*, marks: Sequence[str] = ("mag",)) -> Events:
    known = ("mag", "lat", "lon", "depth")
    for name in marks:
        require(name in known, "marks", "is not a column", name, f"use some of {known}")
    (path,) = fetch("japan_quakes", [_QUAKES], [_QUAKES_CSV])
    days, columns = _quakes_csv(path) if path.suffix == ".csv" else _quakes_npz(path)
    since = (datetime.date(2015, 1, 1) - datetime.date(1973, 1, 1)).days
    values = np.stack([columns[name] for name in marks], axis=-1)
    values = values[:, 0] if len(marks) == 1 else values
    window = (datetime.date(2020, 1, 1) - datetime.date(2015, 1, 1)).days
    return Events(days - since, values, t0=0.0, t1=float(window), clock=Clock("2015-01-01", "days"))


def _quakes_npz(path: Path) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    with np.load(path, allow_pickle=False) as arrays:
        return arrays["t_days_since_1973"], {name: arrays[name] for name in ("mag", "lat", "lon", "depth")}


def _quakes_csv(path: Path) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    with path.open(encoding="utf-8", newline="") as lines:
        rows = list(csv.DictReader(lines))
    at = lambda r: f"{r['Year']}-{int(r['Month']):02}-{int(r['Day']):02}T{r['Time']}"
    days = (np.array([at(r) for r in rows], dtype="datetime64[s]") - np.datetime64("1973-01-01")) / np.timedelta64(
        1, "D"
    )
    order = np.argsort(days, kind="stable")
    columns = {name.lower(): np.array([float(r[name]) for r in rows])[order] for name in ("Mag", "Lat", "Lon", "Depth")}
    return days[order], columns
