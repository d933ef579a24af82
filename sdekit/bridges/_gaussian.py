"""The Schroedinger bridge between Gaussian laws, in closed form, for any linear reference."""

from collections.abc import Sequence
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import ArrayLike, Float

from .._errors import fault, require, require_times
from .._parameters import parameter
from .._process import AbstractDiffusion, AbstractLinearGaussian, draw_chain
from .._types import Array, Key, Law, RealScalar, State, Times, as_float, is_concrete
from ..math import compose_affine, gauss_legendre
from ..paths import SampledPath
from ._algebra import gaussian, psd_sqrt
from ._bridge import AbstractPotentialBridge


__all__ = ["GaussianSchroedingerBridge", "gaussian_coupling"]


def gaussian_coupling(
    s0: Float[ArrayLike, "d d"],
    s1: Float[ArrayLike, "d d"],
    phi: Float[ArrayLike, "d d"],
    q: Float[ArrayLike, "d d"],
) -> Float[Array, "d d"]:
    r"""The covariance of $X_0$ and $X_1$ under the bridge of $X_1 \mid x_0 \sim N(\Phi x_0 + c, Q)$ between Gaussians.

    In coordinates where $Q$ is the identity, with $M = S_0^{1/2} S_1 S_0^{1/2}$,
    $C = S_0^{1/2}\,2M\,(1 + (1 + 4M)^{1/2})^{-1}\,S_0^{-1/2}$. What characterises it: the off-diagonal block of the
    joint precision is that of the reference, $-\Phi^\top Q^{-1}$.

    **Arguments:**

    - `s0`, `s1`: covariances of the two marginals, positive definite.
    - `phi`, `q`: the transition matrix, invertible, and its covariance, positive definite.

    **Returns:** $\operatorname{Cov}(X_0, X_1)$, shape `(d, d)`.

    !!! example

        ```python
        import jax.numpy as jnp
        from sdekit.bridges import gaussian_coupling
        one = jnp.eye(1)
        gaussian_coupling(one, one, one, one)  # (sqrt(5) - 1) / 2
        ```

    Source: Janati, Muzellec, Peyre and Cuturi (2020), Entropic optimal transport between unbalanced Gaussian measures,
    theorem 1; Bunne, Hsieh, Cuturi and Krause (2023), equation 9.
    """
    s0, s1, phi, q = (as_float(v) for v in (s0, s1, phi, q))
    root = psd_sqrt(q)
    white = jnp.linalg.inv(root)
    start = white @ phi @ s0 @ phi.T @ white.T
    half = psd_sqrt((start + start.T) / 2)
    inner = half @ white @ s1 @ white.T @ half
    inner = (inner + inner.T) / 2
    eye = jnp.eye(s0.shape[0], dtype=s0.dtype)
    ratio = jnp.linalg.solve(eye + psd_sqrt(eye + 4 * inner), 2 * inner)
    return jnp.linalg.solve(phi, root @ half @ ratio @ jnp.linalg.solve(half, root))


class GaussianSchroedingerBridge(AbstractPotentialBridge, AbstractLinearGaussian):
    r"""The Schroedinger bridge of a linear reference through Gaussian marginals at two or more times.

    It is a Gaussian Markov process itself, and everything about it is in closed form: draws, transitions and marginals
    are exact, at any times in `[times[0], times[-1]]`. In the interval before $t_k$ the potential is
    $\log\varphi_{t_k}(x) = h_k^\top x - \tfrac12 x^\top H_k x$, where $H_k$ is what the precision of $X_{t_k}$ given
    $X_{t_{k-1}}$ has over that of the reference. Between several times the bridges are independent given the states
    there, as the reference is Markov.

    **Arguments:**

    - `reference`: a diffusion with linear Gaussian transitions: `BrownianMotion`, `OrnsteinUhlenbeck`, `LinearSDE`, ...
        Its own `initial` plays no part.
    - `means`: shape `(k, d)`.
    - `covariances`: shape `(k, d, d)`, positive definite.
    - `times`: increasing, shape `(k,)`; `[0, 1]` by default.

    **Raises:** `TypeError` for another reference; `ValueError` for shapes that do not fit, times that do not increase,
    a covariance that is singular, or a reference without noise.

    !!! example

        ```python
        import jax, jax.numpy as jnp
        import sdekit as sk
        from sdekit import bridges

        bridge = bridges.GaussianSchroedingerBridge(
            sk.processes.OrnsteinUhlenbeck(rate=1.0, scale=0.5),
            means=[[0.0], [2.0]],
            covariances=[[[1.0]], [[0.1]]],
        )
        bridge.sample(jnp.linspace(0.0, 1.0, 11), key=jax.random.key(0), n=4)
        bridge.marginal(0.5).mean, bridge.kl()
        ```

    Source: Bunne, Hsieh, Cuturi and Krause (2023), The Schroedinger bridge between Gaussian measures has a closed form;
    Chen, Georgiou and Pavon (2016), Optimal steering of a linear stochastic system to a final probability distribution.
    """

    reference: Any
    times: Times = parameter(trainable=False)
    means: Float[Array, "k d"] = parameter()
    covariances: Float[Array, "k d d"] = parameter()

    def __init__(
        self,
        reference: AbstractLinearGaussian,
        means: ArrayLike,
        covariances: ArrayLike,
        times: ArrayLike | Sequence[float] = (0.0, 1.0),
    ):
        if not (isinstance(reference, AbstractLinearGaussian) and isinstance(reference, AbstractDiffusion)):
            remedy = "pass a linear diffusion such as LinearSDE, or use SinkhornBridge"
            name = "GaussianSchroedingerBridge.reference"
            raise TypeError(fault(name, "must be a linear Gaussian diffusion", type(reference).__name__, remedy))
        self.reference, self.means = reference, as_float(means)
        self.covariances = as_float(covariances)
        self.times = as_float(np.asarray(times) if is_concrete(times) else jnp.asarray(times))
        require_times(self.times, "times", least=2)
        k, d = self.times.shape[0], reference.dim
        require(self.means.shape == (k, d), "means", f"must have shape ({k}, {d})", self.means, "one row a time")
        fits = self.covariances.shape == (k, d, d)
        require(fits, "covariances", f"must have shape ({k}, {d}, {d})", self.covariances, "one matrix a time")
        if is_concrete((self.covariances, self.means)):
            require(bool(np.isfinite(self.means).all()), "means", "must be finite", self.means, "drop the time")
            for i, s in enumerate(np.asarray(self.covariances, np.float64)):
                least = np.linalg.eigvalsh(s).min() if np.isfinite(s).all() else -1.0
                ok = least > 1e-12 * np.trace(s) and np.allclose(s, s.T, rtol=1e-4)
                remedy = "add a small multiple of the identity, or drop the components without variance"
                require(bool(ok), f"covariances[{i}]", "must be symmetric, positive definite", s, remedy)
        if is_concrete((reference, self.times)):
            q = np.asarray(reference.discretise(self.times[0], self.times[1])[2], np.float64)
            ok = np.linalg.eigvalsh(q).min() > 1e-14 * max(np.trace(q), 1e-300)
            remedy = "give each component noise of its own, or noise that reaches it through the drift"
            require(bool(ok), "reference", "must have noise that reaches every component", q, remedy)

    @property
    def initial(self) -> Law:
        return gaussian(self.means[0], self.covariances[0])

    def _transition(self, k):
        return self.reference.discretise(self.times[k], self.times[k + 1])

    def coupling(self, k: int = 0) -> Float[Array, "d d"]:
        """The covariance of the states at `times[k]` and `times[k + 1]`."""
        phi, _, q = self._transition(k)
        return gaussian_coupling(self.covariances[k], self.covariances[k + 1], phi, q)

    def _end(self, k) -> tuple[Array, Array]:
        """`H, h` of the potential at the end of interval `k`."""
        phi, c, q = self._transition(k)
        s0, s1 = self.covariances[k], self.covariances[k + 1]
        cross = gaussian_coupling(s0, s1, phi, q)
        given = s1 - cross.T @ jnp.linalg.solve(s0, cross)
        precision, reference = jnp.linalg.inv(given), jnp.linalg.inv(q)
        excess = precision - reference
        # The mean of the end given the start is the marginal mean where the start is at its own.
        h = precision @ self.means[k + 1] - reference @ (phi @ self.means[k] + c)
        return (excess + excess.T) / 2, h

    def _ends(self) -> tuple[Array, Array]:
        return jax.vmap(self._end)(jnp.arange(self.times.shape[0] - 1))

    def _interval(self, t: RealScalar) -> Array:
        return jnp.clip(jnp.searchsorted(self.times, t, side="right") - 1, 0, self.times.shape[0] - 2)

    def _potential(self, t: RealScalar, k: Array, end: tuple[Array, Array]) -> tuple[Array, Array]:
        """`H, h` of the potential at `t` in interval `k`: nothing is inverted that may be singular."""
        big, h = end
        psi, d, r = self.reference.discretise(t, self.times[k + 1])
        inner = jnp.eye(self.dim, dtype=big.dtype) + big @ r
        both = jnp.linalg.solve(inner, jnp.concatenate([big @ psi, (h - big @ d)[:, None]], axis=1))
        return psi.T @ both[:, :-1], psi.T @ both[:, -1]

    def log_forward(self, t: RealScalar, x: State) -> Float[Array, ""]:
        k = self._interval(t)
        big, h = self._potential(t, k, self._end(k))
        return h @ x - x @ big @ x / 2

    def log_backward(self, t: RealScalar, x: State) -> Float[Array, ""]:
        # Not up to a constant of the interval, but of the time: its gradient is all that it is for.
        return jnp.asarray(self.marginal(t).log_prob(x)) - self.log_forward(t, x)

    def discretise(self, t0: RealScalar, t1: RealScalar) -> tuple[Array, Array, Array]:
        t0, t1 = jnp.asarray(t0, self.times.dtype), jnp.asarray(t1, self.times.dtype)
        eye = jnp.eye(self.dim, dtype=self.means.dtype)

        def piece(k, end):
            last = self.times.shape[0] - 2
            low = jnp.where(k == 0, jnp.minimum(t0, self.times[k]), self.times[k])
            high = jnp.where(k == last, jnp.maximum(t1, self.times[k + 1]), self.times[k + 1])
            left, right = jnp.clip(t0, low, high), jnp.clip(t1, low, high)
            big, h = self._potential(right, k, end)
            a, b, q = self.reference.discretise(left, right)
            solved = jnp.linalg.solve(eye + q @ big, jnp.concatenate([a, (b + q @ h)[:, None], q], axis=1))
            d = self.dim
            spread = solved[:, d + 1 :]
            return solved[:, :d], solved[:, d], (spread + spread.T) / 2

        pieces = jax.vmap(piece)(jnp.arange(self.times.shape[0] - 1), self._ends())
        first = jax.tree.map(lambda v: v[0], pieces)
        rest = jax.tree.map(lambda v: v[1:], pieces)
        return jax.lax.scan(lambda carry, new: (compose_affine(carry, new), None), first, rest)[0]

    def transition(self, t0: RealScalar, t1: RealScalar, x: State) -> Law:
        a, b, q = _discretise(self, t0, t1)
        return gaussian(a @ x + b, q)

    def marginal(self, t: RealScalar) -> Law:
        a, b, q = _discretise(self, self.times[0], t)
        return gaussian(a @ self.means[0] + b, a @ self.covariances[0] @ a.T + q)

    def kl(self) -> Float[Array, ""]:
        """The divergence of the joint laws at the times: the static one."""
        return _static(self)

    def dynamic_kl(self, nodes: int = 32) -> Float[Array, ""]:
        r"""$E\int \tfrac12 |g^\top \nabla\log\varphi_t(X_t)|^2\,dt$ by Gauss-Legendre: equal to `kl`, as Girsanov says.

        **Arguments:**

        - `nodes`: of the quadrature in each interval.

        !!! example

            ```python
            import sdekit as sk
            from sdekit import bridges
            ends = dict(means=[[0.0], [2.0]], covariances=[[[1.0]], [[0.1]]])
            bridge = bridges.GaussianSchroedingerBridge(sk.processes.BrownianMotion(), **ends)
            bridge.dynamic_kl() - bridge.kl()  # 0
            ```
        """
        return _dynamic(self, *(jnp.asarray(v, self.means.dtype) for v in gauss_legendre(nodes)))

    def draw(self, ts: Times, *, key: Key) -> SampledPath:
        return draw_chain(self, self.marginal(ts[0]), ts, key=key)


@eqx.filter_jit
def _discretise(bridge, t0, t1):
    return bridge.discretise(t0, t1)


@eqx.filter_jit
def _static(bridge) -> Array:
    def interval(k, end):
        phi, c, q = bridge._transition(k)
        big, h = end
        inner = jnp.eye(bridge.dim, dtype=q.dtype) + q @ big
        a, b = jnp.linalg.solve(inner, phi), jnp.linalg.solve(inner, c + q @ h)
        change, shift = a - phi, (a - phi) @ bridge.means[k] + b - c
        second = change @ bridge.covariances[k] @ change.T + jnp.outer(shift, shift)
        # The trace of Q^{-1} Q' - 1 is minus that of H Q'.
        given = jnp.linalg.solve(inner, q)
        return 0.5 * (-jnp.trace(big @ given) + jnp.linalg.slogdet(inner)[1] + jnp.trace(jnp.linalg.solve(q, second)))

    return jax.vmap(interval)(jnp.arange(bridge.times.shape[0] - 1), bridge._ends()).sum()


@eqx.filter_jit
def _dynamic(bridge, nodes, weights) -> Array:
    def at(t, k, end):
        law = bridge.marginal(t)
        big, h = bridge._potential(t, k, end)
        g = bridge.reference.diffusion(t, law.mean).as_matrix()
        pull = g.T @ (h - big @ law.mean)
        return 0.5 * (pull @ pull + ((g.T @ big @ law.covariance_matrix) * (g.T @ big)).sum())

    def interval(k, end):
        left, right = bridge.times[k], bridge.times[k + 1]
        # Towards the end the noise that is left vanishes: t = right - (right - left) s^2 spreads the nodes.
        s = (nodes + 1) / 2
        ts = right - (right - left) * s**2
        values = jax.lax.map(lambda t: at(t, k, end), ts)
        return (right - left) * (weights / 2 * 2 * s * values).sum()

    ends = bridge._ends()
    count = bridge.times.shape[0] - 1
    return jnp.stack([interval(k, jax.tree.map(lambda v, k=k: v[k], ends)) for k in range(count)]).sum()
