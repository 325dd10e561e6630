"""How fast files become searchable, and what the server holds meanwhile: PDFs through `/v1/vector_stores`, as clients do it."""

import io
import os
import sys
import tempfile
import time
from pathlib import Path

import httpx
import numpy as np
from reportlab.lib.pagesizes import A4
from reportlab.pdfgen.canvas import Canvas

sys.path.append(str(Path(__file__).parents[1]))

from run import BACKEND, cpu_s, server

LINES, LINE_WORDS = 45, 12
FILES = 8
LOOK_S = 0.1
FILL_S = 1800


def english() -> list[str]:
    """The words of the documents that come with the server: made-up ones are several tokens each for an embedder."""
    texts = [file.read_text("utf-8") for file in sorted((BACKEND / "underpin" / "examples").rglob("*.md"))]
    return [word for text in texts for word in text.split() if word.isascii()]


def pdf(pages: int, seed: int, words: list[str]) -> bytes:
    """Pages full of text: 540 words each."""
    random = np.random.default_rng(seed)
    buffer = io.BytesIO()
    canvas = Canvas(buffer, pagesize=A4)
    for number in range(pages):
        canvas.setFont("Helvetica", 9)
        canvas.drawString(60, 800, f"{number + 1} Report of the section")
        for at in range(LINES):
            first = int(random.integers(len(words) - LINE_WORDS))
            canvas.drawString(60, 780 - 16 * at, " ".join(words[first : first + LINE_WORDS]))
        canvas.showPage()
    canvas.save()
    return buffer.getvalue()


def family(pid: int) -> list[int]:
    """A process and its children's children."""
    found = [pid]
    for task in Path(f"/proc/{pid}/task").glob("*/children"):
        found += [one for child in task.read_text().split() for one in family(int(child))]
    return found


def anonymous_mb(pids: list[int]) -> float:
    total = 0
    for pid in pids:
        try:
            lines = Path(f"/proc/{pid}/status").read_text().splitlines()
        except (FileNotFoundError, ProcessLookupError):
            continue  # it has ended meanwhile
        total += next((int(line.split()[1]) for line in lines if line.startswith("RssAnon")), 0)
    return total / 1024


def fill(pages: int) -> None:
    each = max(1, pages // FILES)
    words = english()
    files = [(f"{n}.pdf", pdf(each, n, words)) for n in range(FILES)]
    with (
        tempfile.TemporaryDirectory() as data,
        server(str(BACKEND / "main.py"), "--port=0", UNDERPIN_DATA_DIR=data) as (pid, port),
        httpx.Client(base_url=f"http://127.0.0.1:{port}/v1", timeout=60, trust_env=False) as client,
    ):
        idle = anonymous_mb(family(pid))
        ids = [
            client.post("/files", data={"purpose": "assistants"}, files={"file": (*file, "application/pdf")}).json()["id"]
            for file in files
        ]
        began, cpu = time.monotonic(), cpu_s(pid)
        store = client.post("/vector_stores", json={"file_ids": ids}).json()["id"]
        most, most_of_server = idle, idle
        while True:
            counts = client.get(f"/vector_stores/{store}").json()["file_counts"]
            most = max(most, anonymous_mb(family(pid)))
            most_of_server = max(most_of_server, anonymous_mb([pid]))
            if counts["in_progress"] == 0:
                break
            if time.monotonic() - began > FILL_S:
                raise SystemExit(f"After {FILL_S} s: {counts}")
            time.sleep(LOOK_S)
        took, spent = time.monotonic() - began, cpu_s(pid) - cpu
        if counts["completed"] != FILES:
            raise SystemExit(f"Not all were read: {counts}")
        before = time.monotonic()
        found = client.post(f"/vector_stores/{store}/search", json={"query": "section 7"}).json()["data"]
        first = time.monotonic() - before
    print(
        "\n| pages | pages/s | CPU s of the server's process | MB when idle | most MB, the server's process | with its children |"
    )
    print("| --: | --: | --: | --: | --: | --: |")
    print(f"| {FILES * each} | {FILES * each / took:.1f} | {spent:.1f} | {idle:.0f} | {most_of_server:.0f} | {most:.0f} |")
    print(f"\nThe first search, with the index to be made: {first * 1000:.0f} ms, {len(found)} passages; {os.cpu_count()} cores.")
