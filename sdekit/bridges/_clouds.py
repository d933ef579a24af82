"""The Schroedinger bridge through snapshots: potentials on the particles, no network and nothing to train."""

from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Bool, Float

from .._errors import fault, require
from .._parameters import law_field
from .._process import AbstractDiffusion, AbstractLinearGaussian
from .._types import Array, Key, Law, RealScalar, State, Times, is_concrete
from ..data import Snapshots
from ..paths import Provenance, SampledPath
from ..transport import sinkhorn
from ._bridge import AbstractPotentialBridge
from ._laws import BridgeMarginal, Cloud
from ._linearised import Linearised, local_moments


__all__ = ["SinkhornBridge"]

_LIMIT = 2000


class SinkhornBridge(AbstractPotentialBridge):
    r"""The Schroedinger bridge of a reference diffusion through snapshots at two or more times.

    Of the particles as they are, by Sinkhorn's iterations with the reference's transition density as the kernel: the
    potentials are $\varphi_t(x) = \sum_j e^{g_j} p(t, x; t_1, y_j)$ and
    $\hat\varphi_t(x) = \sum_i e^{f_i} p(t_0, x_i; t, x)$, exactly for a linear reference, and with linearised kernels
    (`Linearised`) for any other. Draws go through the particles: partners from the plan, then the reference pinned at
    both, from time to time of what is asked for. Snapshots may differ in size and have weights. At a time of the
    snapshots itself the law is a sum of atoms, and the score has no meaning.

    The bridge says nothing about the noise: that of the reference is taken as known.

    **Arguments:**

    - `reference`: a diffusion, with noise. Its own `initial` plays no part.
    - `data`: snapshots at two or more times.
    - `tolerance`: of the marginals of each plan, as in `sdekit.transport.sinkhorn`.

    **Raises:** `TypeError` for a reference that is no diffusion; `ValueError` for fewer than two snapshots, another
    number of components, a reference without noise, or a plan that did not converge.

    !!! example

        ```python
        import jax, jax.numpy as jnp
        import sdekit as sk
        from sdekit import bridges

        x = jax.random.normal(jax.random.key(0), (2, 30, 1)) + jnp.array([0.0, 3.0])[:, None, None]
        data = sk.data.Snapshots(jnp.array([0.0, 1.0]), x)
        bridge = bridges.SinkhornBridge(sk.processes.BrownianMotion(scale=0.5), data)
        bridge.drift(0.5, jnp.array([1.0]))
        bridge.sample(jnp.linspace(0.0, 1.0, 6), key=jax.random.key(1), n=4).xs.shape  # (4, 6, 1)
        ```

    Source: Pooladian and Niles-Weed (2024), Plug-in estimation of Schroedinger bridges, equation 1.7; several times and
    other references: Shen, Berlinghieri and Broderick (2025), arXiv 2408.06277, section 3.
    """

    reference: Any = law_field()
    data: Snapshots = law_field()
    f: Float[Array, "k-1 n"] = law_field()
    """The potentials at the start of each interval."""
    g: Float[Array, "k-1 n"] = law_field()
    """The potentials at its end."""
    error: Float[Array, " k-1"] = law_field()
    """Of the marginals of each plan, in total variation."""
    divergence: Float[Array, ""] = law_field()
    tolerance: float = eqx.field(static=True)  # pyright: ignore[reportGeneralTypeIssues]

    def __init__(self, reference: Any, data: Snapshots, *, tolerance: float = 1e-3):
        self.reference, self.data = require_problem(reference, data)
        self.tolerance = tolerance
        self.f, self.g, self.error, self.divergence = _plans(self.reference, self.data, tolerance)
        if is_concrete(self.error):
            worst = int(np.argmax(np.asarray(self.error)))
            ok = bool((np.asarray(self.error) <= tolerance).all())
            remedy = "raise `tolerance`, give the reference more noise, or use float64"
            problem = f"lets the plan of interval {worst} not converge: its marginals are off by"
            require(ok, "reference", problem, float(self.error[worst]), remedy)

    @property
    def times(self) -> Times:
        return self.data.ts

    @property
    def converged(self) -> Bool[Array, ""]:
        """Whether all plans are within the tolerance; without that, a bridge is built under `jit` alone."""
        return (self.error <= self.tolerance).all()

    @property
    def initial(self) -> Law:
        return Cloud(self.data.xs[0], self.data.weights[0])

    def _interval(self, t: RealScalar) -> Array:
        return jnp.clip(jnp.searchsorted(self.times, t, side="right") - 1, 0, self.times.shape[0] - 2)

    def log_forward(self, t: RealScalar, x: State) -> Float[Array, ""]:
        k = self._interval(t)
        end = self.times[k + 1]
        # The kernel has no density at the end itself.
        t = jnp.minimum(t, end - 1e-6 * (end - self.times[k]))
        return jax.nn.logsumexp(self.g[k] + _log_kernel(self.reference, t, end, x, self.data.xs[k + 1]))

    def log_backward(self, t: RealScalar, x: State) -> Float[Array, ""]:
        k = self._interval(t)
        start = self.times[k]
        t = jnp.maximum(t, start + 1e-6 * (self.times[k + 1] - start))
        one = lambda x0: _log_kernel(self.reference, start, t, x0, x[None])[0]
        return jax.nn.logsumexp(self.f[k] + jax.vmap(one)(self.data.xs[k]))

    def marginal(self, t: RealScalar) -> Law:
        return BridgeMarginal(self, t)

    def kl(self) -> Float[Array, ""]:
        """The divergence from the reference, less the entropies of the snapshots after the first.

        Particles are atoms, whose divergence from a law with a density is infinite: what is left out depends on the
        snapshots alone, so that two references compare by it.
        """
        return self.divergence

    def plan(self, k: int = 0) -> Float[Array, "n n"]:
        """The joint law of the particles at `times[k]` and `times[k + 1]`."""
        return jnp.exp(_log_plan(self, k))

    def carried(self, t: RealScalar, *, key: Key) -> Float[Array, "n d"]:
        """A draw at `t` from each particle of the snapshot before, padding included: each start is taken once.

        Less noisy than `sample`, whose starts are drawn with replacement.
        """
        return _carried(self, jnp.asarray(t, self.times.dtype), key)

    def draw(self, ts: Times, *, key: Key) -> SampledPath:
        count = self.times.shape[0]
        keys = jax.random.split(key, count + 1)
        first = jax.random.categorical(keys[0], jnp.log(self.data.weights[0]))

        def partner(i, inputs):
            k, key = inputs
            kernel = _log_kernel(
                self.reference, self.times[k], self.times[k + 1], self.data.xs[k][i], self.data.xs[k + 1]
            )
            j = jax.random.categorical(key, self.g[k] + kernel)
            return j, j

        _, rest = jax.lax.scan(partner, first, (jnp.arange(count - 1), keys[1:-1]))
        knots = self.data.xs[jnp.arange(count), jnp.concatenate([first[None], rest])]

        def step(carry, inputs):
            s, x = carry
            t, key = inputs
            k = jnp.clip(jnp.searchsorted(self.times, t, side="left") - 1, 0, count - 2)
            left, right = self.times[k], self.times[k + 1]
            x, s = jnp.where(s >= left, x, knots[k]), jnp.maximum(s, left)
            x = pinned_step(self.reference, s, x, t, right, knots[k + 1], jax.random.normal(key, x.shape, x.dtype))
            return (t, x), x

        ts = ts.astype(self.times.dtype)
        start = jnp.full((), -jnp.inf, ts.dtype), knots[0]
        _, xs = jax.lax.scan(step, start, (ts, jax.random.split(keys[-1], ts.shape[0])))
        return SampledPath(ts, xs, Provenance("pinned to particles"))


def require_problem(reference: Any, data: Snapshots) -> tuple[Any, Snapshots]:
    """A reference with local moments, and snapshots that fit it."""
    if not isinstance(reference, AbstractDiffusion):
        remedy = "pass a diffusion such as BrownianMotion(scale)"
        raise TypeError(fault("reference", "must be a diffusion", type(reference).__name__, remedy))
    if not isinstance(data, Snapshots):
        remedy = "build one with sdekit.data.Snapshots.from_list(ts, clouds)"
        raise TypeError(fault("data", "must be a record of Snapshots", type(data).__name__, remedy))
    require(data.ts.shape[0] >= 2, "data", "must have snapshots at two times or more", data, "add a snapshot")
    d = reference.dim
    require(data.dim == d, "data", f"must have {d} component(s), as the reference", data.dim, "use another reference")
    if not isinstance(reference, AbstractLinearGaussian | Linearised):
        reference = Linearised(reference)  # pyright: ignore[reportCallIssue]
    data = _one_dtype(reference, data)
    if is_concrete((reference, data)):
        x = data.xs[0][int(np.argmax(np.asarray(data.mask[0])))]
        q = np.asarray(_moments(reference, data.ts[0], data.ts[1], x)[2], np.float64)
        ok = np.isfinite(q).all() and np.linalg.eigvalsh(q).min() > 1e-14 * max(np.trace(q), 1e-300)
        remedy = "give each component noise of its own, or noise that reaches it through the drift"
        require(bool(ok), "reference", "must have noise that reaches every component", q, remedy)
    return reference, data


def _one_dtype(reference: Any, data: Snapshots) -> Snapshots:
    """The snapshots in the widest dtype of their own and the reference's."""
    floats = [v for v in jax.tree.leaves((reference, data)) if eqx.is_inexact_array(v)]
    dtype = jnp.result_type(*floats)
    parts = lambda s: (s.ts, s.xs, s.weights)
    return eqx.tree_at(parts, data, tuple(v.astype(dtype) for v in parts(data)))


@eqx.filter_jit
def _moments(reference, t0, t1, x):
    return local_moments(reference, t0, t1, x)


def _log_kernel(reference: Any, t0: RealScalar, t1: RealScalar, x: State, ys: Float[Array, "m d"]) -> Array:
    """The logarithm of the transition density from `x` to each of `ys`."""
    mean, _, q = local_moments(reference, t0, t1, x)
    root = jnp.linalg.cholesky(q)
    white = jax.scipy.linalg.solve_triangular(root, (ys - mean[None]).T, lower=True)
    logs = jnp.log(jnp.diagonal(root)).sum() + 0.5 * x.shape[0] * jnp.log(2 * jnp.pi)
    return -0.5 * (white**2).sum(0) - logs


def log_kernels(reference: Any, data: Snapshots, k: Any) -> Float[Array, "n n"]:
    """The logarithms of the transition densities between all particles of snapshots `k` and `k + 1`."""
    row = lambda x: _log_kernel(reference, data.ts[k], data.ts[k + 1], x, data.xs[k + 1])
    return jax.vmap(row)(data.xs[k])


def interval_plan(reference: Any, data: Snapshots, k: Any, tolerance: float) -> tuple[Array, Array, Array, Array]:
    """Potentials, error and divergence of the plan of one interval."""
    cost = -log_kernels(reference, data, k)
    a, b = data.weights[k], data.weights[k + 1]
    # What is padding costs nothing: it must not widen the range that is annealed.
    seen = (a > 0)[:, None] & (b > 0)[None]
    cost = jnp.where(seen, cost, jnp.where(seen, cost, jnp.inf).min())
    plan = sinkhorn(cost, 1.0, a, b, tolerance=tolerance, iterations=_LIMIT)
    return plan.f, plan.g, plan.error, plan.value


@eqx.filter_jit
def _plans(reference, data, tolerance):
    one = lambda k: interval_plan(reference, data, k, tolerance)
    f, g, error, value = jax.lax.map(one, jnp.arange(data.ts.shape[0] - 1))
    return f, g, error, value.sum()


@eqx.filter_jit
def _log_plan(bridge, k):
    return bridge.f[k][:, None] + bridge.g[k][None] + log_kernels(bridge.reference, bridge.data, k)


@eqx.filter_jit
def _carried(bridge, t, key):
    k = bridge._interval(t)
    left, right = bridge.times[k], bridge.times[k + 1]

    def one(inputs):
        x, key = inputs
        pick, noise = jax.random.split(key)
        kernel = _log_kernel(bridge.reference, left, right, x, bridge.data.xs[k + 1])
        y = bridge.data.xs[k + 1][jax.random.categorical(pick, bridge.g[k] + kernel)]
        return pinned_step(bridge.reference, left, x, t, right, y, jax.random.normal(noise, x.shape, x.dtype))

    return jax.lax.map(one, (bridge.data.xs[k], jax.random.split(key, bridge.data.xs.shape[1])), batch_size=256)


def pinned_moments(
    reference: Any, s: RealScalar, x: State, t: RealScalar, end: RealScalar, y: State
) -> tuple[Array, Array, Array]:
    """Mean and covariance at `t` of the reference at `x` at `s` and `y` at `end`; and its pull at `s` towards `y`."""
    m1, a1, q1 = local_moments(reference, s, t, x)
    m2, a2, q2 = local_moments(reference, t, end, m1)
    cross = a2 @ q1
    total = cross @ a2.T + q2
    solved = jnp.linalg.solve(total, jnp.concatenate([cross, (y - m2)[:, None]], axis=1))
    gain, left = solved[:, :-1].T, solved[:, -1]
    rest = jnp.eye(x.shape[0], dtype=x.dtype) - gain @ a2
    spread = rest @ q1 @ rest.T + gain @ q2 @ gain.T
    pull = (a2 @ a1).T @ left
    return m1 + gain @ (y - m2), (spread + spread.T) / 2, pull


def pinned_step(reference: Any, s: RealScalar, x: State, t: RealScalar, end: RealScalar, y: State, z: State) -> State:
    """A draw of the pinned reference at `t`, made of a standard normal `z`. `x` if `t <= s`, `y` if `t >= end`."""
    inside = (t > s) & (t < end)
    middle = jnp.where(inside, t, (s + end) / 2)
    mean, spread, _ = pinned_moments(reference, s, x, middle, end, y)
    scale = jnp.sqrt(jnp.maximum(jnp.diagonal(spread), 0))
    safe = jnp.where(scale > 0, scale, 1)
    jitter = 4 * x.shape[0] * jnp.finfo(x.dtype).eps
    root = jnp.linalg.cholesky(spread / safe[:, None] / safe[None] + jitter * jnp.eye(x.shape[0], dtype=x.dtype))
    new = mean + scale * (root @ z)
    return jnp.where(inside, new, jnp.where(t >= end, y, x))
