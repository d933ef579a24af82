"""A reaction: what goes in, what comes out, how fast."""

import dataclasses
import functools
import re
from collections.abc import Callable
from typing import Any

from .._errors import fault


__all__ = ["Reaction"]

_TERM = re.compile(r"^(?:(\d+)\s*\*?\s*)?([A-Za-z_]\w*)$")
_NOTHING = {"", "0", "∅"}


@dataclasses.dataclass(frozen=True)
class Reaction:
    r"""A reaction of a `ReactionNetwork`, read from a string such as `"2 A -> B"`.

    **Arguments:**

    - `equation`: reactants, an arrow, products. `0` stands for nothing: `"0 -> X"`, `"X -> 0"`.
    - `rate`: the name of a rate of the network, for mass action: the propensity is the rate times the number of ways to
        choose the reactants, $c \prod_i \binom{x_i}{m_i}$ (for `2 A`: $c\,x(x-1)/2$). Or a function
        `(t, x, p) -> propensity`, with `x` the counts by species and `p` the rates by name, each a number; it must be
        nonnegative, and zero where a reactant is missing.
    - `bound`: a function `(x, p) -> number` that the propensity never passes at any time, for a function that depends
        on `t`. Between events the state is constant, so that a bound on time alone is enough. Declares the reaction
        time-dependent: it is then simulated by thinning.

    **Raises:** `ValueError` for an equation that cannot be read, naming it.

    Source: Gillespie (1977), Exact stochastic simulation of coupled chemical reactions, equations 2 to 4.

    !!! example

        ```python
        from sdekit.jumps import Reaction
        Reaction("2 A -> B", "dimerise")
        Reaction("A -> B", lambda t, x, p: p["v"] * x["A"] / (p["K"] + x["A"]))
        ```
    """

    equation: str
    rate: str | Callable[[Any, dict, dict], Any]
    bound: Callable[[dict, dict], Any] | None = None

    def __post_init__(self):
        if self.equation.count("->") != 1 or "<->" in self.equation:
            remedy = "write one arrow, as in '2 A -> B'; a reversible reaction is two reactions"
            raise ValueError(fault("equation", "must hold one arrow ->", self.equation, remedy))
        _ = self.reactants, self.products
        if isinstance(self.rate, str) and self.bound is not None:
            remedy = "drop it, or give the rate as a function of time"
            raise ValueError(fault(f"Reaction {self.equation!r}", "is mass action and has a bound", self.bound, remedy))
        if not isinstance(self.rate, str) and not callable(self.rate):
            remedy = "pass the name of a rate, or a function (t, x, p) -> propensity"
            raise TypeError(fault(f"Reaction {self.equation!r}", "has a rate of an unknown kind", self.rate, remedy))

    @functools.cached_property
    def reactants(self) -> dict[str, int]:
        """How many of each species go in."""
        return _side(self.equation, self.equation.split("->")[0])

    @functools.cached_property
    def products(self) -> dict[str, int]:
        """How many of each species come out."""
        return _side(self.equation, self.equation.split("->")[1])

    @property
    def species(self) -> tuple[str, ...]:
        """The species, in the order of reading."""
        return tuple(dict.fromkeys((*self.reactants, *self.products)))

    @property
    def change(self) -> dict[str, int]:
        """The change of each count when the reaction fires."""
        return {s: self.products.get(s, 0) - self.reactants.get(s, 0) for s in self.species}

    @property
    def order(self) -> int:
        """The number of molecules that go in."""
        return sum(self.reactants.values())


def _side(equation: str, text: str) -> dict[str, int]:
    if text.strip() in _NOTHING:
        return {}
    found: dict[str, int] = {}
    for term in text.split("+"):
        match = _TERM.match(term.strip())
        if match is None:
            remedy = "write terms such as 'A' or '2 A' joined by +, and 0 for nothing"
            raise ValueError(fault(f"Reaction {equation!r}", "has a term that cannot be read", term.strip(), remedy))
        number, name = int(match[1] or 1), match[2]
        found[name] = found.get(name, 0) + number
    return {name: number for name, number in found.items() if number}
