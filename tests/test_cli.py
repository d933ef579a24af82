"""The command line, in this process: what it prints, what it writes, how it refuses."""

import json
import os

import numpy as np
import pytest

from sdekit.cli import main


METRICS = {"name", "paper", "scale", "seed", "versions", "seconds", "rows"}
ROW = {"metric", "value", "expected", "tolerance", "within", "baseline"}


def series_file(tmp_path):
    """Thirty irregular days of a stationary autoregression, with a missing value."""
    rng = np.random.default_rng(0)
    x, lines = 0.0, ["date,flow"]
    days = np.cumsum(rng.integers(1, 4, 30))
    for k, day in enumerate(days):
        x = 0.7 * x + rng.normal()
        date = np.datetime64("2021-01-01") + np.timedelta64(int(day), "D")
        lines.append(f"{date},{'' if k == 7 else round(100 + 10 * x, 2)}")
    path = tmp_path / "flow.csv"
    path.write_text("\n".join(lines) + "\n")
    return path


def test_list_names_experiments_models_and_data(capsys):
    assert main(["list"]) == 0
    printed = capsys.readouterr().out
    for name in ("ou_mle", "nile", "fou", "neural", "sunspots"):
        assert name in printed


def test_check_says_what_is_installed(capsys):
    assert main(["check"]) == 0
    printed = capsys.readouterr().out
    assert "jax " in printed
    assert "float64" in printed


@pytest.mark.parametrize("name", ["OrnsteinUhlenbeck", "nile", "ou_mle"])
def test_cite_prints_bibtex(name, capsys):
    assert main(["cite", name]) == 0
    assert capsys.readouterr().out.startswith("@")


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["cite", "nobody"], "is not in the bibliography"),
        (["reproduce", "nothing"], "is not an experiment"),
        (["fit", "missing.csv"], "does not exist"),
        (["fit", "nile", "--model", "arima"], "use one of brownian, ou"),
        (["fit", "nile", "--past", "1.5"], "strictly between 0 and 1"),
        (["fit", "digits"], "is not one series"),
    ],
)
def test_faults_are_one_line_and_exit_2(arguments, says, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert main(arguments) == 2
    said = capsys.readouterr().err
    assert said.startswith("sdekit: ")
    assert says.lower() in said.lower()
    assert said.count("\n") == 1


def test_an_unknown_option_is_one_line(capsys):
    with pytest.raises(SystemExit) as stopped:
        main(["fit", "--speed", "9"])
    assert stopped.value.code == 2
    assert capsys.readouterr().err.count("\n") == 1


@pytest.mark.slow
def test_fit_of_a_file_with_gaps_and_irregular_dates(capsys, tmp_path):
    pytest.importorskip("pandas", reason="the extra sdekit[data] is not installed")
    pytest.importorskip("matplotlib", reason="the extra sdekit[plot] is not installed")
    out = tmp_path / "out"
    arguments = ["fit", str(series_file(tmp_path)), "--model", "ou", "--out", str(out), "--paths", "50", "--quiet"]
    assert main(arguments) == 0
    printed = capsys.readouterr().out
    assert "| OU + noise " in printed
    assert "persistence" in printed
    assert str(out) in printed
    found = json.loads((out / "table.json").read_text())
    assert found["observed"] == 29
    metrics = found["models"]["OU + noise"]["metrics"]
    assert set(metrics) == {"log-likelihood", "AIC", "log score", "CRPS"}
    assert metrics["AIC"] == pytest.approx(2 * 4 - 2 * metrics["log-likelihood"])
    assert {p.name for p in out.iterdir()} >= {"table.md", "table.json", "forecast.png", "comparison.png"}


@pytest.mark.slow
@pytest.mark.parametrize(
    "name", ["ou_mle", "nile", "nile-hurst", "rough-volatility", "multifractional", "ma-fbm-error"]
)
def test_experiments_meet_their_figures(name, tmp_path, capsys):
    if name == "nile":
        pytest.importorskip("statsmodels", reason="the extra sdekit[data] is not installed")
    if name in ("nile-hurst", "rough-volatility") and not os.environ.get("SDEKIT_DATA"):
        pytest.skip("SDEKIT_DATA names no folder of data")
    assert main(["reproduce", name, "--scale", "smoke", "--seed", "1", "--out", str(tmp_path), "--quiet"]) == 0
    found = json.loads((tmp_path / "metrics.json").read_text())
    assert set(found) == METRICS
    assert all(set(row) == ROW for row in found["rows"])
    assert any(row["within"] for row in found["rows"])
    assert "expected" in (tmp_path / "table.md").read_text()
    capsys.readouterr()
