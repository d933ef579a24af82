r"""Every conversion between velocity, drift, score, noise and data.

With $\tilde x = x - \kappa m$ and $\tilde b = b - \dot\kappa m$ a one-sided path has
$\tilde x = c \hat x + \gamma \eta$ and $\tilde b = \dot c \hat x + \dot\gamma \eta$; a two-sided one
$\tilde x = \alpha \hat x_0 + \beta \hat x_1 + \gamma \eta$ and $\tilde v = \dot\alpha \hat x_0 + \dot\beta \hat x_1$.
"""

from typing import Any

from .._errors import fault
from .._types import Array
from ._kinds import AbstractKind, Data, Drift, Noise, Score, Velocity
from ._path import AffinePath, add
from ._schedule import AbstractSchedule


__all__ = ["Known", "inside", "of_one_side", "of_two_sides"]

Known = dict[type[AbstractKind], Any]
Kinds = tuple[type[AbstractKind], ...]


def inside(path: AffinePath, t: Array, sources: Kinds, targets: Kinds) -> Array:
    """The time nearest to `t` at which a conversion divides by nothing too small."""
    # The velocity of a root goes by the score as well.
    by_score = Score in targets or (Velocity in targets and path.gamma is not None and path.gamma.rough)
    squared = (Data in sources or Drift in sources) and by_score and not {Score, Noise, Velocity} & set(sources)
    for schedule in _divisors(path, sources, targets):
        t = schedule.away(t, squared=squared and schedule is path.gamma)
    return t


def _divisors(path: AffinePath, sources: Kinds, targets: Kinds) -> list[AbstractSchedule]:
    """The schedules that a conversion divides by and that may vanish at an end."""
    found = []
    for target in targets:
        if target not in sources:
            found += _one_side_divides(path, sources, target) if path.one_sided else _two_sides(path, sources, target)
    return found


def _one_side_divides(path, sources, target):
    gamma, c = path.gamma, path.datum
    if gamma is None:
        return []
    if Score in sources and (Velocity not in sources or _never_vanishes(c)):
        return [] if target is Noise else [c]
    if Velocity in sources:
        return [gamma] if target is Score and not gamma.rough else []
    if Data in sources:
        return [gamma] if target in (Score, Noise, Velocity) else []
    if Noise in sources:
        if target is Score:
            return [gamma]
        return [c, gamma] if target is Velocity and gamma.rough else [c]
    return [gamma]  # Drift


def _two_sides(path, sources, target):
    gamma, found = path.gamma, []
    if gamma is None:
        return [path.alpha] if Data in sources and target in (Velocity, Drift) else []
    if Data in sources and Velocity not in sources and Drift not in sources:
        found.append(path.alpha)
    if Noise in sources and Score not in sources:
        by_score = target is Score or (target in (Velocity, Drift, Data) and gamma.rough)
        found += [gamma] if by_score else []
    return found


def _missing(path: AffinePath, known: Known, target: type[AbstractKind]) -> ValueError:
    have = [k.__name__ for k in known]
    more = "a Velocity, Drift or Data" if any(k in known for k in (Score, Noise)) else "a Score or Noise"
    if path.gamma is None and target in (Score, Noise):
        return ValueError(fault("field", f"has no {target.__name__}: its path has no noise", have, "use another path"))
    sides = "one-sided" if path.one_sided else "two-sided"
    problem = f"does not tell the {target.__name__} of a {sides} path"
    return ValueError(fault("field.parts", problem, have, f"add {more}"))


def of_one_side(path: AffinePath, t: Array, x: Array, known: Known, target: type[AbstractKind]) -> Array:
    """What a part of a one-sided path says of another kind."""
    gamma, datum = path.gamma, path.datum
    c, dc = datum(t), datum.derivative(t)
    kappa = path.kappa
    shift, d_shift = (None, None) if kappa is None else (kappa(t), kappa.derivative(t))
    centred = x if shift is None else x - shift * path.mean
    if gamma is None:
        hat = known[Data] if Data in known else centred / c
        if target in (Score, Noise):
            raise _missing(path, known, target)
        return hat if target is Data else add((dc, hat), (d_shift, path.mean))
    hat, score, noise = _both(path, t, centred, known, c, dc, d_shift, target)
    if target is Data:
        return hat()
    if target is Noise:
        return noise()
    if target is Score:
        return score()
    if target is Drift:
        return add((dc, hat()), (d_shift, path.mean))
    if gamma.rough:
        return add((dc, hat()), (-gamma.product(t), score()), (d_shift, path.mean))
    return add((dc, hat()), (gamma.derivative(t), noise()), (d_shift, path.mean))


def _both(path, t, centred, known, c, dc, d_shift, target):
    """Data, score and noise, each as a function, from the first part that tells them."""
    gamma = path.gamma
    g = gamma(t)
    if Score in known and (Velocity not in known or _never_vanishes(path.datum)):
        s = known[Score]
        return lambda: (centred + gamma.square(t) * s) / c, lambda: s, lambda: -g * s
    if Velocity in known:
        b = known[Velocity] if d_shift is None else known[Velocity] - d_shift * path.mean
        if gamma.rough:
            product, square = gamma.product(t), gamma.square(t)
            whole = c * product - square * dc
            score = lambda: -(c * b - dc * centred) / whole
            return lambda: (product * centred - square * b) / whole, score, lambda: -g * score()
        dg = gamma.derivative(t)
        whole = c * dg - dc * g
        noise = lambda: (c * b - dc * centred) / whole
        return lambda: (dg * centred - g * b) / whole, lambda: -noise() / g, noise
    if Data in known or Drift in known:
        if Data in known:
            hat = known[Data]
        else:
            hat = (known[Drift] if d_shift is None else known[Drift] - d_shift * path.mean) / dc
        noise = lambda: (centred - c * hat) / g
        return lambda: hat, lambda: -noise() / g, noise
    eta = known[Noise]
    return lambda: (centred - g * eta) / c, lambda: -eta / g, lambda: eta


def _never_vanishes(schedule: AbstractSchedule) -> bool:
    return all(r == (0.0, 1.0) for r in schedule.inner)


def of_two_sides(path: AffinePath, t: Array, x: Array, known: Known, target: type[AbstractKind]) -> Array:
    """What the parts of a two-sided path say of another kind."""
    gamma = path.gamma
    if target in (Score, Noise):
        if gamma is None or not (Score in known or Noise in known):
            raise _missing(path, known, target)
        return -known[Noise] / gamma(t) if target is Score else -gamma(t) * known[Score]
    if target is Data:
        return _data(path, t, x, known)
    return _rate(path, t, x, known, target)


def _rate(path, t, x, known, target):
    """The velocity or the drift."""
    other = Drift if target is Velocity else Velocity
    if target in known:
        return known[target]
    if other in known:
        rate, is_drift = known[other], other is Drift
    elif Data in known and (path.gamma is None or Noise in known or Score in known):
        c = path.coefficients(t)
        noisy = None if path.gamma is None else _noise(path, t, known)
        minus = lambda v: None if v is None else -v
        rest = x + add((minus(c.beta), known[Data]), (minus(c.gamma), noisy), (minus(c.kappa), path.mean))
        rate = add((c.d_alpha, rest / c.alpha), (c.d_beta, known[Data]), (c.d_kappa, path.mean))
        is_drift = True
    else:
        raise _missing(path, known, target)
    if path.gamma is None or is_drift == (target is Drift):
        return rate
    if not (Noise in known or Score in known):
        raise _missing(path, known, target)
    if Score in known or path.gamma.rough:
        s = known[Score] if Score in known else -known[Noise] / path.gamma(t)
        moved = -path.gamma.product(t) * s
    else:
        moved = path.gamma.derivative(t) * known[Noise]
    return rate + moved if target is Velocity else rate - moved


def _noise(path, t, known):
    return known[Noise] if Noise in known else -path.gamma(t) * known[Score]


def _data(path, t, x, known):
    if path.gamma is not None and not (Noise in known or Score in known):
        raise _missing(path, known, Data)
    c = path.coefficients(t)
    v = _rate(path, t, x, known, Drift)
    v = v if c.d_kappa is None else v - c.d_kappa * path.mean
    signal = x if path.gamma is None else x - c.gamma * _noise(path, t, known)
    signal = signal if c.kappa is None else signal - c.kappa * path.mean
    return (c.alpha * v - c.d_alpha * signal) / (c.alpha * c.d_beta - c.beta * c.d_alpha)
