"""Small objects for the store's contracts."""

from underpin.objects.assistant import Assistant
from underpin.objects.idempotency_key import IdempotencyKey
from underpin.objects.journal_chunk import JournalChunk
from underpin.objects.message import Message, text_content
from underpin.objects.owner import Owner
from underpin.objects.run import Run
from underpin.objects.run_step import CreatedMessage, MessageCreationDetails, RunStep
from underpin.objects.stored import Stored
from underpin.objects.thread import Thread
from underpin.objects.thread_event import ThreadEvent
from underpin.store.base import Scope

ANN = Scope("ann")
BOB = Scope("bob")


def thread(name: str = "t", **fields: object) -> Thread:
    return Thread.model_validate({"id": f"thread_{name}", "owner": "ann", "created_at": 1, **fields})


def message(name: str = "m", parent: str = "thread_t", **fields: object) -> Message:
    given = {"id": f"msg_{name}", "owner": "ann", "created_at": 1, "thread_id": parent, "role": "user", **fields}
    return Message.model_validate({"content": text_content(f"text of {name}"), **given})


def run(name: str = "r", parent: str = "thread_t", **fields: object) -> Run:
    given = {"id": f"run_{name}", "owner": "ann", "created_at": 1, "thread_id": parent, "assistant_id": "asst_a", "model": "m"}
    return Run.model_validate({**given, **fields})


def chunk(run_id: str, number: int, lines: str = "{}") -> JournalChunk:
    return JournalChunk(id=f"{run_id}.{number}", owner="ann", seq=number, run_id=run_id, claim_no=1, first=number, lines=lines)


def one_of_each_kind() -> list[Stored]:
    return [
        Assistant(id="asst_a", owner="ann", created_at=1, tools=[{"type": "file_search"}]),
        IdempotencyKey(id="key", owner="ann", thread_id="t", body_hash="h", run_id="r", message_id="m", forget_at=1.5),
        chunk("run_r", 3),
        message(),
        Owner(id="ann", owner="ann"),
        run(),
        RunStep(
            id="step_s",
            owner="ann",
            created_at=1,
            assistant_id="asst_a",
            thread_id="thread_t",
            run_id="run_r",
            type="message_creation",
            step_details=MessageCreationDetails(message_creation=CreatedMessage(message_id="msg_m")),
        ),
        thread(),
        ThreadEvent(id="event", owner="ann", thread_id="thread_t", name="thread.renamed", data={"title": "Soil"}),
    ]
