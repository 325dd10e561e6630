"""Formulas of Office documents (OMML) as one line of LaTeX; letters of other alphabets stay letters, so that they are found."""

from collections.abc import Callable
from xml.etree.ElementTree import Element

M = "{http://schemas.openxmlformats.org/officeDocument/2006/math}"


def formula(element: Element) -> str:
    """`$…$` of an `m:oMath`; empty where it says nothing."""
    said = inner(element).strip()
    return f"${said}$" if said else ""


def inner(element: Element | None) -> str:
    """What the parts of an element say, one after the other."""
    return "" if element is None else "".join(map(_part, element))


def _part(element: Element) -> str:
    name = element.tag.removeprefix(M)
    if name == "t":
        return element.text or ""
    if name.endswith("Pr"):
        return ""
    return _FORMS[name](element) if name in _FORMS else inner(element)


def _at(element: Element, name: str) -> str:
    return inner(element.find(M + name))


def _sign(element: Element, place: str, default: str) -> str:
    """A sign that stands in the element's properties, such as a bracket; it may be there and empty."""
    found = element.find(place)
    return default if found is None else found.get(M + "val", "")


def _delimited(element: Element) -> str:
    begin = _sign(element, f"{M}dPr/{M}begChr", "(")
    end = _sign(element, f"{M}dPr/{M}endChr", ")")
    return begin + ", ".join(inner(one) for one in element.findall(M + "e")) + end


def _large(element: Element) -> str:
    sign = _sign(element, f"{M}naryPr/{M}chr", "∫")
    low, high = _at(element, "sub"), _at(element, "sup")
    return sign + (f"_{{{low}}}" if low else "") + (f"^{{{high}}}" if high else "") + f"{{{_at(element, 'e')}}}"


def _root(element: Element) -> str:
    degree = _at(element, "deg")
    return "\\sqrt" + (f"[{degree}]" if degree else "") + f"{{{_at(element, 'e')}}}"


def _matrix(element: Element) -> str:
    return " \\\\ ".join(" & ".join(inner(cell) for cell in line.findall(M + "e")) for line in element.findall(M + "mr"))


_FORMS: dict[str, Callable[[Element], str]] = {
    "f": lambda e: f"\\frac{{{_at(e, 'num')}}}{{{_at(e, 'den')}}}",
    "sSub": lambda e: f"{_at(e, 'e')}_{{{_at(e, 'sub')}}}",
    "sSup": lambda e: f"{_at(e, 'e')}^{{{_at(e, 'sup')}}}",
    "sSubSup": lambda e: f"{_at(e, 'e')}_{{{_at(e, 'sub')}}}^{{{_at(e, 'sup')}}}",
    "rad": _root,
    "d": _delimited,
    "nary": _large,
    "m": _matrix,
    "eqArr": lambda e: " \\\\ ".join(inner(one) for one in e.findall(M + "e")),
    "func": lambda e: f"{_at(e, 'fName')} {_at(e, 'e')}",
    "limLow": lambda e: f"{_at(e, 'e')}_{{{_at(e, 'lim')}}}",
    "limUpp": lambda e: f"{_at(e, 'e')}^{{{_at(e, 'lim')}}}",
    "bar": lambda e: f"\\bar{{{_at(e, 'e')}}}",
    "acc": lambda e: _at(e, "e") + _sign(e, f"{M}accPr/{M}chr", "\u0302"),
}
