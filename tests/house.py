"""How the tests see the source: its files, modules, classes, public names and fenced examples."""

import ast
import functools
import importlib
import inspect
import pkgutil
import re
import subprocess
import textwrap
from pathlib import Path
from typing import NamedTuple

import equinox as eqx

import sdekit


ROOT = Path(__file__).resolve().parent.parent
PACKAGE = ROOT / "sdekit"
FAMILIES = ("neural", "fractional", "interpolants", "bridges", "jumps", "points")
_FENCE = re.compile(r"^(?P<indent> *)```python(?P<options>[^\n]*)\n(?P<code>.*?)^(?P=indent)```", re.M | re.S)


class Example(NamedTuple):
    """A fenced block of Python: where it starts, and its code padded so that line numbers are those of the file."""

    line: int
    code: str


def sources() -> list[Path]:
    """Every Python file of the package."""
    return sorted(PACKAGE.rglob("*.py"))


def rooms() -> list[str]:
    """The packages directly under `sdekit`."""
    return sorted(p.parent.name for p in PACKAGE.glob("*/__init__.py"))


@functools.cache
def tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text(), filename=str(path))


def name_of(path: Path) -> str:
    return str(path.relative_to(ROOT))


def tracked() -> list[Path]:
    """The files under version control; every file of the project where there is no repository."""
    try:
        listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True).stdout
        files = [ROOT / name for name in listed.decode().split("\0") if name]
    except (OSError, subprocess.CalledProcessError):
        skipped = {".venv", "site", "out", "dist", "build", "__pycache__"}
        files = [p for p in ROOT.rglob("*") if not skipped & set(p.relative_to(ROOT).parts)]
    return [p for p in files if p.is_file()]


@functools.cache
def modules() -> tuple:
    """Every module of the package, imported."""
    names = [m.name for m in pkgutil.walk_packages(sdekit.__path__, "sdekit.") if not m.name.endswith("__main__")]
    return (sdekit, *(importlib.import_module(name) for name in names))


@functools.cache
def classes() -> tuple[type, ...]:
    """Every class that the package defines at the top of a module."""
    found = {}
    for module in modules():
        for value in vars(module).values():
            if inspect.isclass(value) and value.__module__ == module.__name__:
                found[f"{value.__module__}.{value.__qualname__}"] = value
    return tuple(found.values())


def bare(cls: type) -> str:
    return cls.__name__.lstrip("_").split("[")[0]


def is_abstract(cls: type) -> bool:
    return bare(cls).startswith("Abstract")


def module_classes() -> tuple[type, ...]:
    return tuple(c for c in classes() if issubclass(c, eqx.Module))


def public() -> dict[str, object]:
    """Public names by where a user meets them: `sdekit.data.Series`. Sub-modules are left out."""
    found = {}
    for module in (sdekit, *(importlib.import_module(f"sdekit.{room}") for room in rooms())):
        names = getattr(module, "__all__", [n for n in vars(module) if not n.startswith("_")])
        for name in names:
            value = getattr(module, name)
            if not inspect.ismodule(value):
                found[f"{module.__name__}.{name}"] = value
    return found


def needs_docstring(value: object) -> bool:
    """Classes and functions that the package defines; not aliases of types and not what it passes on from others."""
    defined = inspect.isclass(value) or callable(value)
    return defined and (getattr(value, "__module__", "") or "").startswith("sdekit")


def _fenced(text: str, first_line: int) -> list[Example]:
    found = []
    for match in _FENCE.finditer(text):
        if "no-run" in match["options"]:
            continue
        line = first_line + text[: match.start("code")].count("\n")
        found.append(Example(line, "\n" * (line - 1) + textwrap.dedent(match["code"])))
    return found


def examples_in_module(path: Path) -> list[Example]:
    """The fenced examples in the docstrings of a module, of its classes and of its functions."""
    found = []
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef) and ast.get_docstring(node, clean=False):
            docstring = node.body[0]
            found += _fenced(ast.get_docstring(node, clean=False), docstring.lineno)
    return found


def examples_in_page(path: Path) -> list[Example]:
    """The fenced examples of a Markdown page, which run one after the other in one namespace."""
    return _fenced(path.read_text(), 1)


def pages() -> list[Path]:
    """The Markdown pages a user reads."""
    return [
        ROOT / "README.md",
        *sorted(p for p in (ROOT / "docs").rglob("*.md") if p.parent.name != "gallery"),
        *sorted(PACKAGE.rglob("*.md")),
    ]
