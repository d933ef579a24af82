"""The table of estimators, at a size that takes seconds."""

import json

import jax
import pytest

from sdekit.experiments import Outcome, get


@pytest.mark.slow
def test_the_table_of_estimators_has_every_estimator_and_index(tmp_path):
    pytest.importorskip("matplotlib", reason="the extra sdekit[plot] is not installed")
    experiment, setting = get("hurst-estimators"), {"n": 256, "series": 3}
    data = experiment.data(setting, jax.random.key(0))
    assert data.ys.shape == (15, 256, 1)
    outcome = Outcome(data, {}, setting, jax.random.key(1))
    report = experiment.metrics(outcome).expect(experiment.expected)
    assert {name for name, _ in experiment.expected} < set(report.models)
    assert all(row.value is not None for row in report)
    rows = [{"metric": f"{row.model}: {row.metric}", "value": row.value} for row in report]
    (tmp_path / "metrics.json").write_text(json.dumps({"rows": rows}))
    experiment.draw(outcome, tmp_path)
    assert (tmp_path / "rmse.png").exists()
