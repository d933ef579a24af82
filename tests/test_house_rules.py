"""The laws of the house, read from the source: abstract or final, floors, sizes, docstrings, keys."""

import ast
import dataclasses
import inspect
import re
from collections.abc import Iterator
from pathlib import Path

import equinox as eqx
import pytest

from . import house


FLOORS = [
    {
        "_types",
        "_errors",
        "_mesh",
        "_papers",
        "_parameters",
        "math",
    },
    {"data", "paths"},
    {"noise"},
    {"_structure", "_draws"},
    {"_process"},
    {"_lifted"},
    {"solve"},
    {"processes"},
    {"nets"},
    {"inference", "transport"},
    set(house.FAMILIES),
    {"fit", "evaluate"},
    {"plot", "convert", "cite"},
    {"experiments"},
    {"cli"},
    {"__init__", "__main__"},
]
FLOOR = {name: level for level, names in enumerate(FLOORS) for name in names}
ENGINES = ("solve", "fit", "evaluate")
SHARED_BASE = FLOORS[0]
ARROWS = {("neural", "fractional"), ("paths", "data")}


def report(offenders: list[str]) -> None:
    __tracebackhide__ = True
    if offenders:
        pytest.fail("\n".join(offenders), pytrace=False)


def room_of(path: Path) -> str:
    return path.relative_to(house.PACKAGE).parts[0].removesuffix(".py")


def imported(path: Path) -> Iterator[tuple[str, str | None, int]]:
    """What a file imports from the package: `(room, name or None, line)`."""
    package = ["sdekit", *path.relative_to(house.PACKAGE).parts[:-1]]
    for node in ast.walk(house.tree(path)):
        if isinstance(node, ast.Import):
            for alias in node.names:
                parts = alias.name.split(".")
                if parts[0] == "sdekit":
                    yield (parts[1] if len(parts) > 1 else "__init__"), None, node.lineno
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else []
            full = base + (node.module.split(".") if node.module else [])
            if full[:1] != ["sdekit"]:
                continue
            for alias in node.names:
                if len(full) > 1:
                    yield full[1], alias.name, node.lineno
                else:
                    yield (alias.name if alias.name in FLOOR else "__init__"), None, node.lineno


def members(cls: type) -> dict[str, object]:
    """What a class itself implements: methods and properties, without what Python and Equinox add."""
    added = {"__init__", "__check_init__", "__hash__", "__eq__", "__repr__", "__replace__"}
    kinds = (staticmethod, classmethod, property)
    return {
        name: value
        for name, value in vars(cls).items()
        if name not in added and (inspect.isfunction(value) or isinstance(value, kinds) or hasattr(value, "__get__"))
        and not inspect.isclass(value)
    }  # fmt: skip


def is_abstract_member(value: object) -> bool:
    return getattr(value, "__isabstractmethod__", False)


# Abstract or final


def test_abstract_classes_have_something_left_to_implement():
    offenders = []
    for cls in house.module_classes():
        if not house.is_abstract(cls) or cls.__name__ == "AbstractParametric":
            continue
        left = cls.__abstractmethods__ | cls.__abstractvars__ | cls.__abstractclassvars__
        if not left:
            offenders.append(f"{cls.__module__}.{cls.__name__} is called abstract and has nothing abstract")
    report(offenders)


def test_final_classes_have_nothing_left_to_implement():
    offenders = []
    for cls in house.module_classes():
        left = cls.__abstractmethods__ | cls.__abstractvars__ | cls.__abstractclassvars__
        if not house.is_abstract(cls) and left:
            offenders.append(f"{cls.__module__}.{cls.__name__} is final and leaves {sorted(left)} to implement")
    report(offenders)


def test_abstract_classes_are_never_instantiated():
    offenders = []
    for path in house.sources():
        for node in ast.walk(house.tree(path)):
            if isinstance(node, ast.Call):
                name = getattr(node.func, "id", getattr(node.func, "attr", ""))
                if name.lstrip("_").startswith("Abstract"):
                    offenders.append(f"{house.name_of(path)}:{node.lineno} calls {name}(...)")
    report(offenders)


def test_final_classes_are_never_subclassed():
    known = set(house.module_classes())
    offenders = [
        f"{cls.__module__}.{cls.__name__} subclasses the final class {base.__name__}"
        for cls in known
        for base in cls.__mro__[1:]
        if base in known and not house.is_abstract(base)
    ]
    report(offenders)


def test_implemented_methods_are_never_overridden():
    known = set(house.module_classes())
    offenders = []
    for cls in known:
        for name, value in members(cls).items():
            if is_abstract_member(value):
                continue
            for base in cls.__mro__[1:]:
                theirs = vars(base).get(name) if base in known else None
                if theirs is not None and not is_abstract_member(theirs):
                    offenders.append(f"{cls.__module__}.{cls.__name__}.{name} overrides that of {base.__name__}")
    report(offenders)


def test_fields_live_in_one_class():
    known = set(house.module_classes())
    offenders = []
    for cls in known:
        names = {f.name for f in dataclasses.fields(cls)}
        owners = {
            base.__name__
            for base in cls.__mro__
            if base in known
            for name in inspect.get_annotations(base)
            if name in names and "Abstract" not in str(inspect.get_annotations(base)[name]).split("[")[0]
        }
        if len(owners) > 1:
            offenders.append(f"{cls.__module__}.{cls.__name__} gathers fields from {sorted(owners)}")
    report(offenders)


# Floors


@pytest.mark.parametrize("path", house.sources(), ids=house.name_of)
def test_imports_come_from_floors_below(path):
    room = room_of(path)
    assert room in FLOOR, f"{room} has no floor"
    offenders = []
    for target, name, line in imported(path):
        where = f"{house.name_of(path)}:{line} imports {target}" + (f".{name}" if name else "")
        if target == room or (room in SHARED_BASE and target in SHARED_BASE) or (room, target) in ARROWS:
            continue
        if target == "__init__" and name is None and room in ("cli", "__main__"):
            continue
        if target not in FLOOR:
            offenders.append(f"{where}, which has no floor")
        elif FLOOR[target] >= FLOOR[room]:
            offenders.append(f"{where}, which is not below {room}")
    report(offenders)


def test_math_imports_no_classes_of_the_house():
    offenders = [
        f"{house.name_of(path)}:{line} imports {target}"
        for path in house.sources()
        if room_of(path) == "math"
        for target, _, line in imported(path)
        if target not in ("math", "_types", "_errors")
    ]
    report(offenders)


def test_engines_import_only_abstract_classes_of_models():
    concrete = {"processes", "nets", *house.FAMILIES}
    offenders = []
    for path in house.sources():
        if room_of(path) in ENGINES:
            for target, name, line in imported(path):
                if target in concrete and not (name or "").startswith("Abstract"):
                    offenders.append(f"{house.name_of(path)}:{line} imports {target}.{name}")
    report(offenders)


def test_engines_never_ask_for_a_concrete_class():
    """An engine may look at its own small classes; `evaluate` may refuse a record that a metric is not made for."""
    concrete = {cls.__name__: room_of_class(cls) for cls in house.module_classes() if not house.is_abstract(cls)}
    offenders = []
    for path in house.sources():
        room = room_of(path)
        if room not in ENGINES:
            continue
        allowed = {room, "data"} if room == "evaluate" else {room}
        for node in ast.walk(house.tree(path)):
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") in ("isinstance", "issubclass"):
                asked = {getattr(n, "id", getattr(n, "attr", "")) for n in ast.walk(node.args[1])}
                for name in asked & set(concrete):
                    if concrete[name] not in allowed:
                        offenders.append(f"{house.name_of(path)}:{node.lineno} asks for {name}")
    report(offenders)


def room_of_class(cls: type) -> str:
    return cls.__module__.split(".")[1]


def test_only_solve_and_noise_touch_the_internals_of_diffrax():
    offenders = [
        f"{house.name_of(path)}: diffrax._"
        for path in house.sources()
        if room_of(path) not in ("solve", "noise") and re.search(r"diffrax\._[a-z]", path.read_text())
    ]
    report(offenders)


# Style that the reader and the compiler feel


def test_no_hasattr_above_the_ground_floor():
    offenders = [
        f"{house.name_of(path)}:{node.lineno} calls hasattr"
        for path in house.sources()
        if room_of(path) not in SHARED_BASE
        for node in ast.walk(house.tree(path))
        if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "hasattr"
    ]
    report(offenders)


def test_global_jax_state_is_never_set():
    pattern = re.compile(r"jax\.config\.(update|jax_)|JAX_ENABLE_X64|JAX_PLATFORMS")
    offenders = []
    for path in house.sources():
        for number, line in enumerate(path.read_text().splitlines(), 1):
            if pattern.search(line) and "=" in line.split("#")[0].split("jax_enable_x64")[0]:
                offenders.append(f"{house.name_of(path)}:{number} {line.strip()}")
    report(offenders)


def test_key_is_keyword_only_and_never_defaulted():
    offenders = []
    for name, value in public_functions():
        parameter = inspect.signature(value).parameters.get("key")
        if parameter is None:
            continue
        if parameter.kind is not inspect.Parameter.KEYWORD_ONLY:
            offenders.append(f"{name} takes `key` by position")
        if parameter.default is not inspect.Parameter.empty and parameter.default is not None:
            offenders.append(f"{name} has a default `key`")
    report(offenders)


def public_functions() -> Iterator[tuple[str, object]]:
    """Public functions and the methods of public modules; laws are called as NumPyro calls them, kernels as kernels."""
    for name, value in house.public().items():
        if name.startswith("sdekit.math.") or not house.needs_docstring(value):
            continue
        if not inspect.isclass(value):
            yield name, value
        elif issubclass(value, eqx.Module):
            for method, function in members(value).items():
                if inspect.isfunction(function) and not method.startswith("_"):
                    yield f"{name}.{method}", function


def test_files_and_functions_stay_readable():
    offenders = []
    for path in house.sources():
        lines = len(path.read_text().splitlines())
        if lines > 400:
            offenders.append(f"{house.name_of(path)} has {lines} lines")
        for node in ast.walk(house.tree(path)):
            if isinstance(node, ast.FunctionDef):
                body = node.body[1:] if ast.get_docstring(node) else node.body
                length = (node.end_lineno or 0) - body[0].lineno + 1 if body else 0
                if length > 60:
                    offenders.append(f"{house.name_of(path)}:{node.lineno} {node.name} has {length} lines")
    report(offenders)


def test_tracked_files_hold_no_absolute_paths_and_no_unfinished_work():
    home = "|".join(("home", "root", "work", "tmp", "Users", "mnt"))
    absolute = re.compile(rf"(?<![\w./~$}}<:-])/(?:{home})/\w")
    unfinished = re.compile(r"\b(?:TO" + r"DO|FIX" + r"ME|X" + r"XX)\b|To be " + r"built")
    offenders = []
    for path in house.tracked():
        if path.suffix in {".png", ".npz", ".npy", ".gz"}:
            continue
        for number, line in enumerate(path.read_text(errors="replace").splitlines(), 1):
            if absolute.search(line) or unfinished.search(line):
                offenders.append(f"{house.name_of(path)}:{number} {line.strip()}")
    report(offenders)


# The public face


def test_the_first_names_are_few():
    import sdekit

    names = [n for n in vars(sdekit) if not n.startswith("_")]
    assert len(getattr(sdekit, "__all__", names)) <= 40


@pytest.mark.parametrize("room", ["sdekit", *house.rooms()])
def test_every_public_name_has_a_docstring_with_an_example(room):
    offenders = []
    for name, value in house.public().items():
        inside = name.rsplit(".", 1)[0].removeprefix("sdekit.")
        if inside != room or not house.needs_docstring(value):
            continue
        docstring = inspect.getdoc(value) if not inspect.isclass(value) else inspect.cleandoc(value.__doc__ or "")
        if not docstring:
            offenders.append(f"{name} has no docstring")
        elif "```python" not in docstring:
            offenders.append(f"{name} has no example")
    report(offenders)


@pytest.mark.parametrize("room", house.rooms())
def test_every_room_says_what_it_promises(room):
    assert (house.PACKAGE / room / "README.md").is_file(), f"sdekit/{room}/README.md is missing"


def test_every_public_name_is_in_the_api_pages():
    text = "\n".join(p.read_text() for p in (house.ROOT / "docs" / "api").glob("*.md"))
    offenders = [
        f"{name} is in no page of docs/api: run `make api`"
        for name, value in house.public().items()
        if house.needs_docstring(value)
        and name.count(".") > 1
        and not re.search(rf"^::: {re.escape(name)}$", text, re.M)
    ]
    report(offenders)


def test_modules_are_pytrees_of_arrays_and_static_fields():
    offenders = []
    for cls in house.module_classes():
        if not house.is_abstract(cls) and not dataclasses.is_dataclass(cls):
            offenders.append(f"{cls.__module__}.{cls.__name__} is not a dataclass")
        assert isinstance(cls, type(eqx.Module))
    report(offenders)
