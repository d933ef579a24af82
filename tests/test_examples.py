"""Every example that a reader may copy runs: in docstrings, in the README, in the pages of the documentation."""

import traceback

import matplotlib as mpl
import pytest

from . import house


mpl.use("Agg")
pytestmark = pytest.mark.examples


def run(code: str, where: str, line: int, namespace: dict) -> None:
    try:
        exec(compile(code, where, "exec"), namespace)
    except Exception:
        pytest.fail(f"the example at {where}:{line} failed\n{traceback.format_exc()}", pytrace=False)


@pytest.fixture(autouse=True)
def _clean(tmp_path, monkeypatch):
    """Examples may write files and open figures; neither outlives its test."""
    import matplotlib.pyplot as plt

    monkeypatch.chdir(tmp_path)
    yield
    plt.close("all")


@pytest.mark.parametrize("path", [p for p in house.sources() if house.examples_in_module(p)], ids=house.name_of)
def test_docstring_examples_run(path):
    for example in house.examples_in_module(path):
        run(example.code, house.name_of(path), example.line, {"__name__": "example"})


@pytest.mark.parametrize(
    "path", [p for p in house.pages() if p.exists() and house.examples_in_page(p)], ids=house.name_of
)
def test_pages_run_from_top_to_bottom(path):
    namespace = {"__name__": "example"}
    for example in house.examples_in_page(path):
        run(example.code, house.name_of(path), example.line, namespace)
