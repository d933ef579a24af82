"""The progress bar: on the host, between chunks, with no effect on results."""

import contextlib
from collections.abc import Callable, Iterator


__all__ = ["progress_bar"]


@contextlib.contextmanager
def progress_bar(steps: int, start: int, shown: bool) -> Iterator[Callable[[int, dict[str, float]], None]]:
    """One bar for a fit.

    **Arguments:**

    - `steps`: the number of steps in all.
    - `start`: those taken before.
    - `shown`: `False` for silence.

    **Returns:** a context; its value is called with the steps taken and the last row of the history.
    """
    if not shown:
        yield lambda *_: None
        return
    from tqdm.auto import tqdm

    with tqdm(total=steps, initial=start, unit="step", desc="fit", leave=True) as bar:

        def show(step, row):
            losses = {name: f"{row[name]:.5g}" for name in ("loss", "valid_loss") if name in row}
            bar.set_postfix(losses, refresh=False)
            bar.update(step - bar.n)

        yield show
