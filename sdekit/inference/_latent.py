"""The latent SDE: a diffusion behind an observation law, with an amortised posterior over its paths."""

from collections.abc import Callable
from typing import Any, cast

import diffrax
import equinox as eqx
import jax
import jax.numpy as jnp
import numpyro.distributions as dist
from jaxtyping import Float

from .._errors import check_traced, fault, require
from .._lifted import AbstractLifted
from .._parameters import law_field
from .._process import AbstractConditioned, AbstractDiffusion, AbstractProcess
from .._types import Array, Key, Law, RealScalar, State, Times
from ..data import Series
from ..nets import AbstractContext, AbstractEncoder, AbstractMarginals
from ..noise import AbstractDriver, BrownianDriver, Since
from ..paths import SampledPath
from ..processes import Controlled, Lifted
from ..solve import ExponentialIntegrator, solve
from ._matched import Matched, marginal_start
from ._moments import is_gaussian
from ._observation import AbstractObservation
from ._observed import Observed
from ._start import Placed, Placement, Restarted, placement


__all__ = ["LatentSDE"]


class Steered(eqx.Module):
    """The control of a posterior: that of the network up to the last observation, none from there on."""

    network: Callable[..., Any]
    context: AbstractContext
    end: Float[Array, ""]

    def __call__(self, t: RealScalar, x: State, z: Float[Array, "m j"]) -> Float[Array, " m"]:
        u = self.network(t, x, z, self.context(t))
        return jnp.where(t < self.end, u, 0).astype(x.dtype)


class _Shown(AbstractProcess):
    """The state of a lifted diffusion that starts at the first of `knots`, with steps that end on all of them."""

    lifted: AbstractLifted
    knots: Times | None
    dt: float | None
    solver: diffrax.AbstractSolver | ExponentialIntegrator | None

    @property
    def dim(self) -> int:
        return self.lifted.base.dim

    def draw(self, ts: Times, *, key: Key) -> SampledPath:
        times, rows = ts, slice(None)
        if self.knots is not None:
            times, rows = _union(self.knots, ts)
        path = cast(SampledPath, solve(self.lifted, times, key=key, dt=self.dt, solver=self.solver))
        return SampledPath(ts, path.xs[rows, : self.dim], path.made)


def _union(knots: Times, ts: Times) -> tuple[Times, Array]:
    """Both sets of times in order, each once, and where `ts` stand; the places of repeats follow the last time."""
    remedy = "ask for later times, or begin the series with an unobserved row (mask=False) at an earlier time"
    problem = "must not stand before the first time of the series"
    ts = check_traced(jnp.asarray(ts, knots.dtype), jnp.any(ts < knots[0]), "ts", problem, remedy)
    both = jnp.concatenate([knots, ts])
    size = both.shape[0]
    times = jnp.unique(both, size=size, fill_value=jnp.inf)
    last = jnp.max(both)
    gap = (last - knots[0]) / size + 16 * jnp.finfo(both.dtype).eps * jnp.abs(last)
    repeats = jnp.cumsum(jnp.isinf(times))
    times = jnp.where(jnp.isinf(times), last + jnp.maximum(gap, jnp.finfo(both.dtype).tiny) * repeats, times)
    return times, jnp.searchsorted(times, ts)


class LatentSDE(AbstractConditioned):
    r"""A diffusion $dX = f\,dt + g\,dN$ that is seen through an observation law, and a posterior for any series.

    The posterior moves the Brownian motion that drives the noise $N$ by a control $u(t, x, z, c)$, where $z$ are the
    modes of the driver and $c$ is what an encoder says of the series at $t$. Same $f$, $g$ and driver in prior and
    posterior: the divergence of the paths is $\frac12 E \int |u|^2 dt$. From the last observation on there is no
    control. What is random at the first time of the series (the state, and the past of a noise with a past) has a
    Gaussian posterior, by `head`. The model is fitted by `ELBO`; its own paths are paths of observations from the
    prior.

    **Arguments:**

    - `base`: the prior diffusion of the latent state, with `m` noises of any structure.
    - `observation`: how a state is seen; `Decoded` puts a network in front.
    - `encoder`: what the posterior knows of a series.
    - `control`: the control, called as `control(t, x, z, context)` with shapes `()`, `(d,)`, `(m, j)`, `(c,)`; returns
        shape `(m,)`. Usually a `ControlMLP`. Or the marginals of the posterior (`MarginalMLP`), which say its start
        too, for `SDEMatching` and any other objective: with Brownian motion as the driver, at least as many noises as
        states, a Gaussian first state with a density, and an encoder whose context does not jump.
    - `head`: from the context of the whole series to a `MultivariateNormal` law of `n` numbers $\varepsilon$, where
        $x_0 = \mu + L \varepsilon_{1..d}$ under the law `N(mu, L L^T)` of the first state, and $z_0$ is the root of the
        driver's start times the rest. Usually `GaussianHead(context=c, n=n)` with `n` the length `d` of the state (0
        for a point mass) and `r` for each noise, where the root has `r` columns. `None` where nothing is random, or to
        keep the prior of the start.
    - `driver`: the law of the noise; Brownian motion if not given. The past of one that has a past (modes that never
        move) is that of the first time of each series, whatever its date.
    - `initial`: the law of the first state, trained; `None` for that of `base`, as fixed as `base` holds it.
    - `dt`, `solver`: of the draws, as in `solve`. The bound has its own.

    **Raises:** `ValueError` for a first state that is neither Gaussian nor a point mass, or a head or a control that
    gives another number of components.

    !!! example

        ```python
        import equinox as eqx
        import jax
        import jax.numpy as jnp
        import sdekit as sk
        from sdekit.inference import ELBO, LatentSDE
        from sdekit.nets import ControlMLP, GaussianHead, GRUEncoder

        keys = jax.random.split(jax.random.key(0), 3)
        model = LatentSDE(
            base=sk.processes.OrnsteinUhlenbeck(rate=1.0),
            observation=sk.GaussianObservation(0.1),
            encoder=GRUEncoder(dim=1, width=8, size=4, key=keys[0]),
            control=ControlMLP(dim=1, noise=1, context=4, width=8, depth=1, key=keys[1]),
            head=GaussianHead(context=4, n=1, width=8, depth=1, key=keys[2]),
        )
        series = sk.data.Series(jnp.array([0.0, 0.4, 1.0]), jnp.array([0.1, 0.5, 0.3]))
        model.smooth(series, jnp.array([0.2, 0.4]), key=keys[0], n=5).xs.shape  # (5, 2, 1)
        eqx.filter_jit(ELBO(steps=4))(model, series, key=keys[1])
        ```

    Source: Li, Wong, Chen and Duvenaud (2020), Scalable gradients for stochastic differential equations; Daems, Opper,
    Crevecoeur and Birdal (2024), Variational inference for SDEs driven by fractional noise, proposition 4.
    """

    base: AbstractDiffusion
    observation: AbstractObservation
    encoder: AbstractEncoder
    control: Callable[..., Any] | AbstractMarginals
    head: Callable[[Array], dist.MultivariateNormal] | None = None
    driver: AbstractDriver = eqx.field(default_factory=BrownianDriver)
    initial: Law | None = law_field(trainable=True, default=None)
    dt: float | None = eqx.field(static=True, default=None)
    solver: diffrax.AbstractSolver | ExponentialIntegrator | None = None

    def __check_init__(self):
        law = self.base.initial if self.initial is None else self.initial
        remedy = "pass initial=Normal(...).to_event(1), which takes its place"
        require(is_gaussian(law), "LatentSDE.initial", "must be Gaussian or a point mass", type(law).__name__, remedy)
        if isinstance(self.control, AbstractMarginals):
            self._check_marginals(self.control, law)
        else:
            self._check_control(self.control)

    def _check_control(self, control: Callable[..., Any]) -> None:
        m, context = self.prior().components, jnp.zeros(self.encoder.size)
        n = jax.eval_shape(lambda: self.placement().root).shape[1]
        if self.head is not None:
            head = self.head
            found = jax.eval_shape(lambda: head(context).loc).shape
            remedy = f"build it with n={n}" if n else "leave it out: nothing is random at the start"
            require(found == (n,), "LatentSDE.head", f"must give a law of {n} numbers", found, remedy)
        x, z = jnp.zeros(self.base.dim), jnp.zeros((m, self.driver.size))
        found = jax.eval_shape(lambda: control(jnp.zeros(()), x, z, context)).shape
        require(found == (m,), "LatentSDE.control", f"must return shape ({m},)", found, f"build it with noise={m}")

    def _check_marginals(self, marginals: AbstractMarginals, law: Law) -> None:
        m, d = self.prior().components, self.base.dim
        name = "LatentSDE.control"
        require(self.head is None, "LatentSDE.head", "is not used with marginals", self.head, "leave it out")
        remedy = "pass a control, e.g. ControlMLP"
        ok = self.driver.size == 0
        require(
            ok, name, "can be marginals with Brownian motion as the driver only", type(self.driver).__name__, remedy
        )
        require(m >= d, name, f"can be marginals with at least {d} noises only", m, remedy)
        ok = jax.eval_shape(lambda: self.placement().root).shape[1] == d
        require(ok, "LatentSDE.initial", "must have a density", type(law).__name__, "pass initial=Normal(...)")
        found = jax.eval_shape(lambda: marginals(jnp.zeros(()), jnp.zeros(self.encoder.size)))
        shapes, wanted = tuple(part.shape for part in found), ((d,), (d, d))
        require(shapes == wanted, name, f"must give shapes {wanted}", shapes, f"build it with dim={d}")

    @property
    def latent(self) -> AbstractDiffusion:
        """The prior diffusion, with the law of its first state."""
        return self.base if self.initial is None else Restarted(self.base, self.initial)  # pyright: ignore[reportCallIssue]

    @property
    def dim(self) -> int:
        return Observed(self.latent, self.observation).dim

    def since(self, first: RealScalar) -> AbstractDriver:
        """The driver of paths that start at a time: one that reads a past counts it from there, others as they are."""
        return Since(self.driver, first) if self.driver.still else self.driver

    def prior(self, first: RealScalar = 0.0) -> Lifted:
        """The prior of the latent state and the modes from time `first` on; `_.sample(ts, key=key)` draws it."""
        return Lifted(self.latent, self.since(first))  # pyright: ignore[reportCallIssue]

    def placement(self) -> Placement:
        """How the state and the modes at the first time come from standard normal numbers under the prior."""
        return placement(self.latent.initial, self.driver, self.prior().components)

    def start(self, context: AbstractContext, first: RealScalar) -> dist.MultivariateNormal:
        """The posterior law of the standard normal numbers of the start, given what the encoder says of a series."""
        if isinstance(self.control, AbstractMarginals):
            return marginal_start(*self.control(first, context.start), self.placement())
        if self.head is not None:
            return self.head(context.start)
        n, dtype = self.placement().n, context.start.dtype
        return dist.MultivariateNormal(jnp.zeros(n, dtype), scale_tril=jnp.eye(n, dtype=dtype))

    def steered(self, series: Series, context: AbstractContext) -> Steered | Matched:
        """The control of the posterior of a series, as a function of `(t, x, z)`."""
        if isinstance(self.control, AbstractMarginals):
            return Matched(self.latent, self.control, context, last_observed(series))  # pyright: ignore[reportCallIssue]
        return Steered(self.control, context, last_observed(series))  # pyright: ignore[reportCallIssue]

    def posterior(self, series: Series, *, martingale: bool = False) -> Controlled:
        """The posterior of the latent state and the modes, from the first time of a series on.

        **Arguments:**

        - `series`: one series. The law of the start stands at its first time.
        - `martingale`: whether the state carries the stochastic integral of the control too.

        **Returns:** a `Controlled`, its state `(x, z, divergence so far)`.
        """
        require(series.is_item, "series", "must be one series", series.ts, "index the record, e.g. series[0]")
        context = self.encoder(series)
        steered = self.steered(series, context)
        law = Placed(self.start(context, series.ts[0]), self.placement())
        driver = self.since(series.ts[0])
        return Controlled(self.latent, driver, steered, law, martingale=martingale)  # pyright: ignore[reportCallIssue]

    def draw(self, ts: Times, *, key: Key) -> SampledPath:
        shown = _Shown(self.prior(ts[0]), None, self.dt, self.solver)  # pyright: ignore[reportCallIssue]
        return cast(SampledPath, Observed(shown, self.observation).draw(ts, key=key))

    def condition(self, series: Series) -> Observed:
        """The model given one series, for interpolation and forecasts.

        **Arguments:**

        - `series`: one series; its first time is where the law of the first state stands.

        **Returns:** an `Observed`: its draws are observations, those of its `process` are latent states.
        """
        return Observed(_Shown(self.posterior(series), series.ts, self.dt, self.solver), self.observation)  # pyright: ignore[reportCallIssue]

    def smooth(self, series: Series, ts: Times, *, key: Key, n: int | None = None) -> SampledPath:
        """Latent paths given a series, at any times from its first one on.

        **Arguments:**

        - `series`: one series.
        - `ts`: increasing times, shape `(t,)`.
        - `key`: a JAX key.
        - `n`: how many paths; `None` for one without a leading axis.

        **Returns:** a `SampledPath` of latent states, `(n, t, d)`. For observations: `condition(series).sample`.

        **Raises:** `RuntimeError` for a time before the first of the series.
        """
        return cast(SampledPath, self.condition(series).process.sample(ts, key=key, n=n))

    def forecast(self, series: Series, ts: Times, *, key: Key, n: int | None = None) -> SampledPath:
        """Latent paths after the last observation of a series, where they follow the prior.

        **Arguments:** as `smooth`, with `ts` after the last observed time.

        **Returns:** a `SampledPath` of latent states, `(n, t, d)`. For observations: `sdekit.inference.forecast`.

        **Raises:** `ValueError` for a time that is not after the last observation.
        """
        end = float(last_observed(series))
        if not float(ts[0]) > end:
            raise ValueError(fault("ts", f"must lie after the last observed time {end}", ts, "use `smooth` for others"))
        return self.smooth(series, ts, key=key, n=n)


def last_observed(series: Series) -> Float[Array, ""]:
    """The time of the last row of which something was observed; the first time, if there is none."""
    return jnp.max(jnp.where(series.mask.any(-1), series.ts, series.ts[0]))
