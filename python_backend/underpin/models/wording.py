"""What a model's server said about a failure, made fit to be shown: no key, no address of the server, no traceback."""

import re
from collections.abc import Iterable

MAX_CHARACTERS = 300
_SHORTEST_SECRET = 8

_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]+")
_TRACEBACK = re.compile(r"Traceback \(most recent call last\)|File \"[^\"]*\", line \d+|\n[ \t]+at \S+ ?\(", re.IGNORECASE)
_KEYS = re.compile(
    r"""(?ix)
    \b(?:sk|pk|rk|gsk|xai|hf|nvapi|org|proj)[-_][A-Za-z0-9_\-*.]{4,}   # keys of the known makers, also when partly starred
    | \bAIza[A-Za-z0-9_\-]{10,}
    | \bBearer\s+[^\s"',;]+
    | \bBasic\s+(?=\S*\d)[^\s"',;]{6,}
    | \beyJ[A-Za-z0-9_\-]{10,}(?:\.[A-Za-z0-9_\-]+)*                   # JSON web tokens
    | \b(?=[A-Za-z_]*\d)(?=\d*[A-Za-z_])[A-Za-z0-9_]{32,}              # any long run of letters and digits
    """
)
_LINK = re.compile(r"(?i)\b([a-z][a-z0-9+.\-]*://)(?:[^\s/@\"'<>]*@)?([^\s/?#\"'<>]*)(/[^\s?#\"'<>]*)?(?:[?#][^\s\"'<>]*)?")
_LAST_WORD = re.compile(r"\S+\Z")
_PLACES = "srv|app|etc|home|usr|var|opt|tmp|root|mnt|data"
_PATH = re.compile(rf"(?<![\w/:.])(?:/(?:{_PLACES})(?:/[\w.\-]+)+|(?:/[\w.\-]+){{3,}})/?|\b[A-Za-z]:\\[^\s\"']+")


class Wording:
    """Cleans texts of one upstream. `secrets` are hidden wherever they stand. `hosts` become "the model's server", and so do
    links to them below `root`; other links, to a page about billing for instance, stay without their query."""

    def __init__(self, *, secrets: Iterable[str] = (), hosts: Iterable[str] = (), root: str = "") -> None:
        hidden = sorted(set(filter(None, secrets)), key=len, reverse=True)
        # A short one ("none", "ollama") is a word as others are: it is hidden where it stands alone.
        self._secrets = re.compile("|".join(map(_pattern, hidden))) if hidden else None
        self._hosts = {host.lower() for host in hosts if host}
        self._root = root
        self._addresses = _addresses(self._hosts, root) if self._hosts else None

    def clean(self, text: str) -> str:
        """One line of at most 300 characters that may be shown; empty when nothing is left."""
        # Bounded before the patterns run: an upstream's text may be of any length.
        text = _bounded(text)
        if trace := _TRACEBACK.search(text):
            text = text[: trace.start()]
        text = _CONTROL.sub(" ", text)
        if self._secrets:
            text = self._secrets.sub("***", text)
        text = _LINK.sub(self._link, text)
        if self._addresses:
            text = self._addresses.sub("the model's server", text)
        text = _PATH.sub("…", _KEYS.sub("***", text))
        text = " ".join(text.split())
        return text if len(text) <= MAX_CHARACTERS else text[: MAX_CHARACTERS - 1].rstrip() + "…"

    def _link(self, found: re.Match[str]) -> str:
        scheme, said, path = found[1], found[2], found[3] or ""
        host = said.rstrip(".,;:)")
        if host.lower() in self._hosts and (path.startswith(self._root) or path in ("", "/")):
            return "the model's server" + said[len(host) :]
        return scheme + said + path


def _addresses(hosts: Iterable[str], root: str) -> re.Pattern[str]:
    """The hosts where they do not stand in a link, or in one whose slashes are escaped, as JSON may; with a path below `root`."""
    names = "|".join(map(re.escape, sorted(hosts, key=len, reverse=True)))
    slash = r"(?:\\?/)"
    start = slash.join(map(re.escape, root.rstrip("/").split("/")))
    below = rf"(?:{start}(?:{slash}[\w.\-]*)*)?" if start else ""
    return re.compile(rf"(?i)(?<![\w.\-/])(?:https?:(?:\\/\\/)?)?(?:{names})(?![\w\-]){below}")


def _pattern(secret: str) -> str:
    pattern = re.escape(secret)
    return pattern if len(secret) >= _SHORTEST_SECRET else rf"(?<![\w\-]){pattern}(?![\w\-])"


def _bounded(text: str) -> str:
    """The first characters. A word that is cut may be the half of a key, which no pattern knows: it goes."""
    most = 10 * MAX_CHARACTERS
    if len(text) <= most or text[most].isspace():
        return text[:most]
    return _LAST_WORD.sub("", text[:most])
