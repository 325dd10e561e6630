"""Functions of the client's for the server's own assistant, for as long as a test calls them by script."""

from collections.abc import Iterator
from contextlib import contextmanager

import httpx

from underpin.runs.first_assistant import first_assistant_id

SEARCH = {"type": "file_search"}


@contextmanager
def given(http: httpx.Client, *names: str) -> Iterator[None]:
    """The assistant has them beside its own tools; afterwards it is as it was."""
    path = f"/v1/assistants/{first_assistant_id(None)}"
    functions = [{"type": "function", "function": {"name": name}} for name in names]
    http.post(path, json={"tools": [SEARCH, *functions]}).raise_for_status()
    try:
        yield
    finally:
        http.post(path, json={"tools": [SEARCH]}).raise_for_status()
