"""The bibliography: the entries of `papers.bib`."""

import re
from importlib.resources import files
from typing import NamedTuple


__all__ = ["PAPERS", "Paper"]

_PLACES = {
    "article": "journal",
    "book": "publisher",
    "phdthesis": "school",
    "inproceedings": "booktitle",
    "techreport": "institution",
}
_ENTRY = re.compile(r"@(?P<kind>\w+)\{(?P<label>\w+),\n(?P<fields>.*?)\n\}", re.S)
_FIELD = re.compile(r"^  (\w+) = \{(.*)\},?$", re.M)


class Paper(NamedTuple):
    """One entry of the bibliography.

    **Arguments:**

    - `kind`: the BibTeX type of the entry.
    - `authors`: as BibTeX wants them, joined by ` and `.
    - `title`, `where`, `year`: what they say; `where` is the journal, publisher or school.
    - `extra`: further BibTeX fields, `volume` and `pages` above all.

    !!! example

        ```python
        from sdekit.cite import Paper
        Paper("book", "Karatzas, I. and Shreve, S. E.", "Brownian Motion and Stochastic Calculus", "Springer", 1991)
        ```
    """

    kind: str
    authors: str
    title: str
    where: str
    year: int
    extra: tuple[tuple[str, str], ...] = ()

    def bibtex(self, label: str) -> str:
        rows = {
            "author": self.authors,
            "title": f"{{{self.title}}}",
            _PLACES[self.kind]: self.where,
            "year": str(self.year),
        }
        body = ",\n".join(f"  {name} = {{{text}}}" for name, text in {**rows, **dict(self.extra)}.items())
        return f"@{self.kind}{{{label},\n{body}\n}}"

    @classmethod
    def of(cls, kind: str, fields: dict[str, str]) -> "Paper":
        """An entry from its fields, by their names in BibTeX."""
        rest = dict(fields)
        authors, title, where, year = (rest.pop(name) for name in ("author", "title", _PLACES[kind], "year"))
        return cls(kind, authors, title.removeprefix("{").removesuffix("}"), where, int(year), tuple(rest.items()))


def _read(text: str) -> dict[str, Paper]:
    """The entries of a file in the one form of BibTeX that `Paper.bibtex` writes, one field a line."""
    return {e["label"]: Paper.of(e["kind"], dict(_FIELD.findall(e["fields"]))) for e in _ENTRY.finditer(text)}


PAPERS = _read(files("sdekit").joinpath("papers.bib").read_text(encoding="utf-8"))
