"""Files of events as others write them: EasyTPP and Hugging Face JSON, pickles, tables."""

import csv
import io
import json
import pickle
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import ArrayLike

from .._errors import fault, require
from ._events import Events


__all__ = ["read_events"]

_NAMES = ("time_since_start", "time_since_last_event", "type_event")
_SAFE = {
    ("numpy", "dtype"), ("numpy", "ndarray"), ("_codecs", "encode"),
    ("numpy.core.multiarray", "scalar"), ("numpy.core.multiarray", "_reconstruct"),
    ("numpy._core.multiarray", "scalar"), ("numpy._core.multiarray", "_reconstruct"),
}  # fmt: skip


class _PlainUnpickler(pickle.Unpickler):
    """Numbers, text, lists, dictionaries and NumPy arrays; anything else could run code of the file's author."""

    def find_class(self, module: str, name: str) -> Any:
        if (module, name) in _SAFE:
            return super().find_class(module, name)
        remedy = "load it yourself if you trust it, and pass the lists to Events.from_list"
        raise ValueError(fault("path", "is a pickle that asks for more than plain data", f"{module}.{name}", remedy))


def read_events(
    path: str | Path,
    *,
    split: str | None = None,
    use_gaps: bool | None = None,
    num_marks: int | None = None,
    t0: ArrayLike | None = None,
    t1: ArrayLike | None = None,
    tolerance: float = 1e-3,
    scale: float = 1.0,
) -> Events:
    """Read sequences of events from a file, checked on the way.

    By the ending of its name: `.json` and `.jsonl` (a row a sequence, with `time_since_start`, `time_since_last_event`
    and `type_event`, as on the Hugging Face hub), `.pkl` (the dictionaries of EasyTPP; no code of the file is ever
    run), `.csv` (columns `time`, and, where there are, `mark` and `item`).

    **Arguments:**

    - `path`: the file.
    - `split`: which part of a file that has several: `"train"`, `"dev"`, `"test"`.
    - `use_gaps`: files hold times twice, as themselves and as gaps, and in some the two contradict each other. Where
      they do, say which to take: `True` for the gaps, `False` for the times.
    - `num_marks`: how many kinds there are; as the file says, or as many as occur.
    - `t0`, `t1`: the windows, one for all or one a sequence, in the times of the file. Such files state none: without
      them a window goes from the first event to the last, and the first event is certain.
    - `tolerance`: how far times and gaps may differ, as a share of the mean gap.
    - `scale`: as in `Series.from_list`.

    **Returns:** a stack of sequences, each counted from the start of its window; ties are accepted.

    **Raises:** `ValueError` for a file of another kind, a part that is not there, contradicting or unsorted times,
    unknown marks, or a pickle that asks for more than plain data.

    !!! example

        ```python
        import json, pathlib, tempfile
        from sdekit.data import read_events
        row = {"time_since_start": [0.0, 0.5], "time_since_last_event": [0.0, 0.5], "type_event": [0, 1]}
        with tempfile.TemporaryDirectory() as folder:
            path = pathlib.Path(folder, "train.json")
            path.write_text(json.dumps([row]))
            read_events(path)
        ```
    """
    path = Path(path)
    readers = {".json": _json, ".jsonl": _json, ".pkl": _pickle, ".pickle": _pickle, ".csv": _csv}
    require(path.suffix in readers, "path", f"must end in one of {list(readers)}", path.name, "convert the file")
    rows, stated = readers[path.suffix](path, split)
    require(len(rows) > 0, "path", "holds no sequence", path.name, "name another split")
    times = [_times(i, row, use_gaps, tolerance) for i, row in enumerate(rows)]
    marked = all("type_event" in row for row in rows)
    marks = [np.asarray(row["type_event"], int) for row in rows] if marked else None
    first = np.array([t[0] if len(t) else 0.0 for t in times]) if t0 is None else t0
    last = np.array([t[-1] if len(t) else 0.0 for t in times]) if t1 is None else t1
    if t1 is None:
        short = np.flatnonzero(np.broadcast_to(last, len(times)) <= np.broadcast_to(first, len(times)))
        problem, remedy = "needs a window: a sequence has fewer than two times", "pass t0 and t1"
        require(len(short) == 0, "t1", problem, f"sequence {short[:1].tolist()}", remedy)
    kinds = num_marks or stated
    options = {"t0": first, "t1": last, "num_marks": kinds if marked else None, "ties": True, "scale": scale}
    return Events.from_list(times, marks, rebase=True, **options)


def _times(i: int, row: Mapping[str, Any], use_gaps: bool | None, tolerance: float) -> np.ndarray:
    both = all(name in row for name in _NAMES[:2])
    if not both:
        name = _NAMES[0] if _NAMES[0] in row else _NAMES[1]
        require(name in row, f"sequence {i}", f"must have {_NAMES[0]} or {_NAMES[1]}", list(row), "rename its columns")
        values = np.asarray(row[name], np.float64)
        return values if name == _NAMES[0] else np.cumsum(values)
    times, gaps = (np.asarray(row[name], np.float64) for name in _NAMES[:2])
    require(times.shape == gaps.shape, f"sequence {i}", "must have a gap for each time", gaps.shape, "repair the file")
    if use_gaps is not None:
        return np.cumsum(gaps) if use_gaps else times
    if len(times) > 1:
        off = np.abs(np.diff(times) - gaps[1:])
        worst = int(off.argmax())
        ok = off[worst] <= tolerance * max(np.abs(gaps[1:]).mean(), np.finfo(float).tiny)
        problem = f"has a gap of {gaps[worst + 1]:g} between times that are {np.diff(times)[worst]:g} apart"
        require(bool(ok), f"sequence {i}", problem, f"event {worst + 1}", "choose: use_gaps=True or use_gaps=False")
    return times


def _rows(content: Any, split: str | None) -> tuple[Sequence[Mapping[str, Any]], int | None]:
    """The sequences of a part, each a dictionary of lists, and the number of kinds if it is stated."""
    stated = None
    if isinstance(content, Mapping):
        stated = content.get("dim_process")
        parts = [k for k, v in content.items() if isinstance(v, list | tuple)]
        name = split if split is not None else (parts[0] if len(parts) == 1 else None)
        require(name in parts, "split", f"must be one of {parts}", split, "name a part of the file")
        content = content[name]
    rows = []
    for row in content:
        if isinstance(row, Mapping):
            rows.append(row)
        else:  # a list of events, each a dictionary
            rows.append({name: [event[name] for event in row] for name in _NAMES if all(name in e for e in row)})
    if rows and stated is None:
        stated = rows[0].get("dim_process")
    return rows, None if stated is None else int(stated)


def _json(path: Path, split: str | None):
    text = path.read_text(encoding="utf-8")
    try:
        content = json.loads(text)
    except json.JSONDecodeError:
        try:
            content = [json.loads(line) for line in text.splitlines() if line.strip()]
        except json.JSONDecodeError as error:
            raise ValueError(fault("path", "is not JSON", path.name, f"repair it: {error}")) from error
    return _rows(content, split)


def _pickle(path: Path, split: str | None):
    return _rows(_PlainUnpickler(io.BytesIO(path.read_bytes()), encoding="latin-1").load(), split)


def _csv(path: Path, split: str | None):
    with path.open(encoding="utf-8", newline="") as lines:
        table = list(csv.DictReader(lines))
    require(len(table) > 0 and "time" in table[0], "path", "must have a column `time`", path.name, "rename the column")
    items: dict[str, dict[str, list[Any]]] = {}
    labels = sorted({r["mark"] for r in table}) if "mark" in table[0] else []
    code = {m: i for i, m in enumerate(labels)}
    if labels and all(m.isdigit() for m in labels):
        code = {m: int(m) for m in labels}
    for r in table:
        row = items.setdefault(r.get("item") or "", {"time_since_start": [], **({"type_event": []} if labels else {})})
        row["time_since_start"].append(float(r["time"]))
        if labels:
            row["type_event"].append(code[r["mark"]])
    return list(items.values()), None
