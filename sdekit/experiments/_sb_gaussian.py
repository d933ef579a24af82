r"""The Gaussian Schroedinger bridge in closed form, against what characterises it.

The off-diagonal block of the joint precision of the two ends is $-\Phi^\top Q^{-1}$, that of the reference; the moments
solve the equations of the drift; the divergence of the joint law is the energy of the control.
"""

from collections.abc import Mapping
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from .._types import Key
from ..bridges import GaussianSchroedingerBridge
from ..data import Snapshots
from ..evaluate import Report, Row
from ..processes import BrownianMotion, LinearSDE
from ._experiment import Experiment, Outcome
from ._sb_snapshots import unfitted


__all__ = ["SB_GAUSSIAN"]

_PRECISION = "joint precision off the diagonal, relative"
_LYAPUNOV = "moment equations at 5 times, relative"
_DIVERGENCE = "static less dynamic KL, relative"
_DIMS = (1, 2, 5, 20)


def _case(dim: int, brownian: bool, key: Key) -> GaussianSchroedingerBridge:
    rng = np.random.default_rng(int(jax.random.bits(key)))
    if brownian:
        reference = BrownianMotion(scale=rng.uniform(0.5, 1.5, dim))
    else:
        # The symmetric part is negative: stable.
        stable = rng.normal(size=(dim, dim)) / np.sqrt(dim)
        stable -= (np.linalg.eigvalsh((stable + stable.T) / 2).max() + 0.5) * np.eye(dim)
        noise = rng.normal(size=(dim, dim)) / (2 * np.sqrt(dim)) + np.eye(dim)
        reference = LinearSDE(stable, rng.normal(size=dim), noise)
    roots = rng.normal(size=(2, dim, dim + 2))
    covariances = roots @ roots.transpose(0, 2, 1) / dim + 0.2 * np.eye(dim)
    return GaussianSchroedingerBridge(reference, rng.normal(size=(2, dim)), covariances)


@eqx.filter_jit
def _lyapunov(bridge: GaussianSchroedingerBridge, ts: Any) -> Any:
    def law(t):
        found: Any = bridge.marginal(t)
        return found.mean, found.covariance_matrix

    def gap(t):
        (mean, s), (dmean, ds) = jax.jvp(law, (t,), (jnp.ones_like(t),))
        a = jax.jacfwd(lambda x: bridge.drift(t, x))(mean)
        g = bridge.diffusion(t, mean).as_matrix()
        moved = a @ s
        rate = moved + moved.T + g @ g.T
        big = jnp.maximum(1.0, jnp.abs(rate).max())
        return jnp.maximum(jnp.abs(dmean - bridge.drift(t, mean)).max(), jnp.abs(ds - rate).max()) / big

    return jax.lax.map(gap, ts).max()


def _precision(bridge: GaussianSchroedingerBridge) -> float:
    d = bridge.dim
    phi, _, q = (np.asarray(v) for v in bridge.reference.discretise(bridge.times[0], bridge.times[1]))
    s0, s1, c = *np.asarray(bridge.covariances), np.asarray(bridge.coupling())
    found = np.linalg.inv(np.block([[s0, c], [c.T, s1]]))[:d, d:]
    expected = -phi.T @ np.linalg.inv(q)
    return float(np.abs(found - expected).max() / max(1.0, np.abs(expected).max()))


def _metrics(outcome: Outcome) -> Report:
    rows = []
    ts = jnp.linspace(0.1, 0.9, 5)
    for dim in outcome.setting["dims"]:
        for brownian in (True, False):
            name = f"{'Brownian' if brownian else 'linear'}, d = {dim}"
            bridge = _case(dim, brownian, jax.random.fold_in(outcome.key, 2 * dim + brownian))
            kl = float(bridge.kl())
            rows += [
                Row(name, _PRECISION, _precision(bridge)),
                Row(name, _LYAPUNOV, float(_lyapunov(bridge, ts))),
                Row(name, _DIVERGENCE, abs(float(bridge.dynamic_kl(outcome.setting["nodes"])) - kl) / kl),
            ]
    # What float32 can hold is not what the closed form gives: the bars are those of the run's own precision.
    eps = float(jnp.finfo(jnp.result_type(float)).eps)
    bars = {_PRECISION: max(1e-9, 3e4 * eps), _LYAPUNOV: max(1e-9, 3e4 * eps), _DIVERGENCE: max(1e-6, 3e4 * eps)}
    return Report(tuple(rows)).expect({(r.model, r.metric): (0.0, bars[r.metric], "an identity") for r in rows})


def _data(setting: Mapping[str, Any], key: Key) -> Snapshots:
    """There are none: everything is in closed form."""
    return Snapshots(jnp.array([0.0, 1.0]), jnp.zeros((2, 1, 1)))


SB_GAUSSIAN = Experiment(
    name="sb-gaussian",
    paper="bunne2023",
    summary="the Gaussian Schroedinger bridge against its identities, Brownian and linear references, d = 1 to 20",
    data=_data,
    build=lambda _data, _key: {},
    objective=unfitted,
    metrics=_metrics,
    expected={},
    scales={"smoke": {"dims": (2,), "nodes": 24}, "paper": {"dims": _DIMS, "nodes": 48}},
)
