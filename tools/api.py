"""Write one page a room from the names it makes public, and the page of papers from the registry of `cite`."""

import importlib
import inspect
from pathlib import Path

import sdekit
from sdekit.cite import PAPERS, behind


DOCS = Path(__file__).resolve().parent.parent / "docs"
ROOMS = sorted(p.parent.name for p in (DOCS.parent / "sdekit").glob("*/__init__.py"))


def defined(module) -> list[str]:
    """Classes and functions of a module's public names that the library itself defines."""
    names = getattr(module, "__all__", [])
    values = {name: getattr(module, name) for name in names}
    keep = [n for n, v in values.items() if callable(v) and (getattr(v, "__module__", "") or "").startswith("sdekit")]
    abstract = [n for n in keep if n.startswith("Abstract")]
    final = [n for n in keep if inspect.isclass(values[n]) and n not in abstract]
    return abstract + final + [n for n in keep if n not in abstract and n not in final]


def first_line(value) -> str:
    docstring = (value.__doc__ or "").strip() if inspect.isclass(value) else inspect.getdoc(value) or ""
    return docstring.partition("\n\n")[0].replace("\n", " ").strip()


def page(module_name: str, names: list[str], title: str, says: str) -> str:
    blocks = "\n\n".join(f"::: {module_name}.{name}" for name in names)
    return f"# {title}\n\n{says}\n\n{blocks}\n"


def main() -> None:
    folder = DOCS / "api"
    folder.mkdir(exist_ok=True)
    rows = []
    for room in ROOMS:
        module = importlib.import_module(f"sdekit.{room}")
        names = defined(module)
        if not names:
            continue
        (folder / f"{room}.md").write_text(page(module.__name__, names, f"sdekit.{room}", first_line(module)))
        rows.append(f"| [`sdekit.{room}`]({room}.md) | {first_line(module)} |")
    top = [n for n in sdekit.__all__ if getattr(getattr(sdekit, n), "__module__", "").startswith("sdekit._parameters")]
    says = "Parameters are declared with their domain on the model, and optimised without one."
    cited = ["cite"]
    (folder / "sdekit.md").write_text(page("sdekit", top + cited, "sdekit", says))
    table = "\n".join(["| room | what |", "|---|---|", "| [`sdekit`](sdekit.md) | Parameters, and `cite` |", *rows])
    names = ", ".join(f"`{name}`" for name in sdekit.__all__)
    (folder / "index.md").write_text(f"# API\n\nAt the top, `import sdekit as sk` gives {names}.\n\n{table}\n")
    papers = [
        "# Papers",
        "",
        "What stands behind each part. `sdekit.cite(model)` prints the BibTeX of those you used.",
        "",
    ]
    for key, paper in sorted(PAPERS.items(), key=lambda item: (item[1].year, item[0])):
        used = ", ".join(f"`{name}`" for name in behind(key))
        papers.append(
            f"- {paper.authors} ({paper.year}). *{paper.title}*. {paper.where}." + (f" Used by {used}." if used else "")
        )
    (DOCS / "papers.md").write_text("\n".join(papers) + "\n")


if __name__ == "__main__":
    main()
