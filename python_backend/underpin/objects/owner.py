"""Who owns threads and assistants; here only what gives their lists an order."""

from typing import ClassVar

from .stored import Stored


class Owner(Stored):
    kind: ClassVar[str] = "owners"

    last_seq: int = 0
