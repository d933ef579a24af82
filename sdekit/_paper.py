"""An entry of the bibliography."""

from typing import NamedTuple


__all__ = ["Paper", "article", "proceedings"]


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
        place = {
            "article": "journal",
            "book": "publisher",
            "phdthesis": "school",
            "inproceedings": "booktitle",
            "techreport": "institution",
        }
        rows = {
            "author": self.authors,
            "title": f"{{{self.title}}}",
            place[self.kind]: self.where,
            "year": str(self.year),
        }
        body = ",\n".join(f"  {name} = {{{text}}}" for name, text in {**rows, **dict(self.extra)}.items())
        return f"@{self.kind}{{{label},\n{body}\n}}"


def article(authors: str, title: str, where: str, year: int, volume: str = "", pages: str = "") -> Paper:
    """A paper in a journal."""
    extra = tuple((n, v) for n, v in (("volume", volume), ("pages", pages.replace("-", "--"))) if v)
    return Paper("article", authors, title, where, year, extra)


def proceedings(authors: str, title: str, where: str, year: int) -> Paper:
    """A paper at a conference."""
    return Paper("inproceedings", authors, title, where, year)
