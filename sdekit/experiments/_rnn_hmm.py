r"""A recurrent network driven by noise learns the sequences of a hidden Markov model, by a Sinkhorn loss.

The model is a linear chain: states in a row, moves to neighbours with probability $t^{1/(n-1)}$, labels of which the
first fades into the last along the row. What the network puts out is held against what the chain says exactly: the law
of pairs and triples of labels, the autocovariance, the lengths of runs.
"""

from pathlib import Path
from typing import Any, ClassVar

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from .._types import Array, Key
from ..data import Series
from ..evaluate import Report, Row
from ..inference import AbstractObjective
from ..jumps import (
    HiddenMarkov,
    Misclassification,
    label_autocovariance,
    label_gram,
    label_pairs,
    label_runs,
    stationary as law_of,
)
from ..transport import sinkhorn
from ._experiment import Experiment, Outcome
from ._training import adam, single


__all__ = ["RNN_HMM"]

_LABELS, _LENGTH, _LAGS, _LONGEST = 3, 30, 11, 15
_VALUES = np.array([-1.0, 0.0, 1.0])
_FLOOR, _NETWORK, _NOTHING = "sequences of the chain", "network", "independent labels"
_PAIRS, _TRIPLES = "total variation, neighbours", "total variation, three in a row"
_MOVES, _RUNS = "largest gap of autocovariances", "Kolmogorov distance, lengths of runs"
_EXACT = "the exact law of the chain"


def chain(states: int, target: float = 0.05) -> tuple[np.ndarray, np.ndarray]:
    """The transition matrix and the laws of the labels."""
    q = target ** (1 / (states - 1))
    matrix = np.diag(np.full(states - 1, q), 1) + np.diag(np.full(states - 1, q), -1)
    matrix += np.diag(1 - matrix.sum(1))
    a = np.arange(states) / (states - 1)
    return matrix, np.stack([0.99 * (1 - a), np.full(states, 0.01), 0.99 * a], 1)


def _model(states: int) -> HiddenMarkov:
    matrix, labels = chain(states)
    first = law_of(jnp.asarray(matrix - np.eye(states)))
    law: Any = Misclassification(jnp.asarray(labels))  # pyright: ignore[reportCallIssue]
    build: Any = HiddenMarkov
    return build(first, jnp.asarray(matrix), law)


class Network(eqx.Module):
    """A plain recurrent network: noise in, a label out at each step, drawn by the Gumbel trick."""

    start: Array
    enter: Array
    inner: Array
    shift: Array
    out: Array
    level: Array
    inputs: ClassVar[int] = 8

    def __init__(self, width: int, *, key: Key):
        keys = jax.random.split(key, 4)
        draw = lambda k, rows, columns: jax.random.normal(k, (rows, columns)) / np.sqrt(columns)
        self.start, self.enter = draw(keys[0], width, self.inputs), draw(keys[1], width, self.inputs)
        self.inner, self.out = draw(keys[2], width, width), draw(keys[3], _LABELS, width)
        self.shift, self.level = jnp.zeros(width), jnp.zeros(_LABELS)

    def sequences(self, n: int, length: int, *, key: Key) -> Array:
        """One-hot labels, shape `(n, length, 3)`. Gradients are those of the softmax at temperature one."""
        first, drive, choose = jax.random.split(key, 3)
        dtype = self.inner.dtype
        h = jnp.tanh(jax.random.normal(first, (n, self.inputs), dtype) @ self.start.T)
        noise = jax.random.normal(drive, (length, n, self.inputs), dtype)
        gumbel = jax.random.gumbel(choose, (length, n, _LABELS), dtype)

        def step(h, inputs):
            x, g = inputs
            h = jnp.tanh(h @ self.inner.T + x @ self.enter.T + self.shift[None])
            scores = h @ self.out.T + self.level[None] + g
            soft = jax.nn.softmax(scores)
            hard = jax.nn.one_hot(scores.argmax(1), _LABELS, dtype=dtype)
            return h, soft + jax.lax.stop_gradient(hard - soft)

        return jnp.swapaxes(jax.lax.scan(step, h, (noise, gumbel))[1], 0, 1)


class SequenceDivergence(AbstractObjective):
    """The entropic cost between generated and given sequences, less half of that within each: Sinkhorn's divergence.

    Within, independent halves are compared, so that nothing is gained by narrowing."""

    epsilon: float = eqx.field(static=True, default=2.0)

    def __call__(self, model: Network, batch: Any, *, key: Key) -> tuple[Array, dict[str, Array]]:
        ys = batch.stack().ys.astype(model.inner.dtype)
        n, length = ys.shape[:2]
        flat = lambda x: x.reshape(x.shape[0], -1)
        xs, ys = flat(model.sequences(n, length, key=key)), flat(ys)
        half = n // 2

        def cost(x, y):
            # Both are one-hot at each step: half the squared distance is the number of steps at which they differ.
            gaps = jnp.sum(x**2, 1)[:, None] / 2 + jnp.sum(y**2, 1)[None] / 2 - x @ y.T
            return sinkhorn(gaps, self.epsilon, tolerance=2e-2, iterations=200).value

        loss = cost(xs, ys) - (cost(xs[:half], xs[half:]) + cost(ys[:half], ys[half:])) / 2
        return loss, {"divergence": loss}


def _data(setting: Any, key: Key) -> Series:
    ts = jnp.arange(float(_LENGTH))
    paths: Any = _model(setting["states"]).sample(ts, key=key, n=setting["sequences"])
    return Series(paths.ts, jax.nn.one_hot(paths.xs[..., 0].astype(int), _LABELS))


def _lengths(labels: np.ndarray) -> np.ndarray:
    """The distribution function of the length of runs of the first label that begin in the first half, up to 15."""
    begins = (labels[:, 1:16] == 0) & (labels[:, :15] != 0)
    row, column = np.nonzero(begins)
    ahead = labels[row[:, None], column[:, None] + 1 + np.arange(_LONGEST)[None]] == 0
    alive = np.cumprod(ahead, 1).mean(0)
    return 1 - alive[1:]


def statistics(labels: np.ndarray) -> dict[str, np.ndarray]:
    """The laws of pairs and triples of neighbours, autocovariances, lengths of runs, of sequences in rows."""
    pairs = np.zeros((_LABELS, _LABELS))
    np.add.at(pairs, (labels[:, :-1], labels[:, 1:]), 1)
    triples = np.zeros((_LABELS,) * 3)
    np.add.at(triples, (labels[:, :-2], labels[:, 1:-1], labels[:, 2:]), 1)
    x = _VALUES[labels]
    moves = [np.mean(x[:, : _LENGTH - k] * x[:, k:]) for k in range(_LAGS)]
    moves = np.array(moves) - x.mean() ** 2
    return {_PAIRS: pairs / pairs.sum(), _TRIPLES: triples / triples.sum(), _MOVES: moves, _RUNS: _lengths(labels)}


def exact(states: int) -> dict[str, np.ndarray]:
    """The same of the chain."""
    matrix, labels = chain(states)
    return {
        _PAIRS: np.asarray(label_pairs(matrix, labels, 2)[1]),
        _TRIPLES: np.asarray(label_gram(matrix, labels, 3)),
        _MOVES: np.asarray(label_autocovariance(matrix, labels, _VALUES, _LAGS)),
        _RUNS: np.cumsum(np.asarray(label_runs(matrix, labels, 0, _LONGEST - 1))),
    }


def _gaps(found: dict[str, np.ndarray], truth: dict[str, np.ndarray]) -> dict[str, float]:
    gaps = {}
    for name, value in found.items():
        gap = np.abs(value - truth[name])
        gaps[name] = float(gap.sum() / 2 if name in (_PAIRS, _TRIPLES) else gap.max())
    return gaps


def _metrics(outcome: Outcome) -> Report:
    states, n = outcome.setting["states"], outcome.setting["draws"]
    fresh, network, shuffle = jax.random.split(outcome.key, 3)
    paths: Any = _model(states).sample(jnp.arange(float(_LENGTH)), key=fresh, n=n)
    real = np.asarray(paths.xs[..., 0]).astype(int)
    model: Any = outcome.fits[_NETWORK].model
    drawn = np.asarray(model.sequences(n, _LENGTH, key=network)).argmax(2)
    mixed = np.asarray(jax.random.permutation(shuffle, real.ravel())).reshape(real.shape)
    truth = exact(states)
    rows = []
    for name, labels in ((_FLOOR, real), (_NETWORK, drawn), (_NOTHING, mixed)):
        rows += [Row(name, metric, gap) for metric, gap in _gaps(statistics(labels), truth).items()]
    return Report(tuple(rows))


def _draw(outcome: Outcome, folder: Path) -> None:
    import matplotlib.pyplot as plt

    from .. import plot

    model: Any = outcome.fits[_NETWORK].model
    labels = np.asarray(model.sequences(4000, _LENGTH, key=outcome.key)).argmax(2)
    found, truth = statistics(labels), exact(outcome.setting["states"])
    with plot.style():
        figure, axes = plt.subplots(1, 3, figsize=(9.6, 2.8))
        axes[0].imshow(labels[:40], aspect="auto", interpolation="nearest", cmap="viridis")
        axes[0].set(title="labels of the network", xlabel="step", ylabel="sequence")
        panels = ((_MOVES, "autocovariance", "lag"), (_RUNS, "lengths of runs of the first label", "at most"))
        for ax, (name, title, below) in zip(axes[1:], panels, strict=True):
            x = np.arange(len(truth[name])) + (name == _RUNS)
            ax.plot(x, truth[name], color="#24292f", label="chain, exact")
            ax.plot(x, found[name], "o", ms=4, color=plot.PALETTE[1], label="network")
            ax.set(title=title, xlabel=below)
        axes[1].legend(frameon=False)
        plot.save(figure, folder / "rnn-hmm.png")
        plt.close(figure)


RNN_HMM = Experiment(
    name="rnn-hmm",
    paper="torre2025",
    summary="a recurrent network learns sequences of a hidden Markov model by a Sinkhorn loss; exact laws beside it",
    data=_data,
    build=lambda _data, key: {_NETWORK: single(Network(64, key=key))},
    objective=lambda _name: SequenceDivergence(),
    metrics=_metrics,
    expected={
        (_NETWORK, _PAIRS): (0.0, 0.05, _EXACT),
        (_NETWORK, _TRIPLES): (0.0, 0.05, _EXACT),
        (_NETWORK, _MOVES): (0.0, 0.1, _EXACT),
        (_NETWORK, _RUNS): (0.0, 0.1, _EXACT),
    },
    scales={
        "smoke": {"states": 2, "sequences": 8192, "draws": 8192, "fit": adam(600, 3e-3, end=0.05, clip=1.0)},
        "paper": {"states": 3, "sequences": 30000, "draws": 30000, "fit": adam(4000, 3e-3, end=0.05, clip=1.0)},
    },
    fit={"batch_size": 256},
    baseline=_NOTHING,
    draw=_draw,
)
