"""Lists: `limit`, `order`, `after` and `before` as the protocol page has them (§3).

The order is the store's sequence, so it is stable for things of one second; the cursors are ids, found and turned into places.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from pydantic import JsonValue
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from ...errors import NotFound
from ...objects.stored import Stored
from ...store.base import Conditions, Order, Page, Scope, Store
from ..described import Described, query
from ..rooms import rooms_of
from .envelope import InvalidRequest
from .lookup import missing

T = TypeVar("T", bound=Stored)

MOST_LISTED = 100
LISTED = 20
NEWEST = 1 << 53
"""The place of what is newer than all that the store has."""


def list_doc(*more: Described, most: int = MOST_LISTED) -> dict[str, object]:
    """A list's `openapi_extra`: the query that `part_of` reads but for `before`, and `more` of the route's own."""
    limit = query("limit", {"type": "integer", "minimum": 1, "maximum": most})
    return {"parameters": [limit, query("order", {"type": "string", "enum": ["asc", "desc"]}), query("after"), *more]}


BEFORE = query("before")
LIST_DOC = list_doc(BEFORE)


@dataclass(frozen=True)
class Part:
    """Which part of a list is asked for; `after` and `before` are ids."""

    limit: int
    order: Order
    after: str | None
    before: str | None


def part_of(request: Request, *, listed: int = LISTED, most: int = MOST_LISTED) -> Part:
    """The part that the query asks for; `listed` where it does not say how many. Raises InvalidRequest with the parameter."""
    query = request.query_params
    order = query.get("order") or "desc"
    if order not in ("asc", "desc"):
        text = f"Invalid value: '{order[:40]}'. Supported values are: 'asc' and 'desc'."
        raise InvalidRequest(text, param="order", code="invalid_value")
    return Part(
        limit=_limit(query.get("limit"), listed, most),
        order="asc" if order == "asc" else "desc",
        after=query.get("after") or None,
        before=query.get("before") or None,
    )


async def list_answer(
    request: Request,
    kind: type[T],
    parent: str,
    *,
    scope: Scope,
    where: Conditions | None = None,
    wire: Callable[[T], JsonValue] = lambda found: found.wire(),
    newest: T | None = None,
) -> Response:
    """The part of a parent's objects that the request asks for, in the envelope of a list; see `page_of`."""
    return list_envelope(await page_of(request, kind, parent, scope=scope, where=where, newest=newest), wire)


async def page_of(
    request: Request, kind: type[T], parent: str, *, scope: Scope, where: Conditions | None = None, newest: T | None = None
) -> Page[T]:
    """The part of a parent's objects that the request asks for. `newest` was not in the store when it was looked for: as long as
    it is not, it is listed as if it were, newer than all that is."""
    part, store = part_of(request), rooms_of(request).store
    after = await _place(store, kind, part.after, parent, scope, newest)
    before = await _place(store, kind, part.before, parent, scope, newest)
    page = await store.page(
        kind, parent, scope=scope, after=after, before=before, limit=part.limit, order=part.order, where=where
    )
    if newest is None or any(found.id == newest.id for found in page.data):
        return page
    return _with_newest(page, newest, part, after, before)


def _with_newest(page: Page[T], newest: T, part: Part, after: int | None, before: int | None) -> Page[T]:
    """The page as it were, had the store `newest` too: at the beginning of a list with `desc`, at its end with `asc`."""
    ascending = part.order == "asc"
    if NEWEST in (after, before) or (before if ascending else after) is not None:
        return page  # it is a cursor itself, or beyond one
    from_newest = not ascending and before is None
    if page.has_more and not from_newest:
        return page  # the page ends before it
    whole = [*page.data, newest] if ascending else [newest, *page.data]
    if len(whole) <= part.limit:
        return Page(whole, has_more=False)
    return Page(whole[: part.limit] if from_newest else page.data, has_more=True)


def list_envelope(page: Page[T], wire: Callable[[T], JsonValue]) -> Response:
    """A page in the envelope of a list."""
    ids = [found.id for found in page.data]
    return JSONResponse(
        {
            "object": "list",
            "data": [wire(found) for found in page.data],
            "first_id": ids[0] if ids else None,
            "last_id": ids[-1] if ids else None,
            "has_more": page.has_more,
        }
    )


def _limit(text: str | None, listed: int, most: int) -> int:
    if not text:
        return listed
    digits = text.removeprefix("-")
    if not (digits.isascii() and digits.isdigit() and len(digits) < 10):
        raise InvalidRequest(
            "Invalid type for 'limit': expected an integer, but got a string instead.", param="limit", code="invalid_type"
        )
    limit = int(text)
    if limit < 1:
        shown = f"Invalid 'limit': integer below minimum value. Expected a value >= 1, but got {limit} instead."
        raise InvalidRequest(shown, param="limit", code="integer_below_min_value")
    if limit > most:
        shown = f"Invalid 'limit': integer above maximum value. Expected a value <= {most}, but got {limit} instead."
        raise InvalidRequest(shown, param="limit", code="integer_above_max_value")
    return limit


async def _place(
    store: Store, kind: type[Stored], id: str | None, parent: str, scope: Scope, newest: Stored | None = None
) -> int | None:
    if id is None:
        return None
    try:
        found = await store.get(kind, id.replace("\0", ""), scope=scope)
    except NotFound:
        if newest is not None and id == newest.id:
            return NEWEST
        raise missing(kind, id) from None
    if getattr(found, kind.parent or "owner") != parent or not found.seq:
        raise missing(kind, id)
    return found.seq
