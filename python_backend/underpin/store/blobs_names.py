"""The names of blobs, and what is said of one, in the same words by every implementation."""

import re

from ..errors import AlreadyExists, NotFound

NAME = re.compile(r"[A-Za-z0-9_-]{1,100}")


def check_name(id: str) -> str:
    """The name. Raises ValueError for one that is none."""
    if not NAME.fullmatch(id):
        raise ValueError("The name of a blob is 1 to 100 of A-Z a-z 0-9 _ and -.")
    return id


def there_already(id: str) -> AlreadyExists:
    return AlreadyExists(f"There are already bytes under the id '{id}'.")


def not_there(id: str) -> NotFound:
    return NotFound(f"No bytes found with id '{id}'.")
