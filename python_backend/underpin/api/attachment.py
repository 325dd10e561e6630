"""Headers that make a browser save what it gets: nothing that was uploaded is ever shown as a page of this server."""

from urllib.parse import quote


def attachment_headers(name: str) -> dict[str, str]:
    """For a file of this name, in both of the forms that clients read (RFC 6266): plain letters, and all of Unicode."""
    return {
        "Content-Disposition": f"attachment; filename=\"{_plain(name)}\"; filename*=UTF-8''{quote(name, safe='')}",
        "X-Content-Type-Options": "nosniff",
    }


def _plain(name: str) -> str:
    """The name in the characters that a quoted header value may have."""
    return "".join(char if char.isascii() and char.isprintable() and char not in '"\\' else "_" for char in name)
