"""The guide's row of a chat: its name, and whether it is a group. Field names are the guide's, to the letter."""

from datetime import datetime

from pydantic import BaseModel, ConfigDict, JsonValue

from .stored import DEFAULT_OWNER


class Conversation(BaseModel):
    """Rows of other programs may lack any field but `threadId`, which is why nearly all have a default."""

    model_config = ConfigDict(frozen=True)

    id: str
    """`_id` on the wire."""
    userId: str = DEFAULT_OWNER  # noqa: N815 (the guide's schema)
    threadId: str  # noqa: N815
    name: str = "New Chat"
    isGroup: bool = False  # noqa: N815
    createdAt: datetime | None = None  # noqa: N815
    updatedAt: datetime | None = None  # noqa: N815

    def wire(self) -> dict[str, JsonValue]:
        """The document as the front end of the guide reads it: `_id`, and times as ISO 8601 with milliseconds and Z."""
        document = self.model_dump(exclude={"id", "createdAt", "updatedAt"})
        return {
            "_id": self.id,
            **document,
            "createdAt": _iso(self.createdAt),
            "updatedAt": _iso(self.updatedAt),
        }


def _iso(time: datetime | None) -> str | None:
    return None if time is None else time.isoformat(timespec="milliseconds").replace("+00:00", "Z")
