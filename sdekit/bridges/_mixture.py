"""Schroedinger bridges whose end potential is a mixture of Gaussians: LightSB, for any linear reference."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float

from .._errors import fault, require
from .._parameters import constraints, law_field, parameter
from .._process import AbstractLinearGaussian
from .._types import Array, Key, Law, PyTree, RealScalar, State, Times, is_concrete
from ..data import AbstractRecord, Snapshots
from ..inference import AbstractObjective
from ..paths import Provenance, SampledPath
from ._algebra import psd_sqrt
from ._bridge import AbstractPotentialBridge
from ._clouds import _log_kernel, pinned_step, require_problem
from ._laws import BridgeMarginal, Cloud
from ._mixture_start import mixture_start


__all__ = ["LightSB", "LightSBLoss"]


class LightSB(AbstractPotentialBridge):
    r"""A Schroedinger bridge between two samples whose end potential is a mixture of Gaussians.

    In coordinates $z$ where the reference's transition over the whole interval is $N(y, 1)$, the potential at the end
    is $v(z)\,e^{|z|^2/2}$ with $v = \sum_k \alpha_k N(r_k, \operatorname{diag} s_k)$. Then the end given the start is a
    mixture too, of $N(r_k + s_k y, s_k)$ with weights in proportion to $\alpha_k \exp(\tfrac12 y^\top s_k y + r_k^\top
    y)$, and the drift is in closed form at any time. Fit it with `sdekit.fit` and `LightSBLoss`. The start is the first
    snapshot, as it is. For a Brownian reference of scale $\sigma$ on $[0, T]$ this is the paper's parametrisation with
    $\varepsilon = \sigma^2 T$.

    **Arguments:**

    - `reference`: a diffusion with linear Gaussian transitions, and noise in every direction.
    - `data`: snapshots at two times.
    - `components`: how many Gaussians.
    - `key`: a JAX key. The mixture starts at clusters of the second snapshot, with the slopes of optimal transport.

    **Raises:** `TypeError` for a reference that is not linear; `ValueError` for other than two snapshots, or as
    `SinkhornBridge`.

    !!! example

        ```python
        import jax, jax.numpy as jnp
        import sdekit as sk
        from sdekit import bridges

        x = jax.random.normal(jax.random.key(0), (2, 200, 2)) + jnp.array([0.0, 3.0])[:, None, None]
        data = sk.data.Snapshots(jnp.array([0.0, 1.0]), x)
        start = bridges.LightSB(sk.processes.BrownianMotion(scale=[1.0, 1.0]), data, 4, key=jax.random.key(1))
        fit = sk.fit(start, bridges.LightSBLoss(), data, key=jax.random.key(2), steps=50, progress=False)
        fit.model.drift(0.5, jnp.ones(2))
        ```

    Source: Korotin, Gushchin and Burnaev (2024), Light Schroedinger bridge, ICLR, proposition 3.3 and equation 11. Its
    drift is often transcribed with a wrong sign; here it is the gradient of the logarithm of the potential.
    """

    reference: Any = law_field()
    data: Snapshots = law_field()
    logits: Float[Array, " k"] = parameter()
    """The logarithms of the weights, up to a constant."""
    centres: Float[Array, "k d"] = parameter()
    spreads: Float[Array, "k d"] = parameter(constraints.positive)
    phi: Float[Array, "d d"] = parameter(trainable=False)
    offset: Float[Array, " d"] = parameter(trainable=False)
    root: Float[Array, "d d"] = parameter(trainable=False)
    """The symmetric root of the covariance of the reference's transition."""
    white: Float[Array, "d d"] = parameter(trainable=False)

    def __init__(self, reference: Any, data: Snapshots, components: int = 10, *, key: Key):
        if not isinstance(reference, AbstractLinearGaussian):
            remedy = "pass a linear diffusion such as BrownianMotion, or use SinkhornBridge"
            raise TypeError(fault("reference", "must have linear transitions", type(reference).__name__, remedy))
        self.reference, self.data = require_problem(reference, data)
        data = self.data
        require(data.ts.shape[0] == 2, "data", "must have snapshots at two times", data, "pass data.at([k, k + 1])")
        require(components >= 1, "components", "must be positive", components, "pass components >= 1")
        dtype = data.xs.dtype
        moments = (v.astype(dtype) for v in reference.discretise(data.ts[0], data.ts[1]))
        self.phi, self.offset, q = moments
        self.root = psd_sqrt(q)
        self.white = jnp.linalg.inv(self.root)
        remedy = "build it outside of `jit`"
        require(is_concrete(data), "data", "must be known numbers where the mixture starts", data.xs, remedy)
        y = np.asarray(jax.vmap(self.whiten)(data.cloud(0)), np.float64)
        z = np.asarray(data.cloud(1) @ self.white.T, np.float64)
        start = mixture_start(y, z, components, int(jax.random.bits(key)))
        self.logits, self.centres, self.spreads = (jnp.asarray(v, dtype) for v in start)

    @property
    def times(self) -> Times:
        return self.data.ts

    @property
    def initial(self) -> Law:
        return Cloud(self.data.xs[0], self.data.weights[0])

    def whiten(self, x: State) -> State:
        """Where the reference takes `x` on average, in the coordinates of the mixture."""
        return self.white @ (self.phi @ x + self.offset)

    def log_weights(self, x: State) -> Float[Array, " k"]:
        r"""$\log\alpha_k + \tfrac12 y^\top s_k y + r_k^\top y$ for a start `x`: the weights of its ends."""
        y = self.whiten(x)
        return self.logits + 0.5 * self.spreads @ y**2 + self.centres @ y

    def log_potential(self, x: State) -> Float[Array, ""]:
        r"""$\log v$ at an end `x`."""
        z = self.white @ x
        precision = 1 / self.spreads
        pulled = self.centres * precision
        # As products with matrices, which a batch of ends turns into fast ones.
        square = precision @ z**2 - 2 * pulled @ z + (pulled * self.centres).sum(1)
        logs = jnp.log(2 * jnp.pi * self.spreads).sum(1)
        return jax.nn.logsumexp(self.logits - 0.5 * (square + logs))

    def conditional(self, x: State) -> tuple[Float[Array, " d"], Float[Array, "d d"]]:
        """Mean and covariance of the end given the start `x`."""
        w, y = jax.nn.softmax(self.log_weights(x)), self.whiten(x)
        means = self.centres + self.spreads * y[None]
        mean = w @ means
        gaps = means - mean[None]
        covariance = jnp.diag(w @ self.spreads) + (w[:, None] * gaps).T @ gaps
        return self.root @ mean, self.root @ covariance @ self.root

    def end(self, x: State, *, key: Key) -> State:
        """A draw of the end given the start `x`."""
        pick, noise = jax.random.split(key)
        k = jax.random.categorical(pick, self.log_weights(x))
        z = jax.random.normal(noise, x.shape, x.dtype)
        return self.root @ (self.centres[k] + self.spreads[k] * self.whiten(x) + jnp.sqrt(self.spreads[k]) * z)

    def log_forward(self, t: RealScalar, x: State) -> Float[Array, ""]:
        psi, d, r = self.reference.discretise(t, self.times[1])
        y, left = self.white @ (psi @ x + d), self.white @ r @ self.white.T
        eye = jnp.eye(self.dim, dtype=y.dtype)

        def component(logit, centre, spread):
            # The Gaussian kernel of what is left, on exp(eta + h z - z (1/s - 1) z / 2); nothing singular is inverted.
            precision, h = 1 / spread - 1, centre / spread
            eta = logit - 0.5 * (jnp.log(2 * jnp.pi * spread) + centre * h).sum()
            inner = eye + precision[:, None] * left
            both = jnp.linalg.solve(inner, jnp.stack([precision * y, h], axis=1))
            curved, pulled = both[:, 0], both[:, 1]
            # Where h meets (1 + R D)^{-1}, its transpose (1 + D R)^{-1} has met h.
            return eta - 0.5 * jnp.linalg.slogdet(inner)[1] - 0.5 * y @ curved + pulled @ (y + left @ h / 2)

        return jax.nn.logsumexp(jax.vmap(component)(self.logits, self.centres, self.spreads))

    def _log_start(self, x: State) -> Float[Array, ""]:
        """The potential at the first time."""
        y = self.whiten(x)
        return jax.nn.logsumexp(self.log_weights(x)) - 0.5 * (y**2 + jnp.log(2 * jnp.pi)).sum()

    def log_backward(self, t: RealScalar, x: State) -> Float[Array, ""]:
        def one(x0, w):
            kernel = _log_kernel(self.reference, self.times[0], t, x0, x[None])[0]
            return jnp.log(w) - self._log_start(x0) + kernel

        return jax.nn.logsumexp(jax.vmap(one)(self.data.xs[0], self.data.weights[0]))

    def marginal(self, t: RealScalar) -> Law:
        return BridgeMarginal(self, t)

    def kl(self) -> Float[Array, ""]:
        """The divergence from the reference, by the potentials on the two snapshots: exact where they are met."""
        a, b = self.data.weights
        start = jax.vmap(self._log_start)(self.data.xs[0])
        end = jax.vmap(lambda x: self.log_potential(x) + ((self.white @ x) ** 2).sum() / 2)(self.data.xs[1])
        return jnp.where(b > 0, b * end, 0).sum() - jnp.where(a > 0, a * start, 0).sum()

    def draw(self, ts: Times, *, key: Key) -> SampledPath:
        first, last, between = jax.random.split(key, 3)
        x0 = self.data.xs[0][jax.random.categorical(first, jnp.log(self.data.weights[0]))]
        y = self.end(x0, key=last)
        ts = ts.astype(self.times.dtype)

        def step(carry, inputs):
            (s, x), (t, k) = carry, inputs
            z = jax.random.normal(k, x.shape, x.dtype)
            x = pinned_step(self.reference, s, x, t, self.times[1], y, z)
            return (t, x), x

        keys = jax.random.split(between, ts.shape[0])
        _, xs = jax.lax.scan(step, (self.times[0], x0), (ts, keys))
        return SampledPath(ts, xs, Provenance("pinned to drawn ends"))


class LightSBLoss(AbstractObjective):
    r"""$E \log c(x_0) - E \log v(x_1)$: the divergence of the true bridge from a `LightSB`, up to a constant.

    $c(x_0) = \sum_k \alpha_k \exp(\tfrac12 y^\top s_k y + r_k^\top y)$ is what normalises the ends of a start.

    !!! example

        ```python
        import jax, jax.numpy as jnp
        import sdekit as sk
        from sdekit import bridges

        data = sk.data.Snapshots(jnp.array([0.0, 1.0]), jax.random.normal(jax.random.key(0), (2, 50, 1)))
        model = bridges.LightSB(sk.processes.BrownianMotion(), data, 2, key=jax.random.key(1))
        bridges.LightSBLoss()(model, data, key=jax.random.key(2))
        ```

    Source: Korotin, Gushchin and Burnaev (2024), Light Schroedinger bridge, proposition 3.2.
    """

    def __call__(
        self, model: PyTree, batch: AbstractRecord, *, key: Key
    ) -> tuple[Float[Array, ""], dict[str, Float[Array, ""]]]:
        some: Any = batch
        starts = jax.vmap(lambda x: jax.nn.logsumexp(model.log_weights(x)))(some.xs[0])
        ends = jax.vmap(model.log_potential)(some.xs[1])
        a, b = some.weights
        return (a * starts).sum() - (b * ends).sum(), {}
