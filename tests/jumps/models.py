"""The networks that the tests share, so that each program compiles once."""

from scipy import stats

from sdekit.jumps import ReactionNetwork


ALPHA = 1e-6


def birth_death(birth=10.0, death=1.0, start=5, room=96):
    return ReactionNetwork(
        {"birth": "0 -> X", "death": "X -> 0"}, {"birth": birth, "death": death}, {"X": start}, room=room
    )


def dimers(pair=0.05, part=0.4, start=21):
    return ReactionNetwork(
        {"pair": "2 A -> B", "part": "B -> 2 A"}, {"pair": pair, "part": part}, {"A": start}, room=96
    )


def chi_square(counts, law):
    """The p-value of counts against probabilities; cells that expect fewer than ten are put together."""
    n = len(counts)
    seen = [0.0]
    expected = [0.0]
    for k, p in enumerate(law):
        seen[-1] += (counts == k).sum()
        expected[-1] += n * p
        if expected[-1] >= 10:
            seen.append(0.0)
            expected.append(0.0)
    seen[-1] += (counts >= len(law)).sum()
    expected[-1] += n - sum(expected)
    if expected[-1] < 10:
        last = seen.pop(), expected.pop()
        seen[-1] += last[0]
        expected[-1] += last[1]
    statistic = sum((s - e) ** 2 / e for s, e in zip(seen, expected, strict=True))
    return stats.chi2.sf(statistic, len(seen) - 1)
