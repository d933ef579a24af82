"""Where files of data lie and how they get there: the user's folder, the cache or the network, checked by hash."""

import dataclasses
import hashlib
import os
import sys
import tempfile
import urllib.request
from collections.abc import Sequence
from pathlib import Path

from tqdm import tqdm

from .._errors import fault


__all__ = ["File", "cache", "fetch", "find"]

VARIABLE = "SDEKIT_DATA"


@dataclasses.dataclass(frozen=True)
class File:
    """A file of a data set: where it lies in a folder of data, what its content hashes to, where it is public.

    **Arguments:**

    - `path`: its place in the folder of data, such as `"bridges/LV_data.npy"`.
    - `sha256`: the hash of its content.
    - `url`: where exactly this file can be had, or `""` if it can not.
    - `origin`: the public page or repository, commit and path that it comes from.
    - `made`: how it was made of what lies there, if it is not a copy.

    !!! example

        ```python
        from sdekit.data import File
        File("mine/levels.csv", sha256="0" * 64, url="https://example.org/levels.csv")
        ```
    """

    path: str
    sha256: str
    url: str = ""
    origin: str = ""
    made: str = ""


def cache() -> Path:
    """The folder where downloads are kept, by the custom of the platform."""
    if os.name == "nt":
        return Path(os.environ.get("LOCALAPPDATA", Path.home() / "AppData" / "Local")) / "sdekit" / "Cache"
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Caches" / "sdekit"
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "sdekit"


def find(file: File) -> Path | None:
    """The file in the user's folder or the cache, its content checked; `None` if it is in neither."""
    places = [cache() / file.path]
    folder = os.environ.get(VARIABLE)
    if folder:
        places = [Path(folder) / file.path, Path(folder) / Path(file.path).name, *places]
    for place in places:
        if place.is_file():
            _require_hash(file, place, place.read_bytes())
            return place
    return None


def fetch(name: str, *variants: Sequence[File]) -> list[Path]:
    """The files of the first variant that is at hand, or else of the first that can be downloaded."""
    for files in variants:
        places = [find(file) for file in files]
        if all(places):
            return [place for place in places if place is not None]
    for files in variants:
        if all(file.url for file in files):
            return [find(file) or _download(file) for file in files]
    raise FileNotFoundError(_absent(name, variants))


def _require_hash(file: File, place: Path | str, content: bytes) -> None:
    digest = hashlib.sha256(content).hexdigest()
    if digest != file.sha256:
        problem = f"is not the file that is expected (sha256 {file.sha256})"
        raise ValueError(
            fault(str(place), problem, f"sha256 {digest}", "delete it and load again, or put the right one")
        )


def _download(file: File) -> Path:
    target = cache() / file.path
    target.parent.mkdir(parents=True, exist_ok=True)
    try:
        with urllib.request.urlopen(file.url, timeout=60) as response:
            size = int(response.headers.get("Content-Length") or 0)
            blocks = []
            with tqdm(total=size or None, unit="B", unit_scale=True, desc=target.name, leave=False) as bar:
                while block := response.read(1 << 16):
                    blocks.append(block)
                    bar.update(len(block))
    except OSError as error:
        folder = os.environ.get(VARIABLE) or f"a folder named by ${VARIABLE}"
        raise FileNotFoundError(
            f"`{file.path}` could not be downloaded from {file.url} ({error}). Get it elsewhere and put it at "
            f"{target}, or at {file.path} in {folder}; its sha256 is {file.sha256}."
        ) from error
    content = b"".join(blocks)
    _require_hash(file, file.url, content)
    # Another process may be at the same file: write aside, then rename, which is atomic.
    with tempfile.NamedTemporaryFile(dir=target.parent, delete=False) as part:
        part.write(content)
    os.replace(part.name, target)
    return target


def _absent(name: str, variants: Sequence[Sequence[File]]) -> str:
    folder = os.environ.get(VARIABLE)
    where = f"in {folder} (${VARIABLE}) or" if folder else f"in a folder that ${VARIABLE} names (it is not set), or"
    lines = [f"The data set `{name}` needs a file that cannot be downloaded as it is. Put {where} in {cache()}:"]
    for file in variants[0]:
        lines.append(f"  {file.path}  (sha256 {file.sha256})")
        lines.append(f"    from {file.origin}" + (f"; {file.made}" if file.made else ""))
    return "\n".join(lines)
