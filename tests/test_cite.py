"""Citations: every key resolves, models and paths are looked into, unknown names are refused with the known ones."""

import re

import jax.numpy as jnp
import pytest

import sdekit as sk
from sdekit.cite import _BEHIND, PAPERS, behind, cite

from . import house


def test_every_registered_key_has_a_paper_and_every_paper_a_use():
    assert {key for keys in _BEHIND.values() for key in keys} == set(PAPERS)
    assert all(behind(key) for key in PAPERS)


def test_the_file_is_sorted_and_in_the_form_that_is_read():
    """An entry in another form would be lost in silence."""
    text = (house.PACKAGE / "papers.bib").read_text()
    assert text == "\n\n".join(PAPERS[key].bibtex(key) for key in sorted(PAPERS)) + "\n"


@pytest.mark.parametrize("key", sorted(PAPERS))
def test_bibtex_is_balanced_and_complete(key):
    text = PAPERS[key].bibtex(key)
    assert re.match(rf"@\w+{{{key},\n", text)
    assert text.count("{") == text.count("}")
    for field in ("author", "title", "year"):
        assert f"  {field} = {{" in text


def test_a_model_is_cited_by_what_is_inside_it():
    model = {"latent": sk.processes.OrnsteinUhlenbeck(rate=1.0)}
    assert "uhlenbeck1930" in cite(model)


def test_a_path_is_cited_by_its_solver():
    path = sk.paths.SampledPath(jnp.arange(2.0), jnp.zeros((2, 1)), sk.paths.Provenance("ShARK", "Brownian"))
    text = cite(path)
    assert "foster2024" in text
    assert "salmon2011" in text


def test_an_unknown_name_is_refused_with_the_known_ones():
    with pytest.raises(ValueError, match=r"bibliography.*OrnsteinUhlenbeck"):
        cite("ornstein")
