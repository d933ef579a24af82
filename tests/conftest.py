"""Settings of the whole suite: float64, strict ranks, Hypothesis profiles, keys that replay."""

import gc
import itertools
import os
import pathlib

import hypothesis
import jax
import pytest


# Nearly all the time of the suite goes into compiling; few programs run for long. Without the emitters of fusions a
# program compiles in three fifths of the time.
os.environ.setdefault("XLA_FLAGS", "--xla_backend_optimization_level=0 --xla_cpu_use_fusion_emitters=false")

# Tracing makes many short-lived objects beside many that stay: with the thresholds of Python one second in fourteen
# goes into looking for garbage.
gc.set_threshold(100_000, 20, 100)

jax.config.update("jax_enable_x64", os.environ.get("SDEKIT_TEST_FLOAT32", "0") != "1")
jax.config.update("jax_numpy_rank_promotion", "raise")

# Compiled programs are kept: a second run is several times as fast. One folder a process, as writes may be torn.
_CACHE = pathlib.Path(__file__).parents[1] / ".jax_cache" / os.environ.get("PYTEST_XDIST_WORKER", "main")
jax.config.update("jax_compilation_cache_dir", os.environ.get("JAX_COMPILATION_CACHE_DIR", str(_CACHE)))
jax.config.update("jax_persistent_cache_min_compile_time_secs", 0.0)
jax.config.update("jax_persistent_cache_min_entry_size_bytes", -1)

hypothesis.settings.register_profile("ci", derandomize=True, deadline=None, max_examples=10, print_blob=True)
hypothesis.settings.register_profile("nightly", deadline=None, max_examples=200, print_blob=True)
hypothesis.settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "ci"))


@pytest.fixture
def key():
    """A key that is the same in every run; a statistical assertion states its own false-alarm rate."""
    return jax.random.key(20260101)


_tests_run = itertools.count(1)


@pytest.fixture(autouse=True)
def few_memory_maps():
    """Drop compiled programs before they use up the memory maps of a process (65,530 by default on Linux).

    To count the maps takes ten milliseconds, so one test in twenty does.
    """
    yield
    maps = pathlib.Path("/proc/self/maps")
    if next(_tests_run) % 20 == 0 and maps.exists() and maps.read_bytes().count(b"\n") > 25_000:
        jax.clear_caches()
