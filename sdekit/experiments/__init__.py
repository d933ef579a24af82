"""One file a paper: data, models, objective, the figures that should come out."""

from ._candidates import CANDIDATES as CANDIDATES, Candidate as Candidate
from ._compare import Comparison as Comparison, compare as compare
from ._csv import read_csv as read_csv
from ._experiment import Experiment as Experiment, Outcome as Outcome
from ._figures import draw as draw
from ._registry import experiments as experiments, get as get
from ._residuals import one_step_residuals as one_step_residuals
from ._runner import Run as Run, run as run, versions as versions
from ._table import as_dict as as_dict, as_markdown as as_markdown
from ._zero_shot import Recipe as Recipe, zero_shot_rates as zero_shot_rates


__all__ = [
    "CANDIDATES",
    "Candidate",
    "Comparison",
    "Experiment",
    "Outcome",
    "Recipe",
    "Run",
    "as_dict",
    "as_markdown",
    "compare",
    "draw",
    "experiments",
    "get",
    "one_step_residuals",
    "read_csv",
    "run",
    "versions",
    "zero_shot_rates",
]
