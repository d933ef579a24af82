"""The documentation holds together: pages exist, links lead somewhere, the bibliography is current."""

import re

from . import house


LINK = re.compile(r"!?\[[^\]]*\]\((?P<target>[^)#\s]+)(?:#[^)]*)?\)")
GENERATED = house.ROOT / "docs" / "gallery"


def test_pages_of_the_navigation_exist():
    named = re.findall(r"^ +- (?:[\w ]+: )?([\w/-]+\.md)$", (house.ROOT / "mkdocs.yml").read_text(), re.M)
    assert len(named) > 10
    docs = house.ROOT / "docs"
    missing = [n for n in named if not (docs / n).exists() and (docs / n).parent != GENERATED]
    assert not missing
    scripts = {f"gallery/{p.stem}.md" for p in (house.ROOT / "examples").glob("[0-9]*.py")}
    assert scripts == {n for n in named if n.startswith("gallery/")}


def test_links_lead_somewhere():
    broken = []
    for page in [*house.pages(), house.ROOT / "CONTRIBUTING.md"]:
        for match in LINK.finditer(page.read_text()):
            target = match["target"]
            found = (page.parent / target).resolve()
            if "://" not in target and not found.exists() and found.parent != GENERATED:
                broken.append(f"{house.name_of(page)}: {target}")
    assert not broken


def test_the_page_of_papers_names_every_paper():
    from sdekit.cite import PAPERS

    text = (house.ROOT / "docs" / "papers.md").read_text()
    missing = [key for key, paper in PAPERS.items() if paper.title not in text]
    assert not missing, "run `make api`"
