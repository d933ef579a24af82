"""How a record says in one line what it holds."""

from ._clock import Clock


__all__ = ["count", "number", "span"]


def count(n: int, noun: str) -> str:
    """`1 time`, `2 times`."""
    return f"{n} {noun}{'' if n == 1 else 's'}"


def number(x: float) -> str:
    """A number at six digits, whole numbers in full."""
    return f"{int(x)}" if float(x).is_integer() and abs(x) < 1e15 else f"{x:.6g}"


def span(clock: Clock, first: float, last: float) -> str:
    """The first and last time as the user knows them, and the unit of the model's."""
    ends = clock.undo([first, last])
    if clock.is_calendar:
        day = "datetime64[D]"
        return f"{ends[0].astype(day)}..{ends[1].astype(day)} in {clock.unit}"
    # Digits beyond the resolution of float32 would be noise.
    return f"{number(float(ends[0]))}..{number(float(ends[1]))}" + (f" in {clock.unit}" if clock.unit else "")
