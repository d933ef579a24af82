"""Data by name: `load` and what can be loaded."""

import dataclasses
import difflib
import inspect
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from .._errors import fault, require
from ._store import File


__all__ = ["Catalogue", "Entry", "datasets", "load", "register"]


@dataclasses.dataclass(frozen=True)
class Entry:
    """What is known of a data set.

    **Arguments:**

    - `name`: what `load` takes.
    - `kind`: the record that comes: `Series`, `Labelled`, `Panel`, `Events`, `Snapshots`, or `arrays` for a
        dictionary of them.
    - `about`: one line.
    - `licence`: as its source states it.
    - `citation`: what to cite.
    - `read`: the function that gives the record; its keyword arguments are the options of `load`.
    - `files`: the files that it reads, none for what is generated or comes inside a package.

    !!! example

        ```python
        from sdekit.data import datasets
        datasets()["nile"].citation
        ```
    """

    name: str
    kind: str
    about: str
    licence: str
    citation: str
    read: Callable[..., Any]
    files: tuple[File, ...] = ()

    @property
    def options(self) -> str:
        """The keyword arguments that `load` passes on, with their defaults."""
        parameters = inspect.signature(self.read).parameters.values()
        return ", ".join(p.name if p.default is p.empty else f"{p.name}={p.default!r}" for p in parameters)

    def __str__(self) -> str:
        return f"{self.name} ({self.kind}): {self.about} [{self.licence}] {self.citation}"


class Catalogue(Mapping[str, Entry]):
    """All data sets by name; prints as a list with a line for each.

    !!! example

        ```python
        from sdekit.data import datasets
        [entry.name for entry in datasets().values() if entry.kind == "Panel"]
        ```
    """

    def __init__(self, entries: Mapping[str, Entry]):
        self._entries = dict(entries)

    def __getitem__(self, name: str) -> Entry:
        return self._entries[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._entries)

    def __len__(self) -> int:
        return len(self._entries)

    def __repr__(self) -> str:
        width = max(map(len, self._entries), default=0)
        return "\n".join(f"{e.name:<{width}}  {e.kind:<9}  {e.about} [{e.licence}]" for e in self.values())


_ENTRIES: dict[str, Entry] = {}


def register(
    name: str, *, kind: str, about: str, licence: str, citation: str, files: tuple[File, ...] = ()
) -> Callable[[Callable], Callable]:
    """Add a data set to the registry: a decorator for the function that reads or generates it.

    **Arguments:** as `Entry`.

    **Returns:** a decorator that gives the function back.

    **Raises:** `ValueError` if the name is taken.

    !!! example

        ```python
        import jax.numpy as jnp
        from sdekit.data import Series, load, register

        @register("ramp", kind="Series", about="A straight line.", licence="none needed", citation="none")
        def ramp(*, n=10):
            return Series(jnp.arange(float(n)), jnp.arange(float(n)))

        load("ramp", n=5)
        ```
    """
    require(name not in _ENTRIES, "name", "is taken by another data set", name, "choose another name")

    def add(read: Callable) -> Callable:
        _ENTRIES[name] = Entry(name, kind, about, licence, citation, read, files)
        return read

    return add


def load(name: str, **options: Any) -> Any:
    """A data set by name. Prints nothing.

    Generated data and what comes inside packages need no network. A file is taken from the folder that the environment
    variable `SDEKIT_DATA` names, or from the user's cache, or else downloaded into the cache; its hash is checked every
    time. Nothing is ever unpickled.

    **Arguments:**

    - `name`: one of `datasets()`.
    - `options`: what the data set takes, see `datasets()[name].options`. Generated data take a `key`.

    **Returns:** a record (`Series`, `Labelled`, `Panel`, `Events` or `Snapshots`), or a dictionary of arrays where the
    entry's kind says so.

    **Raises:** `ValueError` for an unknown name or a file whose content is not the expected one, `TypeError` for an
    unknown option, `FileNotFoundError` that says what to put where, `ImportError` that says what to install.

    !!! example

        ```python
        import jax
        import sdekit as sk

        sk.data.load("nile")  # Series(100 times, 1 component, 100 observed, 1871..1970 in years)
        sk.data.load("ou", n=20, key=jax.random.key(0))
        ```
    """
    if name not in _ENTRIES:
        near = difflib.get_close_matches(str(name), _ENTRIES, n=3, cutoff=0.4)
        remedy = f"did you mean {' or '.join(near)}? See `datasets()`" if near else "see `datasets()`"
        raise ValueError(fault("name", "is not a data set", name, remedy))
    entry = _ENTRIES[name]
    parameters = inspect.signature(entry.read).parameters
    for option in options:
        if option not in parameters:
            raise TypeError(fault(option, f"is not an option of the data set `{name}`", options[option],
                                  f"its options are: {entry.options or 'none'}"))  # fmt: skip
    for p in parameters.values():
        if p.default is p.empty and p.name not in options:
            remedy = "pass key=jax.random.key(0), say" if p.name == "key" else f"pass {p.name}="
            raise TypeError(fault(p.name, f"must be given for the data set `{name}`", None, remedy))
    return entry.read(**options)


def datasets() -> Catalogue:
    """What `load` knows: names with a line each, kinds, licences, citations, options.

    **Returns:** a mapping from names to `Entry`, which prints as a list.

    !!! example

        ```python
        from sdekit.data import datasets
        print(datasets())
        ```
    """
    return Catalogue(_ENTRIES)
