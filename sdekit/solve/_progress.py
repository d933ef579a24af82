"""How far a solve has come."""

from collections.abc import Iterator

import diffrax
from tqdm.auto import tqdm


__all__ = ["chunks", "meter_of"]


def meter_of(progress: bool | diffrax.AbstractProgressMeter, n: int | None) -> diffrax.AbstractProgressMeter | None:
    """The meter that runs inside a solve: what the user gave, or a bar where there is one path."""
    if isinstance(progress, diffrax.AbstractProgressMeter):
        return progress
    return diffrax.TqdmProgressMeter() if progress and n is None else None


def chunks(n: int, chunk: int) -> Iterator[int]:
    """The first path of each chunk, with a bar that counts paths."""
    with tqdm(total=n, unit=" paths") as bar:
        for start in range(0, n, chunk):
            yield start
            bar.update(min(chunk, n - start))
