"""Validation, patience, the best model."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from sdekit.fit import fit

from .toys import GaussianLoss, line, lines, same_bits


ADAM = optax.adam(0.05)


class Valley(GaussianLoss.__base__):
    """Descends towards `slope[0] = 5` on the training items (first value 0) but is best at 1 on the held-out ones."""

    def __call__(self, model, batch, *, key):
        target = jnp.where(batch.ys[0, 0, 0] > 50, 1.0, 5.0)
        loss = (model.slope[0] - target) ** 2
        return loss, {"distance": jnp.abs(model.slope[0] - target)}


def records():
    train = lines()
    return train, type(train)(train.ts, train.ys + 100.0)


def test_best_is_the_lowest_validation_loss_and_patience_counts_chunks(key):
    train, valid = records()
    options = {"key": key, "chunk": 10, "optimiser": optax.sgd(0.01), "valid": valid, "progress": False}
    result = fit(line(), Valley(), train, steps=400, patience=3, **options)
    h = result.history
    best = int(np.argmin(h["valid_loss"]))
    assert result.stopped == "no lower validation loss in 3 chunks"
    assert len(h["step"]) == best + 1 + 3
    assert abs(float(result.best.slope[0]) - 1.0) < abs(float(result.model.slope[0]) - 1.0)
    assert not result.converged
    # The best model is the model at the end of its chunk, and its recorded loss is its loss.
    at_best = fit(line(), Valley(), train, steps=10 * (best + 1), **options)
    assert same_bits(at_best.model, result.best)
    np.testing.assert_allclose((float(result.best.slope[0]) - 1) ** 2, h["valid_loss"][best], rtol=1e-12)
    np.testing.assert_allclose(h["valid_distance"] ** 2, h["valid_loss"], rtol=1e-12)


def test_validation_moves_no_parameter(key):
    train, valid = records()
    options = {"key": key, "chunk": 10, "optimiser": ADAM, "steps": 30, "batch_size": 2, "progress": False}
    with_valid = fit(line(), GaussianLoss(0.1), train, valid=valid, **options)
    without = fit(line(), GaussianLoss(0.1), train, **options)
    assert same_bits(with_valid.state.params, without.state.params)
    assert without.best is without.model


def test_a_fraction_is_held_out_by_the_key(key):
    class Sums(GaussianLoss.__base__):
        def __call__(self, model, batch, *, key):
            items = batch.ys[:, 0, 0]
            return model.slope[0] ** 2 + model.slope[0], {"total": items.sum(), "items": 1.0 * items.shape[0]}

    data = lines(items=8)
    data = type(data)(data.ts, jnp.broadcast_to(2.0 ** jnp.arange(8)[:, None, None], data.ys.shape))
    options = {"chunk": 10, "optimiser": ADAM, "steps": 10, "valid": 0.25, "progress": False}
    found = []
    for k in (key, key, jax.random.key(3)):
        h = fit(line(), Sums(), data, key=k, **options).history
        assert (h["items"][0], h["valid_items"][0]) == (6, 2)
        assert h["total"][0] + h["valid_total"][0] == 255  # every item is on one side
        found.append(h["valid_total"][0])
    assert found[0] == found[1]


@pytest.mark.parametrize("valid", [0.0, 1.0, -1])
def test_a_fraction_leaves_items_on_both_sides(key, valid):
    with pytest.raises(ValueError, match="items on both sides of 8"):
        fit(line(), GaussianLoss(), lines(), key=key, valid=valid, progress=False)
