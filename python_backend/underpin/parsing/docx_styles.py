"""What the styles and the numbering of a Word document make of a paragraph: a heading of a level, an item of a list."""

import re
from xml.etree.ElementTree import Element

W = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"
_HEADING = re.compile(r"^heading (\d)$", re.IGNORECASE)
_TITLES = {"title": 1, "subtitle": 2}
_DEEPEST_CHAIN = 20


class Styles:
    def __init__(self, tree: Element | None) -> None:
        found = tree.findall(W + "style") if tree is not None else []
        self._styles = {style.get(W + "styleId", ""): style for style in found if style.get(W + "type") == "paragraph"}

    def heading_of(self, paragraph: Element) -> int:
        """1 and up; 0 for a paragraph that is no heading."""
        own = _value(_property(paragraph, "outlineLvl"))
        if own is not None:
            return own + 1 if own < 9 else 0
        for style in self._chain(paragraph):
            name = style.find(W + "name")
            words = name.get(W + "val", "").lower() if name is not None else ""
            if heading := _HEADING.match(words):
                return int(heading[1])
            if words in _TITLES:
                return _TITLES[words]
            level = _value(_property(style, "outlineLvl"))
            if level is not None:
                return level + 1 if level < 9 else 0
        return 0

    def numbering_of(self, paragraph: Element) -> tuple[str, int] | None:
        """The list that a paragraph belongs to, by itself or by its style, and its depth; None for none."""
        depth: int | None = None
        for owner in (paragraph, *self._chain(paragraph)):
            numbered = _property(owner, "numPr")
            if numbered is None:
                continue
            level = _value(numbered.find(W + "ilvl"))
            depth = level if depth is None else depth
            list_id = _value(numbered.find(W + "numId"))
            if list_id is not None:
                return (str(list_id), depth or 0) if list_id else None
        return None

    def _chain(self, paragraph: Element) -> list[Element]:
        """The paragraph's style and those that it is based on."""
        named = _property(paragraph, "pStyle")
        name = named.get(W + "val", "") if named is not None else ""
        chain: list[Element] = []
        while (style := self._styles.get(name)) is not None and len(chain) < _DEEPEST_CHAIN:
            chain.append(style)
            based = style.find(W + "basedOn")
            name = based.get(W + "val", "") if based is not None else ""
        return chain


class Numbering:
    """Counts the items of numbered lists as they come."""

    def __init__(self, tree: Element | None, styles: Styles) -> None:
        self._styles = styles
        self._bulleted: set[tuple[str, int]] = set()
        self._counts: dict[str, list[int]] = {}
        if tree is None:
            return
        kinds = {kind.get(W + "abstractNumId"): kind for kind in tree.findall(W + "abstractNum")}
        for one in tree.findall(W + "num"):
            named = one.find(W + "abstractNumId")
            kind = kinds.get(named.get(W + "val")) if named is not None else None
            for level in kind.findall(W + "lvl") if kind is not None else ():
                form = level.find(W + "numFmt")
                if form is not None and form.get(W + "val") in ("bullet", "none"):
                    depth = level.get(W + "ilvl", "0")
                    self._bulleted.add((one.get(W + "numId", ""), int(depth) if depth.isdecimal() and len(depth) < 3 else 0))

    def place_of(self, paragraph: Element) -> tuple[int, int | None] | None:
        """Depth and number of an item, the number None where it has a bullet; None for a paragraph in no list."""
        found = self._styles.numbering_of(paragraph)
        if found is None:
            return None
        list_id, depth = found
        if found in self._bulleted or depth > 8:
            return depth, None
        counts = self._counts.setdefault(list_id, [0] * 9)
        counts[depth] += 1
        counts[depth + 1 :] = [0] * (8 - depth)
        return depth, counts[depth]


def _property(element: Element, name: str) -> Element | None:
    """A property of a paragraph, its own or its style's. Most have none: that is seen at once."""
    properties = element.find(W + "pPr")
    return properties.find(W + name) if properties is not None else None


def _value(element: Element | None) -> int | None:
    text = element.get(W + "val", "") if element is not None else ""
    return int(text) if text.isdecimal() and len(text) < 9 else None
