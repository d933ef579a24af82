"""The neural point processes that the laws of this room run over: every preset, small, on three kinds of events."""

import functools

import equinox as eqx
import jax
import numpy as np

from sdekit import points as sp
from sdekit.data import Events

from .cases import Case


SMALL = {"width": 8}
PRESETS = {
    "attnhp": (sp.attnhp, {**SMALL, "layers": 1, "heads": 2}),
    "cd_lognormal": (sp.cd_lognormal, {**SMALL, "components": 3}),
    "cd_rmtpp": (sp.cd_rmtpp, SMALL),
    "fullynn": (sp.fullynn, SMALL),
    "iftpp": (sp.iftpp, {**SMALL, "components": 3}),
    "mark_given_time": (sp.mark_given_time, {**SMALL, "components": 3}),
    "nhp": (sp.nhp, SMALL),
    "odetpp": (sp.odetpp, SMALL),
    "rmtpp": (sp.rmtpp, SMALL),
    "s2p2": (sp.s2p2, {**SMALL, "states": 4, "layers": 2}),
    "sahp": (sp.sahp, {**SMALL, "layers": 1, "heads": 2}),
    "thp": (sp.thp, {**SMALL, "layers": 1, "heads": 2}),
}


@functools.cache
def record() -> Events:
    rng = np.random.default_rng(0)
    ts = [np.sort(rng.uniform(0, 9.0, 12)) for _ in range(3)]
    return Events.from_list(ts, [rng.integers(0, 3, 12) for _ in ts], t1=9.0, num_marks=3)


def build(name, rng):
    preset, options = PRESETS[name]
    model = preset(record(), key=jax.random.key(int(rng.integers(2**31))), **options)
    # Away from the start, where hazards hardly move: what is tested must not hold for flat hazards alone.
    nets, rest = eqx.partition((model.encoder, model.decoder), eqx.is_inexact_array)
    nets = jax.tree.map(lambda x: x + 0.2 * rng.normal(size=x.shape), nets)
    return sp.NeuralPointProcess(*eqx.combine(nets, rest), model.scale)


NEURAL = [Case(name, functools.partial(build, name), length=20.0) for name in PRESETS]
