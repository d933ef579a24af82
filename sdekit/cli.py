"""The command line: `sdekit list | reproduce | fit | check | cite`."""

import argparse
import importlib
import importlib.util
import json
import os
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import jax

from .cite import cite


__all__ = ["main"]

_EXTRAS = {
    "plot": ("matplotlib",),
    "data": ("pandas", "statsmodels", "sklearn"),
    "transport": ("ott", "ot"),
    "interop": ("xarray", "arviz"),
}


class _Parser(argparse.ArgumentParser):
    """Faults in one line: what was wrong, and where to read on."""

    def error(self, message: str):
        self.exit(2, f"sdekit: {message} (try: {self.prog} --help)\n")


def main(argv: Sequence[str] | None = None) -> int:
    """Run a command.

    **Arguments:**

    - `argv`: the arguments, without the name of the program; those of the process if not given.

    **Returns:** the exit status: 0 if all went well, 1 if an experiment missed an expected figure, 2 for a fault, which
    is said in one line.

    !!! example

        ```python
        from sdekit.cli import main
        main(["cite", "OrnsteinUhlenbeck"])  # 0
        ```
    """
    arguments = _parser().parse_args(argv)
    try:
        return arguments.run(arguments)
    except (ValueError, TypeError, OSError, ImportError, RuntimeError, ArithmeticError) as error:
        first = " ".join(str(error).split()) or type(error).__name__
        print(f"sdekit: {first}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("sdekit: interrupted", file=sys.stderr)
        return 130


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(prog="sdekit", description="Stochastic processes and SDEs, modelled, solved and fitted in JAX.")
    commands = parser.add_subparsers(required=True, metavar="COMMAND", parser_class=_Parser)

    command = commands.add_parser("list", help="experiments, data sets and models")
    command.set_defaults(run=_list)

    command = commands.add_parser("fit", help="fit models to a series: one table, and figures")
    command.add_argument("data", nargs="?", default="nile", help="a CSV file, or a data set by name (default: nile)")
    command.add_argument("--time", metavar="COL", help="the column of times, numbers or dates")
    command.add_argument("--value", metavar="COL", action="append", default=[], help="a column of values; may repeat")
    command.add_argument("--model", metavar="NAME", action="append", default=[], help="a model; may repeat (see list)")
    command.add_argument("--past", type=float, default=0.8, help="the share that models are fitted to (default: 0.8)")
    command.add_argument("--paths", type=int, default=1000, help="paths a forecast (default: 1000)")
    command.add_argument("--seed", type=int, default=0)
    command.add_argument("--out", type=Path, default=Path("out"), help="the folder to write to (default: out)")
    command.add_argument("--quiet", action="store_true", help="no progress bars")
    command.set_defaults(run=_fit)

    command = commands.add_parser("reproduce", help="run an experiment and compare with the expected figures")
    command.add_argument("name")
    command.add_argument("--scale", choices=("smoke", "paper"), default="smoke")
    command.add_argument("--seed", type=int, default=0)
    command.add_argument("--out", type=Path, help="the folder to write to (default: out/NAME)")
    command.add_argument("--quiet", action="store_true", help="no progress bars")
    command.set_defaults(run=_reproduce)

    command = commands.add_parser("check", help="the state of the installation")
    command.set_defaults(run=_check)

    command = commands.add_parser("cite", help="the papers behind a model, a solver or a data set, as BibTeX")
    command.add_argument("name")
    command.set_defaults(run=_cite)
    return parser


def _float64() -> None:
    """The command line is an application, not the library: it may choose float64, and exact likelihoods want it."""
    jax.config.update("jax_enable_x64", True)


def _list(arguments: argparse.Namespace) -> int:
    from .data import datasets
    from .experiments import CANDIDATES, experiments

    print("experiments (sdekit reproduce NAME)")
    for experiment in experiments():
        print(f"  {experiment.name:<14} {experiment.summary}")
    print("models (sdekit fit --model NAME)")
    for name, candidate in CANDIDATES.items():
        print(f"  {name:<14} {candidate.title}")
    print("data sets (sdekit fit NAME for a series, sdekit.load(NAME) for all)")
    for name in datasets():
        print(f"  {name}")
    return 0


def _series(arguments: argparse.Namespace):
    """The series that the user named, and notes on what was assumed."""
    from .data import Series, datasets, load
    from .experiments import read_csv

    name = arguments.data
    if name in datasets() and not Path(name).exists():
        record = load(name)
        if not isinstance(record, Series) or not record.is_item:
            raise ValueError(f"the data set `{name}` is not one series. Pass a CSV file, or another data set.")
        return record, []
    return read_csv(name, time=arguments.time, values=arguments.value)


def _fit(arguments: argparse.Namespace) -> int:
    _float64()
    from .experiments import CANDIDATES, as_dict, as_markdown, compare, draw

    start = time.perf_counter()
    series, notes = _series(arguments)
    for note in notes:
        print(f"note: {note}")
    print(series)
    found = compare(
        series,
        arguments.model or tuple(CANDIDATES),
        key=jax.random.key(arguments.seed),
        past=arguments.past,
        n=arguments.paths,
        progress=not arguments.quiet,
        say=lambda title: print(f"fitting {title}", flush=True),
    )
    out = arguments.out
    out.mkdir(parents=True, exist_ok=True)
    source = str(arguments.data)
    table = as_markdown(found, source=source)
    print(f"\n{table}")
    (out / "table.md").write_text(f"# {source}\n\n{table}\n")
    files = draw(found, out, key=jax.random.key(arguments.seed), n=arguments.paths)
    seconds = time.perf_counter() - start
    fields = as_dict(found, source=source, seed=arguments.seed, seconds=seconds)
    (out / "table.json").write_text(json.dumps(fields, indent=2) + "\n")
    names = ", ".join(["table.md", "table.json", *(file.name for file in files)])
    print(f"\nwrote {names} to {out}{os.sep} in {seconds:.0f} s")
    return 0


def _reproduce(arguments: argparse.Namespace) -> int:
    _float64()
    from .experiments import get, run

    experiment = get(arguments.name)
    out = arguments.out or Path("out") / experiment.name
    found = run(experiment, scale=arguments.scale, seed=arguments.seed, out=out, progress=not arguments.quiet)
    print(found.to_markdown())
    print(f"wrote {', '.join(sorted(p.name for p in out.iterdir()))} to {out}{os.sep} in {found.seconds:.0f} s")
    return 0 if found.passed else 1


def _check(arguments: argparse.Namespace) -> int:
    from .experiments import versions

    for name, version in versions().items():
        print(f"{name:<10} {version}")
    print(f"devices    {', '.join(str(d) for d in jax.devices())}")
    word = "on" if jax.config.read("jax_enable_x64") else "off (sdekit fit and reproduce turn it on for themselves)"
    print(f"float64    {word}")
    for extra, packages in _EXTRAS.items():
        missing = [p for p in packages if importlib.util.find_spec(p) is None]
        print(f"[{extra}]".ljust(10), "installed" if not missing else f"not installed: pip install 'sdekit[{extra}]'")
    print(f"data       {os.environ.get('SDEKIT_DATA', 'SDEKIT_DATA is not set: files are sought in the user cache')}")
    return 0


def _cite(arguments: argparse.Namespace) -> int:
    from .experiments import experiments

    papers = {experiment.name: experiment.paper for experiment in experiments()}
    print(cite(papers.get(arguments.name, arguments.name)))
    return 0
