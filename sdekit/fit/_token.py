"""Equality of functions by what they are made of.

`optax.adam(1e-2)` returns new closures at every call. Compared by identity, each call of `fit` would compile anew;
compared by code and captured values, two such optimisers are the same.
"""

import functools
import types
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from .._types import is_concrete


__all__ = ["Structural", "describe_token", "token"]

_VALUES = (bool, int, float, complex, str, bytes, type(None), type(Ellipsis))


class _Identity:
    """An object that equals itself alone, kept alive so that its address is not used again."""

    def __init__(self, value: Any):
        self.value = value

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Identity) and self.value is other.value

    def __hash__(self) -> int:
        return id(self.value)


def token(value: Any, seen: tuple[int, ...] = ()) -> Any:
    """A hashable value, equal for two objects made of the same code and the same numbers.

    Functions are taken apart into code, defaults and captured values; containers into their entries; concrete arrays
    into shape, dtype and bytes. Anything else stands for itself.

    **Arguments:**

    - `value`: anything.
    - `seen`: the functions that are being taken apart; leave it.

    **Returns:** nested tuples.

    !!! example

        ```python
        import optax
        from sdekit.fit._token import token
        token(optax.adam(1e-2)) == token(optax.adam(1e-2))  # True
        ```
    """
    if isinstance(value, _VALUES):
        # 1 == 1.0 == True and 0.0 == -0.0 in Python, but not in a compiled program.
        return type(value), value, repr(value)
    if id(value) in seen:
        return "cycle", seen.index(id(value))
    inner = (*seen, id(value))
    if isinstance(value, types.FunctionType):
        cells = tuple(_cell(c, inner) for c in value.__closure__ or ())
        defaults = token((value.__defaults__, value.__kwdefaults__), inner)
        return value.__module__, value.__qualname__, value.__code__, cells, defaults
    if isinstance(value, types.MethodType):
        return "method", token(value.__func__, inner), token(value.__self__, inner)
    if isinstance(value, functools.partial):
        return "partial", token(value.func, inner), token(value.args, inner), token(value.keywords, inner)
    if isinstance(value, tuple | list):
        return type(value), *(token(v, inner) for v in value)
    if isinstance(value, dict):
        return dict, *((token(k, inner), token(v, inner)) for k, v in value.items())
    if _is_numeric(value):
        return "array", value.shape, str(value.dtype), np.asarray(value).tobytes()
    try:
        hash(value)
    except TypeError:
        return _Identity(value)
    return type(value), _Hashed(value)


def _is_numeric(value: Any) -> bool:
    if not isinstance(value, jax.Array | np.ndarray) or not is_concrete(value):
        return False
    return not jnp.issubdtype(value.dtype, jax.dtypes.extended) and value.dtype != object


class _Hashed(_Identity):
    """An object compared by its own `==` where it defines a hash."""

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Hashed) and (self.value is other.value or bool(self.value == other.value))

    def __hash__(self) -> int:
        return hash(self.value)


def _cell(cell: types.CellType, seen: tuple[int, ...]) -> Any:
    try:
        return token(cell.cell_contents, seen)
    except ValueError:  # an empty cell
        return "empty"


def describe_token(value: Any) -> str:
    """A token as text that is the same in another run of the program.

    **Arguments:**

    - `value`: what `token` returned.

    **Returns:** text without addresses.

    !!! example

        ```python
        import optax
        from sdekit.fit._token import describe_token, token
        describe_token(token(optax.sgd(0.1)))
        ```
    """
    if isinstance(value, tuple):
        return f"({' '.join(describe_token(v) for v in value)})"
    if isinstance(value, _Identity):
        return type(value.value).__qualname__
    if isinstance(value, type | types.CodeType):
        return getattr(value, "__qualname__", "") or value.co_qualname  # type: ignore[union-attr]
    return repr(value)


class Structural:
    """A value compared by its `token`: what a static field holds so that equal optimisers share a program.

    **Arguments:**

    - `value`: anything.

    !!! example

        ```python
        import optax
        from sdekit.fit._token import Structural
        Structural(optax.adam(1e-2)) == Structural(optax.adam(1e-2))  # True
        ```
    """

    def __init__(self, value: Any):
        self.value = value
        self.token = token(value)
        self._hash = hash(self.token)

    def __eq__(self, other: object) -> bool:
        return self is other or (isinstance(other, Structural) and self.token == other.token)

    def __hash__(self) -> int:
        return self._hash

    def __repr__(self) -> str:
        return describe_token(self.token)
