"""The weights of the small network of amortised rates: trained once by a recipe, kept in the user's cache."""

import dataclasses
import hashlib
import os
import tempfile
from pathlib import Path

import equinox as eqx
import jax
import optax

from ..data._store import cache
from ..fit import Fit, fit
from ..inference import AmortisedLikelihood, Simulated
from ..jumps import AmortisedRates, TaskPrior


__all__ = ["Recipe", "zero_shot_rates"]


@dataclasses.dataclass(frozen=True)
class Recipe:
    """How the network is trained. The same recipe gives the same weights on the same machine.

    **Arguments:**

    - `tasks`: by the most paths of a task, the fewest, and how many such tasks.
    - `states`, `noises`, `stretched`: as in `TaskPrior`.
    - `steps`, `batch`, `peak`: of Adam, with a rate that rises to `peak` in a tenth of the steps, then falls.
    - `width`, `depth`: of the network.
    - `seed`: of everything random.

    !!! example

        ```python
        from sdekit.experiments import Recipe
        Recipe(steps=100).name  # the file of its weights
        ```
    """

    tasks: tuple[tuple[int, int, int], ...] = ((30, 10, 9984), (100, 30, 8000), (300, 100, 5760))
    states: tuple[int, ...] = (2, 3, 4, 5, 6, 6, 6, 6, 6)
    noises: tuple[float, ...] = (0.0, 0.01, 0.01, 0.1)
    stretched: float = 0.15
    steps: int = 3000
    batch: int = 64
    peak: float = 2e-3
    width: int = 48
    depth: int = 3
    seed: int = 0

    @property
    def name(self) -> str:
        """The name of the file that holds the weights."""
        digest = hashlib.sha256(repr(dataclasses.astuple(self)).encode()).hexdigest()[:12]
        return f"amortised-rates-{digest}.eqx"

    def record(self) -> Simulated:
        """The tasks to train on, drawn anew."""
        parts = []
        for paths, fewest, count in self.tasks:
            prior = TaskPrior(paths, fewest, self.states, self.noises, stretched=self.stretched)
            parts.append(prior.tasks(count, key=jax.random.fold_in(jax.random.key(self.seed), paths)))
        return parts[0].join(*parts[1:])

    def start(self) -> AmortisedRates:
        """The network before training."""
        return AmortisedRates(self.width, self.depth, key=jax.random.key(self.seed + 1))

    def train(self, *, progress: bool = True) -> Fit:
        """Draw the tasks and train the network, in float32 whatever the default is."""
        with jax.enable_x64(False):
            rate = optax.cosine_onecycle_schedule(self.steps, self.peak, 0.1)
            optimiser = optax.chain(optax.clip_by_global_norm(10.0), optax.adamw(rate, weight_decay=1e-4))
            return fit(
                self.start(), AmortisedLikelihood(), self.record(), key=jax.random.key(self.seed + 2),
                steps=self.steps, batch_size=self.batch, optimiser=optimiser, progress=progress,
            )  # fmt: skip


def zero_shot_rates(recipe: Recipe = Recipe(), *, progress: bool = True) -> AmortisedRates:
    """A trained `AmortisedRates`: read from the user's cache, or trained by the recipe and put there.

    Training of the default recipe takes about four minutes of one core, once. The weights take 0.4 megabytes.

    **Arguments:**

    - `recipe`: how it is trained.
    - `progress`: whether training shows a progress bar.

    **Returns:** the network, in float32.

    !!! example

        ```python
        from sdekit.experiments import Recipe, zero_shot_rates

        tiny = Recipe(tasks=((20, 20, 8),), states=(3,), noises=(0.01,), steps=2, batch=4, width=8, depth=1)
        model = zero_shot_rates(tiny, progress=False)
        ```
    """
    place = cache() / "models" / recipe.name
    with jax.enable_x64(False):
        if place.is_file():
            return eqx.tree_deserialise_leaves(place, recipe.start())
    model = recipe.train(progress=progress).model
    _write(place, model)
    return model


def _write(place: Path, model: AmortisedRates) -> None:
    place.parent.mkdir(parents=True, exist_ok=True)
    # Another process may be at the same file: write aside, then rename, which is atomic.
    with tempfile.NamedTemporaryFile(dir=place.parent, delete=False) as part:
        eqx.tree_serialise_leaves(part, model)
    os.replace(part.name, place)
