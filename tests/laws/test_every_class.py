"""Every public final process is in the suites of what it declares: a new class that is in none fails here."""

import inspect

import numpy as np
import pytest

from sdekit import processes as sp

from .. import house
from .cases import BRIDGED, COMPONENTS, LINEAR, MATRICES, TRANSITIONS
from .test_gaussian_process import MODELS
from .test_marginal import FIXED
from .test_stationary import SCALAR


def classes(cases):
    return {type(case.build(np.random.default_rng(0))) for case in cases}


GAUSSIAN = {type(build(np.full(4, 0.5))) for build in MODELS.values()}
SUITES = {
    sp.AbstractTransition: classes(TRANSITIONS),
    sp.AbstractLinearGaussian: classes(LINEAR),
    sp.AbstractBridged: classes(BRIDGED),
    sp.AbstractMarginal: classes([*FIXED, *COMPONENTS[:2], *MATRICES[:3]]) | GAUSSIAN,
    sp.AbstractStationary: classes(SCALAR) | GAUSSIAN,
    sp.AbstractGaussianProcess: GAUSSIAN,
    sp.AbstractDensity: GAUSSIAN,
    sp.AbstractConditioned: GAUSSIAN,
    sp.AbstractGridded: GAUSSIAN,
}
EXEMPT = {
    **{
        (sp.AbstractBridged, c): "test_pinned holds the one bridge of all of them against conditioning"
        for c in GAUSSIAN
    },
    (sp.AbstractMarginal, sp.DrivenOrnsteinUhlenbeck): "test_lifted holds its marginal against that of its modes",
    (sp.AbstractMarginal, sp.GaussianBridge): "test_bridge holds its marginal against Bayes' rule",
    (sp.AbstractBridged, sp.MatrixOrnsteinUhlenbeck): "the same GaussianBridge as of LinearSDE",
    (sp.AbstractBridged, sp.TimeDependentLinearSDE): "the same GaussianBridge as of LinearSDE",
    (sp.AbstractStationary, sp.MatrixOrnsteinUhlenbeck): "has tests of its own in test_stationary, being no scalar",
}


@pytest.mark.parametrize("capability", SUITES, ids=lambda c: c.__name__)
def test_every_final_process_is_in_the_suite_of_what_it_declares(capability):
    public = {c for c in house.public().values() if inspect.isclass(c)}
    declares = {c for c in public if issubclass(c, capability) and not house.is_abstract(c)}
    declares = {c for c in declares if c.__module__.startswith(sp.__name__)}
    exempt = {c for declared, c in EXEMPT if declared is capability}
    missing = declares - SUITES[capability] - exempt
    assert not missing, "add a case to the suite, or an exemption with its reason"
    assert not exempt & SUITES[capability], "no longer in need of an exemption"
