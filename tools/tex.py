"""TeX between dollars becomes MathML when the site is built, so that maths shows without any script or network."""

import re
import xml.etree.ElementTree as etree

from latex2mathml.converter import convert
from markdown import Markdown
from markdown.blockprocessors import BlockProcessor
from markdown.extensions import Extension
from markdown.inlinepatterns import InlineProcessor


_INLINE = r"(?<!\\)\$(?!\s)((?:\\\$|[^$])+?)(?<!\s)\$(?!\d)"


class _Inline(InlineProcessor):
    def handleMatch(self, m: re.Match, data: str):
        return self.md.htmlStash.store(convert(m.group(1))), m.start(0), m.end(0)


class _Block(BlockProcessor):
    def test(self, parent: etree.Element, block: str) -> bool:
        return block.strip().startswith("$$") and block.strip().endswith("$$")

    def run(self, parent: etree.Element, blocks: list[str]) -> None:
        tex = blocks.pop(0).strip().strip("$").strip()
        node = etree.SubElement(parent, "p")
        node.text = self.parser.md.htmlStash.store(convert(tex, display="block"))


class TexExtension(Extension):
    """`$...$` inside a line, `$$...$$` as a paragraph of its own."""

    def extendMarkdown(self, md: Markdown) -> None:
        md.inlinePatterns.register(_Inline(_INLINE, md), "tex-inline", 185)
        md.parser.blockprocessors.register(_Block(md.parser), "tex-block", 95)


def makeExtension(**kwargs) -> TexExtension:
    return TexExtension(**kwargs)
