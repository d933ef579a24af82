"""Checkpoints: written whole or not at all, read only by the fit that wrote them."""

import hashlib
import json
import os
import re
from pathlib import Path
from typing import Any, BinaryIO

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from .._parameters import leaf_order
from .._types import PyTree
from ._history import History
from ._state import FitState


__all__ = ["checkpoint_path", "fingerprint", "load", "save"]

_MAGIC = b"sdekit fit 1\n"


def checkpoint_path(checkpoint: str | os.PathLike) -> Path:
    """The file of a checkpoint: the path itself, or `fit.ckpt` in it if it is a directory."""
    path = Path(checkpoint)
    return path / "fit.ckpt" if path.is_dir() else path


def fingerprint(**parts: Any) -> dict[str, str]:
    """What must agree between the fit that wrote a checkpoint and the one that reads it.

    **Arguments:**

    - `parts`: named PyTrees. Arrays enter by shape, dtype and bytes, everything else by its printed form.

    **Returns:** one digest a part, preceded by a readable summary of arrays.
    """
    return {name: _digest(part) for name, part in parts.items()}


def _digest(tree: PyTree) -> str:
    shown = re.sub(r" at 0x[0-9a-f]+", "", eqx.tree_pformat(tree, width=10**6))
    digest = hashlib.blake2b(shown.encode(), digest_size=12)
    for leaf in _in_order(tree):
        if isinstance(leaf, jax.Array | np.ndarray):
            digest.update(np.ascontiguousarray(_data(leaf)).tobytes())
    return f"{shown if len(shown) <= 120 else shown[:117] + '...'} [{digest.hexdigest()}]"


def _in_order(tree: PyTree) -> list[Any]:
    """The leaves, in an order that is the same in every process."""
    leaves = jax.tree.leaves(tree)
    return [leaves[i] for i in leaf_order(tree)]


def _data(x: Any) -> np.ndarray:
    return np.asarray(jax.random.key_data(x) if jnp.issubdtype(x.dtype, jax.dtypes.prng_key) else x)


def _write(file: BinaryIO, x: Any) -> None:
    is_key = isinstance(x, jax.Array) and jnp.issubdtype(x.dtype, jax.dtypes.prng_key)
    eqx.default_serialise_filter_spec(file, jax.random.key_data(x) if is_key else x)


def _read(file: BinaryIO, like: Any) -> Any:
    if isinstance(like, jax.Array) and jnp.issubdtype(like.dtype, jax.dtypes.prng_key):
        data = eqx.default_deserialise_filter_spec(file, jax.random.key_data(like))
        return jax.random.wrap_key_data(data, impl=jax.random.key_impl(like))
    return eqx.default_deserialise_filter_spec(file, like)


def save(path: Path, state: FitState, history: History, print_: dict[str, str], stopped: str | None) -> None:
    """Write a checkpoint: to a new file beside it, flushed to the disk, then renamed over the old one.

    **Arguments:**

    - `path`: the file.
    - `state`, `history`: what to keep.
    - `print_`: what `fingerprint` returned.
    - `stopped`: why the fit ended, or `None` if it has not.
    """
    columns = {name: (str(column.dtype), len(column)) for name, column in history.items()}
    header = json.dumps({"fingerprint": print_, "columns": columns, "stopped": stopped}).encode()
    path.parent.mkdir(parents=True, exist_ok=True)
    # One name, so that a process killed while it writes leaves one stray file, which the next write replaces.
    partial = path.with_name(f".{path.name}.partial")
    with open(partial, "wb") as file:
        file.write(_MAGIC + len(header).to_bytes(8, "little") + header)
        eqx.tree_serialise_leaves(file, (_in_order(state), list(history.values())), filter_spec=_write)
        file.flush()
        os.fsync(file.fileno())
    os.replace(partial, path)
    _flush_directory(path.parent)


def _flush_directory(directory: Path) -> None:
    """Make the rename itself survive a power cut, where the system can open directories."""
    try:
        handle = os.open(directory, os.O_RDONLY)
    except OSError:
        return
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def load(path: Path, like: FitState, print_: dict[str, str]) -> tuple[FitState, History, str | None]:
    """Read a checkpoint.

    **Arguments:**

    - `path`: the file.
    - `like`: a state of the same structure, shapes and dtypes.
    - `print_`: the fingerprint of the fit that reads.

    **Returns:** the state, the history, and why the fit ended (`None` if it had not).

    **Raises:** `ValueError` if the file is not a checkpoint, or was written by another fit; the message says in what
    they differ.
    """
    with open(path, "rb") as file:
        if file.read(len(_MAGIC)) != _MAGIC:
            raise ValueError(f"`checkpoint`: {path} is not a checkpoint of this version of sdekit. Pass another path.")
        header = json.loads(file.read(int.from_bytes(file.read(8), "little")))
        wrong = [name for name, part in print_.items() if header["fingerprint"].get(name) != part]
        if wrong:
            rows = [f"  {name}: {header['fingerprint'].get(name)} there, {print_[name]} here" for name in wrong]
            raise ValueError(
                f"`checkpoint`: {path} was written by another fit; {', '.join(wrong)} differ:\n" + "\n".join(rows)
                + "\nPass another path, delete the file, or call with the arguments it was written with."
            )  # fmt: skip
        columns = [np.empty(length, dtype) for dtype, length in header["columns"].values()]
        read, values = eqx.tree_deserialise_leaves(file, (_in_order(like), columns), filter_spec=_read)
    leaves = [leaf for _, leaf in sorted(zip(leaf_order(like), read, strict=True), key=lambda pair: pair[0])]
    state = jax.tree.unflatten(jax.tree.structure(like), leaves)
    return state, History(dict(zip(header["columns"], values, strict=True))), header["stopped"]
