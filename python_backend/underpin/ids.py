"""Ids: a prefix and 24 of A-Z a-z 0-9, as OpenAI's were (clients match them with `[a-zA-Z0-9]+`)."""

import hashlib
import secrets
import string

ALPHABET = string.ascii_letters + string.digits
BODY_LENGTH = 24


def new_id(prefix: str) -> str:
    """A fresh random id such as `run_…`; the prefix comes with its separator (`run_`, `file-`)."""
    return prefix + "".join(secrets.choice(ALPHABET) for _ in range(BODY_LENGTH))


def derived_id(prefix: str, *parts: str | int) -> str:
    """The same id for the same parts, in every process.

    What a run writes (its messages, its steps) is named this way, so that whoever ends the run after a crash writes under
    the ids that the dead owner used, and nothing exists twice.
    """
    number = int.from_bytes(hashlib.sha256("\0".join(map(str, parts)).encode()).digest(), "big")
    body = []
    for _ in range(BODY_LENGTH):
        number, digit = divmod(number, len(ALPHABET))
        body.append(ALPHABET[digit])
    return prefix + "".join(body)
