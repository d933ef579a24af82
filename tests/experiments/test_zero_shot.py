"""The weights of the amortised rates: a file for each recipe."""

from sdekit.experiments import Recipe, get


def test_each_recipe_has_a_file_of_its_own():
    assert Recipe().name == Recipe().name
    assert len({Recipe().name, Recipe(steps=2).name, Recipe(seed=1).name}) == 3
    assert "MAP-EM, ratchet, 300 paths" in {model for model, _ in get("fim-zero-shot").expected}
