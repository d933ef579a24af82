"""The rivals of the neural SDE on series whose best forecasts are known."""

import numpy as np

from sdekit.experiments._sunspot_rivals import PERIOD, _autoregression, _seasonal, rivals


def series(n: int, seed: int) -> np.ndarray:
    """An autoregression of order two with a period of about eleven."""
    rng, x = np.random.default_rng(seed), np.zeros(n + 100)
    for t in range(2, n + 100):
        x[t] = 1.6 * x[t - 1] - 0.9 * x[t - 2] + 0.3 * rng.normal()
    return x[100:]


def test_the_autoregression_finds_one():
    """Coefficients of 2,000 values are known to .02, and so are forecasts; draws add .3/sqrt(4000)."""
    x = series(2000, 0)
    draws = _autoregression(x)(x, 3, 4000, np.random.default_rng(1))
    one = 1.6 * x[-1] - 0.9 * x[-2]
    assert abs(draws[:, 0].mean() - one) < 0.12
    assert abs(draws[:, 0].std() - 0.3) < 0.03


def test_the_gaussian_process_beats_climatology_on_a_rhythm():
    x = series(300, 2)
    found = rivals(x[:200])
    errors = {name: [] for name in ("Gaussian process", "climatology")}
    for name, kept in errors.items():
        for end in range(200, 295, 5):
            draws = found[name](x[:end], 2, 200, np.random.default_rng(end))
            kept.append(np.mean((draws.mean(0) - x[end : end + 2]) ** 2))
    assert np.mean(errors["Gaussian process"]) < 0.5 * np.mean(errors["climatology"])


def test_the_seasonal_forecast_is_the_value_a_period_ago_and_an_old_error():
    x = np.arange(60.0)
    draws = _seasonal(x)(x, 5, 7, np.random.default_rng(0))
    np.testing.assert_allclose(draws, np.broadcast_to(x[-PERIOD:][:5] + PERIOD, (7, 5)))
