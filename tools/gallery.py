"""Render the examples, percent scripts, as the pages of the gallery, with the figures that `make figures` drew."""

import re
from pathlib import Path


DOCS = Path(__file__).resolve().parent.parent / "docs"
CELL = re.compile(r"^# %%(?: \[(?P<kind>markdown)\])?[^\n]*\n", re.M)
SAVED = re.compile(r"""save\([^,]+, ["'](?P<name>[\w-]+)["']\)""")


def cells(source: str) -> list[tuple[str, str]]:
    parts = CELL.split(source)[1:]
    return [(kind or "code", text.strip("\n")) for kind, text in zip(parts[::2], parts[1::2], strict=True)]


def render(script: Path) -> str:
    lines = []
    for kind, text in cells(script.read_text()):
        if kind == "markdown":
            lines.append(re.sub(r"^# ?", "", text, flags=re.M))
        elif text.strip():
            lines.append(f"```python\n{text}\n```")
            lines += [f"![{m['name']}](../assets/{m['name']}.png)" for m in SAVED.finditer(text)]
    lines.append(f"The whole script: `examples/{script.name}`.")
    return "\n\n".join(lines) + "\n"


def main() -> None:
    folder = DOCS / "gallery"
    folder.mkdir(exist_ok=True)
    for script in sorted((DOCS.parent / "examples").glob("[0-9]*.py")):
        (folder / f"{script.stem}.md").write_text(render(script))


if __name__ == "__main__":
    main()
