"""Numbers as people read them."""

import math


__all__ = ["number", "with_error"]


def number(value: float | None, digits: int = 4) -> str:
    """A number with `digits` significant digits, without needless zeros of an exponent.

    **Arguments:**

    - `value`: the number; `None` gives a dash.
    - `digits`: significant digits; an integer part is never cut.

    **Returns:** text.

    !!! example

        ```python
        from sdekit.evaluate._format import number
        number(0.123456), number(12345.6), number(1.5e-9)  # '0.1235', '12346', '1.5e-09'
        ```
    """
    if value is None:
        return "–"
    if not math.isfinite(value):
        return str(float(value))
    size = abs(value)
    if size == 0:
        return "0"
    if size >= 1e7 or size < 1e-4:
        return f"{value:.{digits - 1}g}"
    places = max(digits - 1 - math.floor(math.log10(size)), 0)
    return f"{value:.{places}f}"


def with_error(value: float | None, error: float | None) -> str:
    """A number and its standard error, both to the second significant digit of the error.

    **Arguments:**

    - `value`, `error`: the numbers; without an error as `number`.

    **Returns:** text such as `0.563 ± 0.012`.

    !!! example

        ```python
        from sdekit.evaluate._format import with_error
        with_error(0.56312, 0.01234)  # '0.563 ± 0.012'
        ```
    """
    if value is None or error is None or not math.isfinite(value) or not math.isfinite(error) or error <= 0:
        return number(value)
    if max(abs(value), error) >= 1e7 or error < 1e-6:
        return f"{number(value)} ± {number(error, 2)}"
    places = max(1 - math.floor(math.log10(error)), 0)
    return f"{value:.{places}f} ± {error:.{places}f}"
