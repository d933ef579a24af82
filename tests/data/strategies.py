"""Ragged data drawn by Hypothesis. Few distinct sizes, so that few shapes are compiled."""

import numpy as np
from hypothesis import strategies as st


SEEDS = st.integers(0, 2**31 - 1)
SIZES = st.sampled_from([(3, 1, 5), (2, 4)])


@st.composite
def ragged_series(draw, d=2):
    """`(ts, ys)`: lists of times and of values with NaN."""
    rng, sizes = np.random.default_rng(draw(SEEDS)), draw(SIZES)
    ts = [np.cumsum(rng.exponential(size=n)) for n in sizes]
    ys = [rng.normal(size=(n, d)) for n in sizes]
    for y in ys:
        y[rng.random(y.shape) < 0.3] = np.nan
        y[-1] = 1.0  # a row that is observed, so that padding can be told from missing values
    return ts, ys


@st.composite
def ragged_events(draw, num_marks=3):
    """`(ts, marks, t1)`: lists of event times in (0, t1) and of marks; sequences may be empty."""
    rng, sizes = np.random.default_rng(draw(SEEDS)), draw(st.sampled_from([(3, 0, 5), (2, 4)]))
    ts = [np.cumsum(rng.exponential(size=n) + 1e-3) for n in sizes]
    marks = [rng.integers(0, num_marks, size=n) for n in sizes]
    return ts, marks, max([t[-1] for t in ts if len(t)]) + 1.0


@st.composite
def ragged_panel(draw, num_states=3):
    """`(ts, states)`: lists of times and of state codes."""
    rng, sizes = np.random.default_rng(draw(SEEDS)), draw(SIZES)
    return [np.cumsum(rng.exponential(size=n)) for n in sizes], [rng.integers(0, num_states, size=n) for n in sizes]


@st.composite
def ragged_clouds(draw, d=2):
    """`(ts, clouds, weights)` for three times."""
    rng, sizes = np.random.default_rng(draw(SEEDS)), draw(st.sampled_from([(4, 2, 6), (5, 5, 5)]))
    clouds, weights = [rng.normal(size=(n, d)) for n in sizes], [rng.random(n) + 0.1 for n in sizes]
    return np.array([0.0, 0.5, 2.0]), clouds, weights
