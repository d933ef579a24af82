"""Counter-based random numbers: known answers, uniformity, independence of lanes, steps and streams, purity."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.special
import scipy.stats
from hypothesis import given, strategies as st

from sdekit.math import counter_bits, counter_normal, counter_uniform, threefry2x32


FALSE_ALARM = 1e-6
SEEDS = st.integers(0, 2**32 - 1)

# Random123 distribution, tests/kat_vectors, threefry2x32 with 20 rounds: counter, key, answer.
KNOWN = [
    ((0x00000000, 0x00000000), (0x00000000, 0x00000000), (0x6B200159, 0x99BA4EFE)),
    ((0xFFFFFFFF, 0xFFFFFFFF), (0xFFFFFFFF, 0xFFFFFFFF), (0x1CB996FC, 0xBB002BE7)),
    ((0x243F6A88, 0x85A308D3), (0x13198A2E, 0x03707344), (0xC4923A9C, 0x483DF7A0)),
]

_uniform = jax.jit(counter_uniform, static_argnums=(2, 3), static_argnames="stream")
_normal = jax.jit(counter_normal, static_argnums=(2, 3), static_argnames="stream")


@pytest.mark.parametrize(("counter", "key", "answer"), KNOWN)
def test_known_answers(counter, key, answer):
    words = threefry2x32(jnp.array(key, jnp.uint32), *(jnp.array(c, jnp.uint32) for c in counter))
    assert tuple(int(w) for w in words) == answer


def _z_of(sample, mean, variance):
    return abs(np.mean(sample) - mean) / np.sqrt(variance / np.size(sample))


# Two-sided, shared among at most 14 means a test, with a factor of 2 for the skewness of fourth powers and products.
Z = scipy.stats.norm.isf(FALSE_ALARM / 56)


@given(SEEDS, st.integers(0, 2**32 - 1), st.integers(0, 2**32 - 1))
def test_bits_are_uniform(seed, step, stream):
    words = np.asarray(counter_bits(jax.random.key(seed), step, (1 << 14,), stream=stream))
    # Every bit is fair: 32 counts, each at its share of the false-alarm rate. Detects a bias of 0.02.
    counts = ((words[:, None] >> np.arange(32, dtype=np.uint32)) & 1).sum(0, dtype=np.int64)
    assert scipy.stats.binom.sf(np.abs(counts - 8192).max() + 8192 - 1, 1 << 14, 0.5) > FALSE_ALARM / 64
    for shift in (0, 8, 16, 24):
        cells = np.bincount((words >> np.uint32(shift)) & 255, minlength=256)
        assert scipy.stats.chisquare(cells).pvalue > FALSE_ALARM / 4


@pytest.mark.parametrize("dtype", [jnp.float32, jnp.float64])
@given(seed=SEEDS)
def test_numbers_have_their_laws(dtype, seed):
    key = jax.random.key(seed)
    u = np.asarray(_uniform(key, 3, (1 << 15,), dtype), np.float64)
    z = np.asarray(_normal(key, 4, (1 << 15,), dtype), np.float64)
    assert u.min() >= 0
    assert u.max() < 1
    # Kolmogorov-Smirnov: detects a distance of 0.016 between distribution functions.
    assert scipy.stats.kstest(u, "uniform").pvalue > FALSE_ALARM
    assert scipy.stats.kstest(z, "norm").pvalue > FALSE_ALARM
    for power, mean, variance in ((1, 0, 1), (2, 1, 2), (3, 0, 15), (4, 3, 96)):
        assert _z_of(z**power, mean, variance) < Z


@given(seed=SEEDS)
def test_lanes_steps_streams_and_keys_are_uncorrelated(seed):
    key = jax.random.key(seed)
    size = 1 << 14
    draw = lambda k, step, stream=0: np.asarray(_normal(k, step, (size,), jnp.float32, stream=stream), np.float64)
    z = draw(key, 7)
    others = {
        "next lane": np.roll(z, 1),
        "other word of the block": z.reshape(-1, 2)[:, ::-1].reshape(-1),
        "next step": draw(key, 8),
        "step with one bit flipped": draw(key, 7 + (1 << 20)),
        "other stream": draw(key, 7, 1),
        "other key": draw(jax.random.key(seed ^ 1), 7),
        "child key": draw(jax.random.fold_in(key, 7), 7),
    }
    for name, other in others.items():
        # Correlations of values and of squares; detects 0.04 and more.
        for f, variance in ((lambda x: x, 1.0), (lambda x: x**2 - 1, 4.0)):
            # Products within one sequence come in pairs for swapped words: their mean has twice the variance.
            twice = 2 if name == "other word of the block" else 1
            assert _z_of(f(z) * f(other), 0, twice * variance) < Z, name


@given(SEEDS, st.integers(0, 2**32 - 1))
def test_a_draw_is_a_function_of_key_step_and_lane(seed, step):
    key, step = jax.random.key(seed), np.uint32(step)
    whole = _normal(key, step, (10,), jnp.float32)
    np.testing.assert_array_equal(whole[:7], _normal(key, step, (7,), jnp.float32))
    np.testing.assert_array_equal(whole.reshape(2, 5), _normal(key, step, (2, 5), jnp.float32))
    np.testing.assert_array_equal(whole[0], _normal(key, step, (), jnp.float32))


def test_eager_jit_and_vmap_agree():
    key = jax.random.key(5)
    steps = jnp.array([0, 1, 2**31, 2**32 - 1], jnp.uint32)
    for draw in (counter_bits, counter_uniform, counter_normal):
        eager = np.stack([draw(key, int(s), (3,), stream=2) for s in steps])
        np.testing.assert_allclose(jax.jit(jax.vmap(lambda s, f=draw: f(key, s, (3,), stream=2)))(steps), eager, 1e-15)
        traced = jax.jit(lambda stream, f=draw: f(key, steps[1], (3,), stream=stream))(jnp.uint32(2))
        np.testing.assert_allclose(traced, eager[1], 1e-15)
        keys = jax.random.split(key, 4)
        mapped = jax.vmap(lambda k, f=draw: f(k, 9, (3,)))(keys)
        np.testing.assert_allclose(mapped, np.stack([draw(k, 9, (3,)) for k in keys]), 1e-15)


def test_normals_invert_the_normal_distribution_into_the_tails():
    from sdekit.math import _threefry

    # The largest and the smallest tail probabilities, and many between.
    r = np.unique(np.r_[:2000, np.geomspace(1, 2**31 - 1, 50_000).astype(np.int64), 2**31 - 2000 : 2**31])
    exact = -scipy.special.ndtri((r + 0.5) * 2.0**-32)
    z = np.asarray(_threefry._normal_float32(jnp.asarray(r.astype(np.uint32))), np.float64)
    far = exact > 0.1
    assert np.abs(z / exact - 1)[far].max() < 1e-6
    assert np.abs(z - exact).max() < 1e-5
    assert z[0] > 6.3
    np.testing.assert_array_equal(np.asarray(_threefry._normal_float32(jnp.asarray((r + 2**31).astype(np.uint32)))), -z)
    high, low = r.astype(np.uint32), (r * 7919 % 2**32).astype(np.uint32)
    q = (high.astype(np.float64) * 2.0**21 + (low >> 11)) * 2.0**-52 + 2.0**-53
    z = np.asarray(_threefry._normal_float64(jnp.asarray(high), jnp.asarray(low)))
    exact = -scipy.special.ndtri(q / 2)
    assert np.isfinite(z).all()
    np.testing.assert_allclose(z, exact, rtol=1e-9, atol=1e-14)


def test_other_generators_and_dtypes():
    for impl in ("rbg", "unsafe_rbg"):
        a, b = (counter_bits(jax.random.key(s, impl=impl), 0, (64,)) for s in (0, 1))
        assert (np.asarray(a) != np.asarray(b)).all()
    for dtype in (jnp.bfloat16, jnp.float16):
        u = counter_uniform(jax.random.key(0), 0, (4096,), dtype)
        assert u.dtype == dtype
        assert float(u.max()) < 1
        assert counter_normal(jax.random.key(0), 0, (3,), dtype).dtype == dtype


@pytest.mark.parametrize(("name", "step", "stream"), [("step", -1, 0), ("step", 2**32, 0), ("stream", 0, -1)])
def test_what_is_out_of_range_is_named(name, step, stream):
    with pytest.raises(ValueError, match=f"`{name}` must be in"):
        counter_bits(jax.random.key(0), step, (2,), stream=stream)
