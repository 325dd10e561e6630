"""HTML as a row of tags and texts, in time that grows with the page's length alone: nothing is looked for twice.

What begins and never ends (a comment, a tag, a script) swallows the rest of the page, as it does in a browser.
"""

import re
from collections.abc import Iterator
from html import unescape
from typing import Literal

_NAME = re.compile(r"<(/?)([a-zA-Z][^\s/>]{0,60}+)")
_REST = re.compile(r"""(?:[^>"']++|"[^"]*+"|'[^']*+')*+>""")
_RAW_ENDS = {
    name: re.compile(rf"</{name}\b", re.IGNORECASE)
    for name in ("script", "style", "textarea", "title", "xmp", "iframe", "noscript")
}

Token = tuple[Literal["open", "close", "text"], str]


def tokens(text: str) -> Iterator[Token]:
    """Tags as their names in small letters, texts with their entities resolved; comments and scripts are left out."""
    at = 0
    while at < len(text):
        start = text.find("<", at)
        if start < 0:
            start = len(text)
        if start > at:
            yield "text", unescape(text[at:start])
        if start == len(text):
            return
        named = _NAME.match(text, start)
        if named is None:
            at = _after_no_tag(text, start)
            if at == start + 1:
                yield "text", "<"
            continue
        rest = _REST.match(text, named.end())
        if rest is None:
            return
        name = named[2].lower()
        yield ("close" if named[1] else "open"), name
        at = rest.end()
        if not named[1] and (raw := _RAW_ENDS.get(name)):
            end = raw.search(text, at)
            at = end.start() if end else len(text)


def _after_no_tag(text: str, start: int) -> int:
    """Where a comment, a declaration or an instruction ends; the next letter where the sign is only a sign."""
    if text.startswith("<!--", start):
        return _after(text, "-->", start + 4)
    if text.startswith(("<!", "<?", "</"), start):
        return _after(text, ">", start + 2)
    return start + 1


def _after(text: str, mark: str, at: int) -> int:
    found = text.find(mark, at)
    return len(text) if found < 0 else found + len(mark)
