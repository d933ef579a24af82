"""The posterior of a hidden jump process as a jump process with rates of its own, and its bound on the evidence."""

from typing import Any

import diffrax
import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Float

from .._types import Array, Times
from ..data import AbstractRecord
from ..math import transition_matrix
from ._hidden import Evidence, Hidden


__all__ = ["VariationalPosterior", "variational_posterior"]


class VariationalPosterior(eqx.Module):
    r"""A jump process with rates $g_{ij}(t) = q_{ij} r_j(t) / r_i(t)$: the posterior given one series.

    !!! example

        ```python
        import jax.numpy as jnp
        import sdekit as sk
        from sdekit.jumps import GaussianEmission, Given, Hidden, RateMatrix, variational_posterior

        chain = RateMatrix([[0.0, 1.0], [2.0, 0.0]], Given(jnp.array([0.5, 0.5])))
        model = Hidden(chain, GaussianEmission(jnp.array([0.0, 3.0]), jnp.ones(2)))
        posterior = variational_posterior(model, sk.data.Series(jnp.arange(3.0), jnp.array([0.1, 2.9, 3.1])))
        posterior.probabilities, posterior.elbo
        ```
    """

    ts: Float[Array, " t"]
    probabilities: Float[Array, "t n"]
    """The law of the state at each time of the record."""
    backward: Float[Array, "t n"]
    """The log of `r`, just after each time: how well each state explains what follows, the largest 0."""
    kl: Float[Array, ""]
    """The divergence of the posterior path from the prior one."""
    expected_log_prob: Float[Array, ""]
    """The expected log-density of the observations."""

    @property
    def elbo(self) -> Float[Array, ""]:
        """The bound on the evidence; for a single chain it is the evidence."""
        return self.expected_log_prob - self.kl


def variational_posterior(
    model: Hidden,
    record: AbstractRecord,
    *,
    tolerance: float = 1e-9,
    max_steps: int = 4096,
) -> VariationalPosterior:
    r"""The variational posterior of a hidden jump process, as solutions of its differential equations.

    Backward $\dot r_i = \sum_j q_{ij} (r_i - r_j)$, with jumps $r_i(t_k^-) = r_i(t_k^+) e_k(i)$ at the observations,
    whose solution between them is known, $e^{Q (t_k - t)} r(t_k^-)$;
    forward, by the solver, $\dot p = p\,G(t)$ with the rates $g$ that follow; and along it the divergence
    $\int \sum_i p_i \sum_j (g_{ij} \log (g_{ij} / q_{ij}) - g_{ij} + q_{ij})\,dt$. For a single chain nothing is
    approximated but by the solver: the bound equals the log-likelihood of the forward filter, which it is tested by.

    Observations must have a density in every state (Gaussian, Poisson, labels with errors); the rates must not change.

    **Arguments:**

    - `model`: a `Hidden` process with one generator, and a start with probabilities.
    - `record`: one item.
    - `tolerance`: of the solver (`diffrax.Dopri8`), relative and absolute.
    - `max_steps`: the most steps of the solver between two observations.

    **Returns:** a `VariationalPosterior`.

    **Raises:** `TypeError` for another record; Diffrax's error if the solver needs more steps.

    Source: Opper and Sanguinetti (2008), Variational inference for Markov jump processes, NeurIPS, equations 5 to 10.

    !!! example

        ```python
        import jax.numpy as jnp
        import sdekit as sk
        from sdekit.jumps import GaussianEmission, Given, Hidden, RateMatrix, variational_posterior

        chain = RateMatrix([[0.0, 1.0], [2.0, 0.0]], Given(jnp.array([0.5, 0.5])))
        model = Hidden(chain, GaussianEmission(jnp.array([0.0, 3.0]), jnp.ones(2)))
        series = sk.data.Series(jnp.arange(3.0), jnp.array([0.1, 2.9, 3.1]))
        variational_posterior(model, series).elbo - model.log_prob(series)  # 0, to the tolerance
        ```
    """
    evidence = Evidence.of(model, record)
    ts = evidence.ts
    Q = model.process.start(ts[0])
    start = model.process.initial.probabilities(Q)
    seen = jnp.concatenate([evidence.seen[:1], jnp.where(evidence.inside[:, None], evidence.seen[1:], 0)])
    gaps = jnp.where(evidence.inside, jnp.diff(ts), 0)
    return _posterior(Q, start, ts, gaps, seen, tolerance, max_steps)


@eqx.filter_jit
def _posterior(Q, start, ts: Times, gaps, seen, tolerance, max_steps) -> VariationalPosterior:
    eye = jnp.eye(Q.shape[0], dtype=bool)
    off = jnp.where(eye, 0, Q)
    controller = diffrax.PIDController(rtol=tolerance, atol=tolerance)

    def solve(field, y0, h):
        # In units of the gap, so that one program serves all gaps.
        term = diffrax.ODETerm(lambda u, y, h: jax.tree.map(lambda v: h * v, field(u * h, y)))
        found: Any = diffrax.diffeqsolve(
            term, diffrax.Dopri8(), 0.0, 1.0, None, y0, h, stepsize_controller=controller, max_steps=max_steps,
            saveat=diffrax.SaveAt(t1=True), adjoint=diffrax.RecursiveCheckpointAdjoint(),
        )  # fmt: skip
        return tuple(y[0] for y in found.ys)

    explain = lambda end, h: jnp.log(transition_matrix(Q, h) @ jnp.exp(end))

    def back(after, inputs):
        h, e = inputs
        end = after + e
        end = end - end.max()
        before = explain(end, h)
        return before - before.max(), (before - before.max(), end)

    zero = jnp.zeros(Q.shape[0], Q.dtype)
    first, (afters, ends) = jax.lax.scan(back, zero, (gaps, seen[1:]), reverse=True)

    def forward(carry, inputs):
        p, kl = carry
        h, end = inputs

        def field(t, y):
            logs = explain(end, jnp.maximum(h - t, 0))
            ratio = logs[None, :] - logs[:, None]
            g = off * jnp.exp(ratio)
            flow = y[0][:, None] * g
            cost = (y[0][:, None] * (g * ratio - off * jnp.expm1(ratio))).sum()
            return flow.sum(0) - flow.sum(1), cost

        p, more = solve(field, (p, jnp.zeros((), Q.dtype)), h)
        return (p, kl + more), p

    start_log = seen[0] + first
    p0 = jax.nn.softmax(jnp.where(start > 0, jnp.log(jnp.where(start > 0, start, 1)), -jnp.inf) + start_log)
    some = p0 > 0
    initial = jnp.where(some, p0 * (jnp.log(jnp.where(some, p0, 1)) - jnp.log(jnp.where(some, start, 1))), 0).sum()
    (_, kl), laws = jax.lax.scan(forward, (p0, initial), (gaps, ends))
    laws = jnp.concatenate([p0[None], laws])
    expected = jnp.where(laws > 0, laws * jnp.where(laws > 0, seen, 0), 0).sum()
    return VariationalPosterior(ts, laws, jnp.concatenate([afters, zero[None]]), kl, expected)
