"""The figures of a comparison: the data with the forecast of the best model, the scores, the residuals."""

from pathlib import Path

import jax.numpy as jnp
import numpy as np

from .._types import Key
from ..inference import forecast
from ._candidates import CANDIDATES
from ._compare import Comparison
from ._residuals import one_step_residuals


__all__ = ["draw"]


def draw(found: Comparison, folder: Path, *, key: Key, n: int = 1000) -> list[Path]:
    """Draw the figures of a comparison.

    **Arguments:**

    - `found`: the comparison.
    - `folder`: where to write `forecast.png`, `comparison.png` and `diagnostics.png`.
    - `key`: of the forecast.
    - `n`: paths of the forecast.

    **Returns:** the files.

    **Raises:** `ImportError` without matplotlib.

    !!! example

        ```python
        from pathlib import Path
        import jax, jax.numpy as jnp
        import sdekit as sk
        from sdekit.experiments import compare, draw

        path = sk.processes.OrnsteinUhlenbeck(rate=0.5).sample(jnp.arange(40.0), key=jax.random.key(0))
        found = compare(sk.Series(path.ts, path.xs), ["brownian"], key=jax.random.key(1), progress=False)
        draw(found, Path("out"), key=jax.random.key(2))
        ```
    """
    import matplotlib.pyplot as plt

    from .. import plot

    title = CANDIDATES[found.best].title
    model = found.fits[found.best].model
    small, later = found.affine(found.past), found.affine(found.future)
    paths = forecast(model, small, later.ts, key=key, n=n)
    paths = found.affine.inverse(paths)
    axes = np.atleast_1d(plot.fan(paths, found.series))
    split = found.series.clock.undo(np.asarray(found.past.ts[-1:]))[0]
    for ax in axes:
        ax.axvline(split, color="0.6", lw=0.8, ls=(0, (4, 3)))
    axes[0].set_title(f"{title}: forecast from the end of the past", loc="left", fontsize=9.5)
    files = [plot.save(axes[0].figure, folder / "forecast.png")]
    scores = plot.comparison(found.report, tuple(m for m in found.report.metrics if m != "log-likelihood"))
    files.append(plot.save(scores, folder / "comparison.png"))
    residuals = one_step_residuals(model, small)
    checks = plot.diagnostics(residuals, jnp.asarray(found.past.ts), clock=found.series.clock)
    files.append(plot.save(checks, folder / "diagnostics.png"))
    plt.close("all")
    return files
