"""Numbers of a workbook as people see them: days and times by the form of their cell, shares in percent, no digits made up."""

import re
from datetime import datetime, timedelta
from xml.etree.ElementTree import Element

X = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"
_BUILT_IN_DAYS = {14, 15, 16, 17, 22, 27, 28, 29, 30, 31, 36, 50, 51, 52, 53, 54, 55, 56, 57, 58}
_BUILT_IN_TIMES = {18, 19, 20, 21, 45, 46, 47}
_BUILT_IN_SHARES = {9, 10}
# Parts of a form that are words and not signs: in quotes, after a backslash, in brackets.
_WORDS = re.compile(r'"[^"]*"|\\.|\[(?!h+\]|m+\]|s+\])[^\]]*\]|_.|\*.')
_LAST_DAY = 2_958_466  # 9999-12-31


class Numbers:
    def __init__(self, styles: Element | None, workbook: Element | None) -> None:
        properties = workbook.find(X + "workbookPr") if workbook is not None else None
        from_1904 = properties is not None and properties.get("date1904") in ("1", "true")
        self._day_zero = datetime(1904, 1, 1) if from_1904 else datetime(1899, 12, 30)
        forms = styles.findall(f"{X}numFmts/{X}numFmt") if styles is not None else []
        codes = {form.get("numFmtId", ""): form.get("formatCode", "") for form in forms}
        cells = styles.findall(f"{X}cellXfs/{X}xf") if styles is not None else []
        self._kinds = [_kind(cell.get("numFmtId", ""), codes) for cell in cells]

    def shown(self, text: str, style: str) -> str:
        """A number by the form of its cell; the text itself where it is no number."""
        kind = self._kinds[int(style)] if style.isdecimal() and int(style) < len(self._kinds) else ""
        try:
            number = float(text)
        except ValueError:
            return text
        if kind in ("day", "time") and 0 <= number < _LAST_DAY:
            return self._moment(number, kind)
        if kind == "share":
            return f"{number * 100:.12g}%"
        # 15 digits are what a workbook keeps: 0.1 + 0.2 is shown as 0.3.
        return f"{number:.15g}" if "." in text or "e" in text.lower() else text

    def _moment(self, number: float, kind: str) -> str:
        moment = self._day_zero + timedelta(seconds=round(number * 86_400))
        if kind == "time" and number < 1:
            return moment.strftime("%H:%M:%S")
        return moment.strftime("%Y-%m-%d" if number == int(number) else "%Y-%m-%d %H:%M:%S")


def _kind(form: str, codes: dict[str, str]) -> str:
    """day, time, share, or nothing special."""
    code = codes.get(form)
    if code is None:
        number = int(form) if form.isdecimal() and len(form) < 9 else 0
        return (
            "day"
            if number in _BUILT_IN_DAYS
            else "time"
            if number in _BUILT_IN_TIMES
            else "share"
            if number in _BUILT_IN_SHARES
            else ""
        )
    signs = _WORDS.sub("", code.split(";")[0]).lower()
    if "general" in signs:
        return ""
    if re.search(r"[yd]", signs):
        return "day"
    if re.search(r"[hs]", signs):
        return "time"
    return "day" if re.search(r"m{3,}", signs) else "share" if "%" in signs else ""
