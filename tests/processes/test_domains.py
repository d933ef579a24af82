"""Parameters out of their domain, shapes that do not fit, limits, and what `fit` sees of a process."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import numpyro.distributions as dist
import pytest

import sdekit as sk
from sdekit import processes as sp


start = dist.Delta(jnp.zeros(2), event_dim=1)


@pytest.mark.parametrize(
    ("build", "where"),
    [
        (lambda: sp.BrownianMotion(-1.0), "BrownianMotion.scale"),
        (lambda: sp.BrownianMotion([1.0, 2.0], [0.0, 0.0, 0.0]), "BrownianMotion.drift_rate"),
        (lambda: sp.BrownianMotion(float("nan")), "BrownianMotion.scale"),
        (lambda: sp.BrownianBridge(0.0, 1.0, scale=0.0), "BrownianBridge.scale"),
        (lambda: sp.OrnsteinUhlenbeck(0.0), "OrnsteinUhlenbeck.rate"),
        (lambda: sp.OrnsteinUhlenbeck(1.0, scale=-0.5), "OrnsteinUhlenbeck.scale"),
        (lambda: sp.GeometricBrownianMotion(0.0, 0.0), "GeometricBrownianMotion.scale"),
        (lambda: sp.CoxIngersollRoss(1.0, -1.0), "CoxIngersollRoss.mean"),
        (lambda: sp.SquaredBessel(0.0), "SquaredBessel.dimension"),
        (lambda: sp.Benes(speed=-1.0), "Benes.speed"),
        (lambda: sp.Jacobi(1.0, 1.5), "Jacobi.mean"),
        (lambda: sp.DoubleWell(barrier=0.0), "DoubleWell.barrier"),
        (lambda: sp.StochasticVerhulst(scale=-1.0), "StochasticVerhulst.scale"),
        (lambda: sp.Lorenz(prandtl=-10.0), "Lorenz.prandtl"),
        (lambda: sp.Lorenz(scale=[1.0, 1.0]), "Lorenz.scale"),
        (lambda: sp.Lorenz(structure=sp.General), "Lorenz.structure"),
        (lambda: sp.LotkaVolterra(death=0.0), "LotkaVolterra.death"),
        (lambda: sp.Heston(correlation=1.0), "Heston.correlation"),
        (lambda: sp.Heston(initial=dist.Delta(jnp.zeros(3), event_dim=1)), "Heston.initial"),
        (lambda: sp.LinearSDE(jnp.ones((2, 3))), "LinearSDE.matrix"),
        (lambda: sp.LinearSDE(jnp.eye(2), scale=jnp.ones((3, 1))), "LinearSDE.scale"),
        (lambda: sp.LinearSDE(jnp.eye(2), offset=jnp.ones(3)), "LinearSDE.offset"),
        (lambda: sp.MatrixOrnsteinUhlenbeck(-jnp.eye(2)), "MatrixOrnsteinUhlenbeck.rate"),
        (lambda: sp.OverdampedLangevin(lambda x: x, start), "OverdampedLangevin.potential"),
        (lambda: sp.OverdampedLangevin(jnp.sum, start, -1.0), "OverdampedLangevin.temperature"),
        (lambda: sp.UnderdampedLangevin(jnp.sum, start, mass=-1.0), "UnderdampedLangevin.mass"),
        (
            lambda: sp.UnderdampedLangevin(jnp.sum, dist.Delta(jnp.zeros(3), event_dim=1)),
            "UnderdampedLangevin.initial",
        ),
        (
            lambda: sp.TimeDependentLinearSDE(
                lambda t: jnp.eye(3), lambda t: jnp.zeros(2), lambda t: jnp.eye(2), start
            ),
            "TimeDependentLinearSDE.matrix",
        ),
    ],
)
def test_what_is_out_of_its_domain_is_named(build, where):
    with pytest.raises(ValueError, match=where):
        build()


def test_python_numbers_follow_the_arrays():
    rate = jnp.ones(2, jnp.float32)
    process = sp.OrnsteinUhlenbeck(rate, 0.5, [1.0, 2.0])
    assert {v.dtype for v in jax.tree.leaves(process)} == {jnp.dtype(jnp.float32)}
    assert process.mean.shape == (2,)
    assert sp.OrnsteinUhlenbeck(1.0).rate.dtype == jnp.float64


@pytest.mark.parametrize("rate", [1e-300, 1e-12, 1e-6])
def test_slow_ornstein_uhlenbeck_is_brownian_with_finite_gradients(rate):
    brownian = sp.BrownianMotion(0.7).transition(0.0, 2.0, jnp.ones(1))
    log_p = lambda r: sp.OrnsteinUhlenbeck(r, 0.3, 0.7).transition(0.0, 2.0, jnp.ones(1)).log_prob(jnp.array([1.4]))
    value, slope = jax.value_and_grad(log_p)(rate)
    np.testing.assert_allclose(value, brownian.log_prob(jnp.array([1.4])), rtol=1e-5)
    # To first order the mean moves by (0.3 - 1) * 2 * rate and the variance by the factor 1 - 2 * rate.
    z, v = 0.4, 0.49 * 2
    np.testing.assert_allclose(slope, z / v * (0.3 - 1) * 2 + (1 - z**2 / v), rtol=1e-4)


@pytest.mark.parametrize("rate", [1e-300, 1e-9])
def test_slow_cox_ingersoll_ross_has_finite_gradients(rate):
    def log_p(k):
        process = sp.CoxIngersollRoss(k, 1.0, 0.7)
        return process.transition(0.0, 2.0, jnp.ones(1)).log_prob(jnp.array([1.4]))

    # Without reversion the degrees of freedom vanish with the rate: the law of Feller's diffusion away from 0.
    value, slope = jax.value_and_grad(log_p)(jnp.asarray(max(rate, 1e-9)))
    assert np.isfinite([value, slope]).all()


PROCESSES = [
    sp.BrownianMotion([1.0, 2.0]),
    sp.OrnsteinUhlenbeck([1.0, 2.0]),
    sp.GeometricBrownianMotion([1.0, 2.0]),
    sp.CoxIngersollRoss([1.0, 2.0]),
    sp.SquaredBessel([1.0, 2.0]),
    sp.Benes([1.0, 2.0]),
    sp.Jacobi([1.0, 2.0]),
    sp.DoubleWell([1.0, 2.0]),
    sp.StochasticVerhulst([1.0, 2.0]),
    sp.Lorenz(),
    sp.LotkaVolterra(),
    sp.Heston(),
    sp.MatrixOrnsteinUhlenbeck(jnp.eye(2)),
    sp.LinearSDE(jnp.eye(2)),
    sp.OrnsteinUhlenbeck([1.0, 2.0]).bridge(0.0, jnp.zeros(2), 1.0, jnp.ones(2)),
]


@pytest.mark.parametrize("process", PROCESSES, ids=lambda p: type(p).__name__)
def test_parameters_go_to_free_coordinates_and_back(process):
    back = sk.constrain(sk.unconstrain(process))
    assert eqx.tree_equal(back, process, rtol=1e-12, atol=1e-12)
    names = sk.named_parameters(process)
    assert names
    assert not {"x0", "x1", "t0", "t1", "start", "initial"} & set(names)
    # Anything goes in free coordinates.
    far = sk.constrain(jax.tree.map(lambda v: v - 3.0 if eqx.is_inexact_array(v) else v, sk.unconstrain(process)))
    for name, value in sk.named_parameters(far).items():
        if name.split(".")[-1] in ("scale", "speed", "vol_of_vol", "width", "barrier"):
            assert (name == "scale" and process.structure is sp.Additive) or (np.asarray(value) > 0).all()
