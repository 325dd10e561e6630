"""Who is asking. While no keys are configured everybody is the one owner, whatever Authorization says; keys will be read here."""

from starlette.requests import HTTPConnection

from ..objects.stored import DEFAULT_OWNER
from ..store.base import Scope


def owner_of(request: HTTPConnection) -> str:
    """The owner that the request acts for."""
    return DEFAULT_OWNER


def scope_of(request: HTTPConnection) -> Scope:
    """What the request may touch: the owner's own, and group threads."""
    return Scope(owner_of(request), shared=True)
