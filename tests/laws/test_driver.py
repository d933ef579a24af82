"""What holds for every driver: shapes, what compiles once, and that its numbers are what its contract says."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import sdekit as sk
from sdekit.noise import (
    AbstractDriver,
    BrownianDriver,
    HurstCurve,
    MandelbrotVanNess,
    MarkovFractional,
    MultifractionalDriver,
    PowerKernel,
    Since,
    VolterraDriver,
)


WITHIN = (0.2, 0.8)
BUILD = {
    "Brownian": lambda h: BrownianDriver(),
    "fixed": lambda h: MarkovFractional(h, 3),
    "learned": lambda h: MarkovFractional([h, 0.5], 3, within=WITHIN),
    "with past": lambda h: MarkovFractional(h, 3, kind=MandelbrotVanNess(), within=WITHIN, past_terms=2),
    "stationary": lambda h: MarkovFractional(h, 3, kind=MandelbrotVanNess(), past_terms=0),
    "multifractional": lambda h: MultifractionalDriver(HurstCurve([0.0, 1.0], [h, 0.5], WITHIN), WITHIN, 3),
    "since": lambda h: Since(MarkovFractional(h, 3, kind=MandelbrotVanNess(), within=WITHIN, past_terms=2), -0.1),
    "Volterra": lambda h: VolterraDriver(PowerKernel(0.3), 3),
}
drivers = pytest.mark.parametrize("name", BUILD)


def test_the_suite_knows_every_driver():
    def final(abstract):
        found = abstract.__subclasses__()
        return {c for c in found if not c.__name__.startswith("Abstract")}.union(*map(final, found))

    known = {c for c in final(AbstractDriver) if c.__module__.startswith("sdekit")}
    assert known == {type(build(0.4)) for build in BUILD.values()}


@pytest.mark.float32
@drivers
def test_shapes_and_dtypes(name):
    driver = BUILD[name](0.4)
    for t in (0.0, 0.7):
        read = driver.readout(t)
        assert read.shape[-1] == driver.size == driver.modes + driver.still
        assert read.ndim <= 2 and read.dtype == driver.rates.dtype == driver.start.dtype == jnp.result_type(float)
    assert driver.rates.shape == (driver.modes,) and driver.start.shape[0] == driver.size
    assert (np.asarray(driver.rates) >= 0).all()
    if driver.steady:
        moving = slice(0, driver.modes)
        np.testing.assert_array_equal(driver.readout(0.1)[..., moving], driver.readout(0.9)[..., moving])


@drivers
def test_drivers_of_other_numbers_share_a_program(name):
    traced = []

    @jax.jit
    def read(driver, t):
        traced.append(1)
        return driver.readout(t)

    for h in (0.4, 0.6):
        driver = BUILD[name](h)
        np.testing.assert_allclose(read(driver, jnp.array(0.3)), driver.readout(0.3), rtol=1e-12, atol=1e-12)
    assert len(traced) == 1


@pytest.mark.float32
@drivers
def test_only_the_index_is_trained_and_its_gradient_is_finite(name):
    driver = BUILD[name](0.4)
    names = list(sk.named_parameters(driver))
    learned = {
        "learned": ["hurst"],
        "with past": ["hurst"],
        "since": ["driver.hurst"],
        "multifractional": ["hurst.values"],
    }
    assert names == learned.get(name, [])
    slopes = jax.grad(lambda d: (d.readout(0.3) ** 2).sum())(driver)
    assert all(np.isfinite(leaf).all() for leaf in jax.tree.leaves(slopes))
    back = sk.constrain(sk.unconstrain(driver))
    np.testing.assert_allclose(back.readout(0.3), driver.readout(0.3), rtol=1e-4, atol=1e-5)
