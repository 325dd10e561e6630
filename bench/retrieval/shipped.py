"""The way that a client goes: upload every document, put the files into a vector store, ask `vector_stores.search`."""

import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import httpx
from collection import REACH, Collection

MOST_IN_A_BATCH = 500
HITS = 50
"""Passages asked for, the protocol's most: of their files the first REACH count."""
FILL_S = 3600
SEARCH_S = 60
LOOK_S = 0.5

assert HITS >= REACH


@dataclass(frozen=True)
class Asked:
    rankings: list[list[str]]
    """For each question the ids of documents, best first."""
    filled_s: float
    """From the first upload until every file was completed."""
    searches_s: list[float]
    filling_cpu_s: float
    search_cpu_s: float
    """Of the server's process, for one search."""

    def at(self, share: float) -> float:
        """The time in ms that this share of the searches took at most."""
        return statistics.quantiles(self.searches_s, n=1000, method="inclusive")[round(share * 1000) - 1] * 1000


def ask(port: int, collection: Collection, cpu_s: Callable[[], float]) -> Asked:
    """`cpu_s`: seconds of a processor that the server's process took so far."""
    with httpx.Client(base_url=f"http://127.0.0.1:{port}/v1", timeout=SEARCH_S, trust_env=False) as client:
        begun, begun_cpu = time.monotonic(), cpu_s()
        store = _fill(client, collection)
        filled, filled_cpu = time.monotonic(), cpu_s()
        _search(client, store, "the first question opens the index and loads the model")
        opened_cpu = cpu_s()
        rankings, times = [], []
        for question in collection.questions:
            before = time.perf_counter()
            names = _search(client, store, question)
            times.append(time.perf_counter() - before)
            rankings.append(list(dict.fromkeys(name.removesuffix(".txt") for name in names)))
        search_cpu = (cpu_s() - opened_cpu) / len(times)
        return Asked(rankings, filled - begun, times, filled_cpu - begun_cpu, search_cpu)


def _fill(client: httpx.Client, collection: Collection) -> str:
    files = [_upload(client, f"{document.id}.txt", document.text) for document in collection.documents]
    store = str(_answer(client.post("/vector_stores", json={"name": "collection"}))["id"])
    for some in _portions(files):
        batch = _answer(client.post(f"/vector_stores/{store}/file_batches", json={"file_ids": some}))
        _await(client, f"/vector_stores/{store}/file_batches/{batch['id']}")
    return store


def _upload(client: httpx.Client, name: str, text: str) -> str:
    sent = client.post("/files", data={"purpose": "assistants"}, files={"file": (name, text.encode(), "text/plain")})
    return str(_answer(sent)["id"])


def _await(client: httpx.Client, batch: str) -> None:
    deadline = time.monotonic() + FILL_S
    while (status := _answer(client.get(batch)))["status"] == "in_progress":
        if time.monotonic() > deadline:
            raise SystemExit(f"The batch was not done within {FILL_S} s: {status['file_counts']}.")
        time.sleep(LOOK_S)
    if status["file_counts"]["completed"] != status["file_counts"]["total"]:
        raise SystemExit(f"Not every file was read: {status['file_counts']}.")


def _search(client: httpx.Client, store: str, question: str) -> list[str]:
    asked = {"query": question, "max_num_results": HITS}
    return [hit["filename"] for hit in _answer(client.post(f"/vector_stores/{store}/search", json=asked))["data"]]


def _answer(response: httpx.Response) -> dict:
    if not response.is_success:
        raise SystemExit(f"{response.request.method} {response.request.url.path}: {response.status_code} {response.text[:300]}")
    return response.json()


def _portions(files: Sequence[str]) -> Iterator[Sequence[str]]:
    for start in range(0, len(files), MOST_IN_A_BATCH):
        yield files[start : start + MOST_IN_A_BATCH]
