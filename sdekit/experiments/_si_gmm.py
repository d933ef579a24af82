r"""Mixture to mixture in 2 to 128 dimensions: which pair of fields to learn, and which $\epsilon$ to generate with.

Both ends are mixtures of three Gaussians whose means lie in the first two coordinates; the law of the first $d$ of
128 coordinates is again such a mixture, so that one record serves all dimensions. In each, four networks are trained
at once, $b$, $v$, $s$ and $\eta$, and make four generators: $(b, s)$, $(b, \eta)$, $(v, s)$, $(v, \eta)$. Against the
exact fields:

- $\epsilon = 0$: the divergence of the law at 1 from that of the flow, by likelihoods;
- $\epsilon > 0$: that of the laws of paths, $\tfrac{1}{4\epsilon}\int E|\hat b_F - b_F|^2 dt$, by Girsanov:
  it bounds that of the laws at 1 from above, and it is what the loss controls. As a function of $\epsilon$ it is
  $g_b/(2\epsilon) + c + \epsilon g_s/2$ with $g_b = \int E|\delta b|^2/2$ and so on: least at $\sqrt{g_b/g_s}$.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import numpyro.distributions as dist

from .._draws import draws
from .._types import Array, Key, Law
from ..data import Snapshots
from ..evaluate import Report, Row
from ..inference import AbstractObjective
from ..interpolants import (
    Drift,
    Field,
    Hutchinson,
    InterpolantMatching,
    Noise,
    Score,
    Velocity,
    brownian_gamma,
    exact_field,
    linear,
    log_prob,
)  # fmt: skip
from ..nets import MLPField
from ._experiment import Experiment, Outcome
from ._training import adam, single


__all__ = ["SI_GMM", "law", "pairs_of_fields", "path_divergence"]

_MOST, _DIMS = 128, (2, 16, 128)
_EPSILONS = (0.1, 0.3, 1.0, 3.0, 10.0, 30.0)
_FLOW, _PATHS, _BEST, _LEAST = "KL of the flow", "KL of paths, epsilon", "best epsilon", "least KL of paths"
_EDGE, _TIMES = 0.02, 64
"""Girsanov's integral is taken over [0.02, 0.98]: at the ends 1/gamma makes errors of the noise infinite."""


def law(end: int, dim: int) -> Law:
    """The mixture at an end, in the first `dim` coordinates: fixed numbers of seed 12."""
    rng = np.random.default_rng(12 + end)
    means = np.zeros((3, _MOST))
    means[:, :2] = 3 * rng.normal(size=(3, 2))
    roots = rng.normal(size=(3, _MOST, _MOST)) / _MOST**0.5
    covariances = roots @ roots.transpose(0, 2, 1) / 2 + np.eye(_MOST) / 4
    some = dist.MultivariateNormal(
        jnp.asarray(means[:, :dim], jnp.float32), jnp.asarray(covariances[:, :dim, :dim], jnp.float32)
    )
    return dist.MixtureSameFamily(dist.Categorical(probs=jnp.asarray([0.3, 0.3, 0.4], jnp.float32)), some)


def path():
    """The linear interpolant with the deviation of a Brownian bridge."""
    return linear(brownian_gamma(1.0))


def pairs_of_fields(field: Field) -> Mapping[str, Field]:
    """The four generators that four learned fields make."""
    b, v, s, eta = field.parts
    return {
        "(b, s)": Field(field.path, b, s),
        "(b, eta)": Field(field.path, b, eta),
        "(v, s)": Field(field.path, v, s),
        "(v, eta)": Field(field.path, v, eta),
    }


class _First(AbstractObjective):
    """The losses in the first coordinates."""

    dim: int = eqx.field(static=True)

    def __call__(self, model: Any, batch: Any, *, key: Key):
        some = eqx.tree_at(lambda b: b.xs, batch, batch.xs[..., : self.dim])
        return InterpolantMatching()(model, some, key=key)


def path_divergence(
    fields: Mapping[str, Field], exact: Field, x0: Array, x1: Array, key: Key
) -> dict[str, tuple[Array, Array, Array]]:
    """The integrals of half of |db|^2, of db . ds and of half of |ds|^2 over [0.02, 0.98], by the name of the field.

    At 64 times, with as many pairs each: the exact field factors its covariances once a time. Its velocity and its
    score are two programs. In one, two batches of LAPACK solves may run at once, each waiting for threads of the pool
    that the two of them hold: jaxlib 0.10.2 then waits for ever on two cores.
    """
    each = x0.shape[0] // _TIMES
    t = _EDGE + (1 - 2 * _EDGE) * (jnp.arange(_TIMES, dtype=x0.dtype) + 0.5) / _TIMES
    cut = lambda x: x[: _TIMES * each].reshape(_TIMES, each, -1)
    z = jax.random.normal(key, x0.shape, x0.dtype)
    at = jax.vmap(jax.vmap(exact.path.combine, (None, 0, 0, 0)))
    x = at(t, cut(x0), cut(x1), cut(z))
    return _differences(fields, t, x, _velocities(exact, t, x), _scores(exact, t, x))


@eqx.filter_jit
def _velocities(field: Field, t: Array, x: Array) -> Array:
    return jax.lax.map(lambda item: jax.vmap(lambda y: field.velocity(item[0], y))(item[1]), (t, x))


@eqx.filter_jit
def _scores(field: Field, t: Array, x: Array) -> Array:
    return jax.lax.map(lambda item: jax.vmap(lambda y: field.score(item[0], y))(item[1]), (t, x))


@eqx.filter_jit
def _differences(fields: Mapping[str, Field], t: Array, x: Array, b: Array, s: Array):
    def one(field, t, x, b, s):
        db, ds = (mine - right for mine, right in zip(field.velocity_and_score(t, x), (b, s), strict=True))
        return jnp.sum(db**2) / 2, jnp.sum(db * ds), jnp.sum(ds**2) / 2

    def mean(field):
        found = jax.vmap(jax.vmap(lambda *item: one(field, *item), (None, 0, 0, 0)))(t, x, b, s)
        return jax.tree.map(lambda v: (1 - 2 * _EDGE) * v.mean(), found)

    return {name: mean(field) for name, field in fields.items()}


@eqx.filter_jit
def _flow_densities(field: Field, x: Array, key: Key, base: Law) -> Array:
    divergence = Hutchinson(4)
    one = lambda y, k: log_prob(field, y, base, steps=30, divergence=divergence, key=k)
    return jax.vmap(one)(x, jax.random.split(key, x.shape[0]))


@eqx.filter_jit
def _densities(data: Law, x: Array) -> Array:
    return jnp.asarray(jax.vmap(data.log_prob)(x))


def of_epsilon(gaps: tuple[float, float, float], epsilon: float | np.ndarray) -> Any:
    """The divergence of the laws of paths."""
    b, c, s = gaps
    return b / (2 * epsilon) + c / 2 + epsilon * s / 2


def _gaps(outcome: Outcome) -> dict[str, dict[str, tuple[float, float, float]]]:
    found = {}
    for name, fit in outcome.fits.items():
        dim, keys = int(name.split()[-1]), jax.random.split(outcome.key, 3)
        law0, law1 = law(0, dim), law(1, dim)
        exact, n = exact_field(path(), law0, law1), outcome.setting["states"]
        order = jax.random.permutation(keys[2], n)
        x0, x1 = draws(law0, n, keys[0])[order], draws(law1, n, keys[1])
        parts = path_divergence(pairs_of_fields(fit.model), exact, x0, x1, keys[2])
        found[name] = {pair: (float(b), float(c), float(s)) for pair, (b, c, s) in parts.items()}
    return found


def _metrics(outcome: Outcome) -> Report:
    rows = []
    for name, pairs in _gaps(outcome).items():
        dim, keys = int(name.split()[-1]), jax.random.split(outcome.key, 3)
        x = draws(law(1, dim), outcome.setting["points"], keys[0])
        for pair, gaps in pairs.items():
            title = f"{name}, {pair}"
            if pair in ("(b, s)", "(v, eta)"):
                field = pairs_of_fields(outcome.fits[name].model)[pair]
                gap = np.asarray(_densities(law(1, dim), x) - _flow_densities(field, x, keys[1], law(0, dim)))
                rows.append(Row(title, _FLOW, float(gap.mean()), float(gap.std() / len(gap) ** 0.5), 0.0))
            rows += [Row(title, f"{_PATHS} {e:g}", float(of_epsilon(gaps, e)), None, 0.0) for e in _EPSILONS]
            best = float(np.sqrt(gaps[0] / gaps[2]))
            rows += [Row(title, _BEST, best), Row(title, _LEAST, float(of_epsilon(gaps, best)), None, 0.0)]
    return Report(tuple(rows))


def _draw(outcome: Outcome, folder: Path) -> None:
    """The divergence of paths against epsilon, by dimension and pair."""
    import matplotlib.pyplot as plt

    from .. import plot

    found, epsilon = _gaps(outcome), np.geomspace(0.03, 100, 80)
    with plot.style():
        figure, axes = plt.subplots(1, len(found), figsize=(2.5 * len(found), 2.6), squeeze=False)
        for ax, (name, pairs) in zip(axes[0], found.items(), strict=True):
            for i, (pair, gaps) in enumerate(pairs.items()):
                ax.loglog(epsilon, of_epsilon(gaps, epsilon), color=plot.PALETTE[i], label=pair)
            ax.set(title=name, xlabel="epsilon")
        axes[0, 0].set_ylabel("KL of paths")
        axes[0, 0].legend(frameon=False, fontsize=7)
        plot.save(figure, folder / "epsilon.png")
    plt.close("all")


def _data(setting, key):
    ends = [draws(law(end, _MOST), setting["n"], k) for end, k in enumerate(jax.random.split(key, 2))]
    return Snapshots(jnp.array([0.0, 1.0], jnp.float32), jnp.stack(ends))


def _build(_data: Any, key: Key) -> dict[str, Field]:
    kinds = (Velocity, Drift, Score, Noise)
    seed = lambda d, i: jax.random.fold_in(key, 10 * d + i)
    net = lambda d, i: single(MLPField(d, 128, 2, time=True, out_scale=1.0, key=seed(d, i)))
    return {f"dimension {d}": Field(path(), *(kind(net(d, i)) for i, kind in enumerate(kinds))) for d in _DIMS}


SI_GMM = Experiment(
    name="si-gmm",
    paper="albergo2023",
    summary="mixture to mixture in 2 to 128 dimensions: KL against epsilon for (b, s), (b, eta), (v, s), (v, eta)",
    data=_data,
    build=_build,
    objective=lambda name: _First(int(name.split()[-1])),
    metrics=_metrics,
    expected={},
    scales={
        "smoke": {"n": 4000, "states": 512, "points": 200, "models": ("dimension 2",), "fit": adam(200, 2e-3)},
        "paper": {"n": 50_000, "states": 1024, "points": 200, "fit": adam(1200, 3e-3)},
    },
    fit={"batch_size": 256, "chunk": 500},
    draw=_draw,
)
