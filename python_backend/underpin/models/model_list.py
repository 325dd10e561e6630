"""What GET /models answers, in the forms that servers use."""

import msgspec


class _Listed(msgspec.Struct):
    id: str | None = None
    name: str | None = None


class _List(msgspec.Struct):
    data: list[_Listed] | None = None
    models: list[_Listed] | None = None


_decode = msgspec.json.Decoder(_List | list[_Listed]).decode


def names_in(body: bytes) -> tuple[str, ...] | None:
    """The names in their order; None when the body is no list of models."""
    try:
        found = _decode(body)
    except (ValueError, RecursionError):
        return None
    listed = found if isinstance(found, list) else found.data or found.models or []
    return tuple(name for model in listed if (name := model.id or model.name))
