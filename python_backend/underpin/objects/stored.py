"""What every stored object has: an id, an owner, a place in its parent's order; and which of its fields never leave."""

from typing import Any, ClassVar

from pydantic import BaseModel, ConfigDict, GetJsonSchemaHandler, JsonValue
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema

DEFAULT_OWNER = "default-user"  # the guide's userId, while no keys are configured


class Stored(BaseModel):
    """A kind of object in the store. Instances are frozen; a change is an `update` of the store, which returns a new one."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    kind: ClassVar[str]
    """Name of its table or collection."""
    parent: ClassVar[str | None] = None
    """The field that holds the parent's id; None: the owner is the parent."""
    bookkeeping: ClassVar[frozenset[str]] = frozenset({"owner", "seq"})
    """Fields that are never sent."""
    sent_if_set: ClassVar[frozenset[str]] = frozenset()
    """Fields that are left out of what is sent where they are None."""
    indexes: ClassVar[tuple[tuple[str, ...], ...]] = ()
    """What is searched by other fields: the sweep's queries, and filters within a parent; (parent, seq) is always indexed."""

    id: str
    owner: str = DEFAULT_OWNER
    seq: int = 0
    """Place in the parent's order, unique there; 0 while it has none."""

    def wire(self) -> dict[str, JsonValue]:
        """The object as clients see it."""
        sent: dict[str, JsonValue] = self.model_dump(mode="json", exclude=set(self.bookkeeping))
        return {name: value for name, value in sent.items() if value is not None or name not in self.sent_if_set}

    def wire_json(self) -> bytes:
        """`wire()` as JSON."""
        return self.model_dump_json(exclude=set(self.bookkeeping)).encode()

    def changed(self, **fields: Any) -> "Stored":
        """A copy with other values, validated by nobody: for values that the caller just made."""
        return self.model_copy(update=fields)

    @classmethod
    def __get_pydantic_json_schema__(cls, core_schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        """The schema of `wire()`: no bookkeeping, and all the rest is there."""
        schema = handler.resolve_ref_schema(handler(core_schema))
        told = schema["properties"]
        fields = schema["properties"] = {name: told[name] for name in told if name not in cls.bookkeeping}
        schema["required"] = [name for name in fields if name not in cls.sent_if_set]
        schema.pop("description", None)  # it speaks of what is stored
        return schema
