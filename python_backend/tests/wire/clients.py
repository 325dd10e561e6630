"""Clients of the wire, each as small as it can be: a reader of the guide's SSE, one of lines, a bare socket, and Node."""

import json
import socket
import subprocess
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import dev_node

NODE_DEADLINE_S = 120
SOCKET_DEADLINE_S = 30


@dataclass(frozen=True)
class Event:
    number: int
    name: str
    data: Any


def parse_sse(lines: Iterable[str]) -> Iterator[Event]:
    """The guide's form, line by line, as an SSE client reads it: fields, comments, an empty line that ends an event."""
    number, data = None, list[str]()
    for line in lines:
        if not line:
            if data:
                told = json.loads("\n".join(data))
                assert number is not None, f"an event without a number: {told}"
                yield Event(number, told["event"], told["data"])
            number, data = None, []
            continue
        field, _, value = line.partition(":")
        value = value.removeprefix(" ")
        match field:
            case "id":
                number = int(value)
            case "data":
                data.append(value)
            case "":
                pass  # a comment
            case _:
                raise AssertionError(f"an unknown field: {line!r}")
    assert not data, f"the stream ended inside an event: {data}"


def parse_lines(lines: Iterable[str]) -> Iterator[Event]:
    """The form of lines, each an event; empty ones keep the connection alive."""
    for line in lines:
        if line:
            told = json.loads(line)
            yield Event(told["id"], told["event"], told["data"])


def text_of(events: Iterable[Event]) -> str:
    """What the deltas say."""
    return "".join(
        part["text"]["value"]
        for event in events
        if event.name == "thread.message.delta"
        for part in event.data["delta"]["content"]
    )


@dataclass(frozen=True)
class Answer:
    """What came over a bare socket. `headers` has lower-case names; of equal ones the last."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


def exchange(base_url: str, request: bytes) -> Answer:
    """Send bytes as they are and read until the server closes, so the request should say `Connection: close`."""
    address = urlsplit(base_url)
    assert address.hostname is not None
    with socket.create_connection((address.hostname, address.port or 80), timeout=SOCKET_DEADLINE_S) as connection:
        connection.sendall(request)
        received = b"".join(iter(lambda: connection.recv(65536), b""))
    head, _, body = received.partition(b"\r\n\r\n")
    status, *lines = head.decode("latin-1").split("\r\n")
    headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines)}
    chunked = headers.get("transfer-encoding") == "chunked"
    return Answer(int(status.split(" ")[1]), headers, _unchunked(body) if chunked else body)


def request_bytes(
    method: str, path: str, headers: Iterable[tuple[str, str]], body: bytes = b"", *, host: str | None = "127.0.0.1"
) -> bytes:
    """A request with exactly these headers, besides Host (None: without it), Content-Length and Connection."""
    lines = [f"{method} {path} HTTP/1.1"]
    lines += [f"Host: {host}"] if host is not None else []
    lines += [f"{name}: {value}" for name, value in headers]
    lines += [f"Content-Length: {len(body)}"] if body or method in ("POST", "PUT") else []
    return "\r\n".join([*lines, "Connection: close", "", ""]).encode("latin-1") + body


def _unchunked(body: bytes) -> bytes:
    parts = []
    while body:
        size, _, body = body.partition(b"\r\n")
        length = int(size, 16)
        parts.append(body[:length])
        body = body[length + 2 :]
        if not length:
            return b"".join(parts)
    raise AssertionError("the chunked body has no end")


def run_node(program: str, job: object) -> Any:
    """Run a program of ./node with a job on its standard input; what it wrote. Raises AssertionError with its complaint."""
    node = dev_node.find_node()
    done = subprocess.run(
        [*node.node, program], cwd=dev_node.WIRE_TESTS, env=node.environment(), input=json.dumps(job),
        capture_output=True, text=True, encoding="utf-8", timeout=NODE_DEADLINE_S, check=False,
    )  # fmt: skip
    assert done.returncode == 0, f"{program} failed:\n{done.stderr[-4000:]}"
    return json.loads(done.stdout)
