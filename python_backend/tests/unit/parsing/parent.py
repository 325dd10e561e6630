"""A parent of its own, so that its memory and its end can be watched: reads files, and tells what became of them.

python -m tests.unit.parsing.parent FILE…         one JSON object a line, then the end
python -m tests.unit.parsing.parent --wait FILE   the children's process ids, while FILE is being read
"""

import asyncio
import json
import resource
import sys
import time
from pathlib import Path

from underpin.parsing.base import Unparsable
from underpin.parsing.children import ChildParser
from underpin.parsing.limits import Limits

BEAT_S = 0.01


class Heart:
    """The longest that the loop was late."""

    def __init__(self) -> None:
        self.late_s = 0.0

    async def beat(self) -> None:
        while True:
            before = time.perf_counter()
            await asyncio.sleep(BEAT_S)
            self.late_s = max(self.late_s, time.perf_counter() - before - BEAT_S)


def peak_bytes() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def children_worked_s() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


async def read_all(paths: list[Path]) -> None:
    heart = Heart()
    beating = asyncio.create_task(heart.beat())
    before = peak_bytes()
    for path in paths:
        parser = ChildParser(Limits())  # one for each file: what a child took is told when it is gone
        heart.late_s, began, worked_s = 0.0, time.perf_counter(), children_worked_s()
        try:
            said: dict[str, object] = {"letters": len((await parser.parse(path, path.name)).text)}
        except Unparsable as error:
            said = {"code": error.code, "message": error.message}
        took_s = time.perf_counter() - began
        await parser.close()
        took = {"took_s": took_s, "worked_s": children_worked_s() - worked_s}
        took |= {"late_s": heart.late_s, "grown_bytes": peak_bytes() - before}
        print(json.dumps({"name": path.name, **said, **took}), flush=True)
    beating.cancel()


async def wait_for(path: Path) -> None:
    parser = ChildParser(Limits(), processes=2)
    await asyncio.gather(*(parser.parse(Path(__file__), "a.py") for _ in range(2)))
    reading = asyncio.create_task(parser.parse(path, path.name))
    await asyncio.sleep(0)  # it takes its child now, and the other one is idle
    print(json.dumps(parser.process_ids), flush=True)
    await reading


if __name__ == "__main__":
    arguments = sys.argv[1:]
    asyncio.run(wait_for(Path(arguments[1])) if arguments[0] == "--wait" else read_all([Path(path) for path in arguments]))
