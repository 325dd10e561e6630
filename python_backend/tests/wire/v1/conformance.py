"""`docs/conformance.md`: what of the Assistants API is the same here, what differs, and which test shows it.

`python -m tests.wire.v1.conformance` writes it anew. What is served is read from the routes, what there is to serve from OpenAI's
document; only what shows it, and why something differs, is told by hand here.
"""

import json
import sys
from pathlib import Path

from fastapi import FastAPI

from tests.wire.v1.surface import DOCUMENT
from underpin.api.v1.routes import v1_routes

PAGE = Path(__file__).resolve().parents[4] / "docs" / "conformance.md"
HERE = Path(__file__).parent

_STORE = "/vector_stores/{vector_store_id}"
_IN_STORES = "test_vector_store_files.py::test_"
OPERATIONS = {
    "GET /assistants": "test_paging.py::test_assistants_are_listed_newest_first",
    "POST /assistants": "test_resources.py::test_an_assistant_is_kept_as_it_was_given",
    "GET /assistants/{assistant_id}": "test_resources.py::test_an_assistant_is_kept_as_it_was_given",
    "POST /assistants/{assistant_id}": "test_resources.py::test_an_update_changes_what_is_given_and_nothing_else",
    "DELETE /assistants/{assistant_id}": "test_resources.py::test_a_deleted_assistant_is_gone",
    "POST /threads": "test_resources.py::test_a_thread_is_made_changed_and_deleted",
    "GET /threads/{thread_id}": "test_resources.py::test_a_thread_is_made_changed_and_deleted",
    "POST /threads/{thread_id}": "test_resources.py::test_a_thread_is_made_changed_and_deleted",
    "DELETE /threads/{thread_id}": "test_resources.py::test_a_thread_is_made_changed_and_deleted",
    "GET /threads/{thread_id}/messages": "test_paging.py::test_a_page",
    "POST /threads/{thread_id}/messages": "test_resources.py::test_a_message_comes_back_as_it_was_given",
    "GET /threads/{thread_id}/messages/{message_id}": "test_resources.py::test_a_message_comes_back_as_it_was_given",
    "POST /threads/{thread_id}/messages/{message_id}": "test_resources.py::test_a_messages_metadata_can_be_changed",
    "DELETE /threads/{thread_id}/messages/{message_id}": "test_resources.py::test_a_deleted_message_is_read_by_nobody",
    "POST /threads/runs": "test_resources.py::test_a_thread_and_its_run_in_one_request",
    "GET /threads/{thread_id}/runs": "test_resources.py::test_runs_without_a_thread_of_their_own_are_listed_newest_first",
    "POST /threads/{thread_id}/runs": "test_resources.py::test_a_run_has_openais_fields",
    "GET /threads/{thread_id}/runs/{run_id}": "test_helpers.py::test_a_poller_waits_as_briefly_as_it_is_told",
    "POST /threads/{thread_id}/runs/{run_id}": "test_resources.py::test_a_runs_metadata_can_be_changed_while_it_runs",
    "POST /threads/{thread_id}/runs/{run_id}/cancel": "test_events.py::test_a_cancelled_answer",
    "POST /threads/{thread_id}/runs/{run_id}/submit_tool_outputs": "test_events.py::test_tools_that_the_client_runs",
    "GET /threads/{thread_id}/runs/{run_id}/steps": "test_resources.py::test_steps_tell_what_a_run_did",
    "GET /threads/{thread_id}/runs/{run_id}/steps/{step_id}": "test_resources.py::test_steps_tell_what_a_run_did",
    "GET /vector_stores": "test_vector_stores.py::test_vector_stores_are_listed_newest_first",
    "POST /vector_stores": "test_vector_stores.py::test_a_vector_store_is_kept_as_it_was_given",
    "GET /vector_stores/{vector_store_id}": "test_vector_stores.py::test_a_vector_store_is_kept_as_it_was_given",
    "POST /vector_stores/{vector_store_id}": "test_vector_stores.py::test_what_is_given_is_changed_and_nothing_else",
    "DELETE /vector_stores/{vector_store_id}": "test_vector_stores.py::test_a_deleted_vector_store_is_gone",
    "POST /vector_stores/{vector_store_id}/search": "test_vector_store_files.py::test_a_search_finds_what_words_and_meaning_say",
    f"GET {_STORE}/files": f"{_IN_STORES}files_are_listed_by_status_and_page",
    f"POST {_STORE}/files": f"{_IN_STORES}a_file_is_put_in_and_waited_for",
    f"GET {_STORE}/files/{{file_id}}": f"{_IN_STORES}a_file_is_put_in_and_waited_for",
    f"POST {_STORE}/files/{{file_id}}": f"{_IN_STORES}new_attributes_are_searched_by_at_once",
    f"DELETE {_STORE}/files/{{file_id}}": f"{_IN_STORES}a_file_that_is_taken_out_stays_a_file",
    f"GET {_STORE}/files/{{file_id}}/content": f"{_IN_STORES}a_files_text_is_told_as_it_was_understood",
    f"POST {_STORE}/file_batches": f"{_IN_STORES}a_batch_is_uploaded_and_waited_for",
    f"GET {_STORE}/file_batches/{{batch_id}}": f"{_IN_STORES}a_batch_is_uploaded_and_waited_for",
    f"POST {_STORE}/file_batches/{{batch_id}}/cancel": f"{_IN_STORES}a_batch_is_cancelled_before_it_is_done",
    f"GET {_STORE}/file_batches/{{batch_id}}/files": f"{_IN_STORES}a_batch_is_uploaded_and_waited_for",
    "GET /models": "test_models.py::test_the_models_that_can_be_asked_are_listed",
    "GET /models/{model}": "test_models.py::test_the_models_that_can_be_asked_are_listed",
    "DELETE /models/{model}": "test_models.py::test_a_model_cannot_be_deleted",
}
FILES = {"/files": "test_files.py", "/uploads": "test_uploads.py"}
"""Whose tests show these operations."""

EVENTS = {
    "thread.created": "test_a_thread_made_with_its_run",
    "thread.run.created": "test_an_answer",
    "thread.run.queued": "test_an_answer",
    "thread.run.in_progress": "test_an_answer",
    "thread.run.requires_action": "test_tools_that_the_client_runs",
    "thread.run.completed": "test_an_answer",
    "thread.run.incomplete": "test_an_answer_that_is_cut_off_by_the_model",
    "thread.run.failed": "test_a_failed_answer",
    "thread.run.cancelling": "test_a_cancelled_answer",
    "thread.run.cancelled": "test_a_cancelled_answer",
    "thread.run.expired": "test_an_answer_that_takes_too_long_expires",
    "thread.run.step.created": "test_an_answer",
    "thread.run.step.in_progress": "test_an_answer",
    "thread.run.step.delta": "test_step_deltas_tell_parallel_calls_apart_by_index",
    "thread.run.step.completed": "test_an_answer",
    "thread.run.step.failed": "test_a_failed_answer",
    "thread.run.step.cancelled": "test_a_cancelled_answer",
    "thread.run.step.expired": "test_an_answer_that_takes_too_long_expires",
    "thread.message.created": "test_an_answer",
    "thread.message.in_progress": "test_an_answer",
    "thread.message.delta": "test_the_first_delta_alone_has_annotations",
    "thread.message.completed": "test_an_answer",
    "thread.message.incomplete": "test_a_cancelled_answer",
    "error": "../../unit/api/v1/test_openai_framing.py::test_an_error_has_the_form_that_every_sdk_reads",
    "done": "test_an_answer",
}

ERRORS = [
    ("404", "No assistant found with id 'asst_x'.", "test_what_is_not_there_is_named"),
    ("404", "No thread found with id 'thread_x'.", "test_what_is_not_there_is_named"),
    ("404", "No message found with id 'msg_x'.", "test_what_is_not_there_is_named"),
    ("404", "No run found with id 'run_x'.", "test_what_is_not_there_is_named"),
    ("404", "No vector store found with id 'vs_x'.", "test_vector_stores.py::test_a_deleted_vector_store_is_gone"),
    ("404", "No file found with id 'file-x' in vector store 'vs_y'.",
     "test_vector_stores.py::test_an_id_that_cannot_be_one_is_told"),
    ("400", "Invalid 'thread_id': 'undefined'. Expected an ID that begins with 'thread'.",
     "test_an_id_that_cannot_be_one_is_not_valid"),
    ("400", "Thread thread_x already has an active run run_y.", "test_a_second_run_is_refused_and_leaves_no_trace"),
    ("400", "Can't add messages to thread_x while a run run_y is active.", "test_a_message_while_a_run_is_active_is_refused"),
    ("400", "Expected tool outputs for call_ids ['call_a', 'call_b'], got ['call_a']",
     "test_outputs_must_be_those_of_all_calls"),
    ("400", 'Runs in status "expired" do not accept tool outputs.',
     "test_events.py::test_outputs_that_come_too_late_are_refused_before_the_sweep"),
    ("400", "Cannot cancel run with status 'completed'.", "test_a_run_that_has_ended_takes_nothing_more"),
    ("200", "a model that fails inside a run: `thread.run.failed` with its `last_error`",
     "test_events.py::test_a_model_that_says_nothing_fails_the_run_and_not_the_request"),
]  # fmt: skip

NOT_SENT = [
    ("401", "Incorrect API key provided: …", "no keys are configured: every key is taken"),
    ("400", "You must provide the 'OpenAI-Beta' header …", "the header is accepted and not asked for"),
    ("429", "Rate limit reached …, You exceeded your current quota …",
     "nothing is metered here; the model's own limits fail the run"),
]  # fmt: skip

DIFFERENCES = [
    ("`OpenAI-Beta: assistants=v2` is not required", "old programs that forgot it work",
     "test_helpers.py::test_openais_header_is_taken_and_not_asked_for"),
    ("`GET /threads` lists threads", "OpenAI never had it, users asked for years",
     "test_resources.py::test_threads_can_be_listed"),
    ("each event carries `id:`, and `GET …/runs/{run_id}?stream=true` goes on behind `Last-Event-ID` or `starting_after`",
     "a stream that was cut is not lost; the SDKs ignore both",
     "test_helpers.py::test_a_stream_that_was_cut_is_resumed_by_its_number"),
    ("a client that goes away does not end its run", "the answer is there when it comes back",
     "test_helpers.py::test_a_client_that_goes_away_does_not_end_the_run"),
    ("`Idempotency-Key` on `POST …/runs` makes one run of a repeated request", "the SDKs repeat requests by themselves",
     "test_resources.py::test_the_same_idempotency_key_makes_one_run"),
    ("a run's `model` is the one that answered, once it has ended", "old names are mapped to what there is",
     "test_resources.py::test_options_of_a_run_are_told_back"),
    ("`first_id` and `last_id` of an empty list are null", "the document says string, and there is none to name",
     "test_paging.py::test_an_empty_list_has_no_ends"),
    ("`file_citation` annotations carry the quoted text as `quote`", "clients can show what was quoted; the SDKs pass it on",
     "test_resources.py::test_citations_come_as_annotations"),
    ("`file_citation` has `chunk` and `page` too", "they lead to the passage; the SDKs pass them on",
     "test_file_search.py::test_a_citation_leads_to_its_passage"),
    ("a marker of what was not retrieved is taken out of the answer", "no citation without a passage behind it",
     "../../unit/runs/test_citations.py::test_what_was_not_retrieved_is_never_cited_and_its_marker_goes"),
    ("`include[]` counts where a thread is made with its run and where tool outputs are handed in, too",
     "their streams tell of the same steps",
     "test_file_search.py::test_a_thread_that_is_made_with_its_run_tells_what_was_found_too"),
    ("tool resources name vector stores that are there", "a 404 at once rather than a search that finds nothing",
     "test_attachments.py::test_what_resources_name_must_be_there"),
    ("`openai-poll-after-ms` is 100", "pollers are quick: without it they wait for 1 or 5 s",
     "test_helpers.py::test_a_poller_waits_as_briefly_as_it_is_told"),
    ("no model is fine-tuned, so `DELETE /models/{model}` refuses", "there is nothing to delete",
     "test_models.py::test_a_model_cannot_be_deleted"),
    ("a picture sent to a model that cannot see is 400", "rather than a run that fails",
     "test_images.py::test_a_model_that_cannot_see_is_told_at_once"),
    ("a message that is being written is listed with what it says so far, and cannot be changed or deleted until it has ended",
     "the document leaves open what it says; whoever reloads in the middle of an answer sees its beginning",
     "test_open_message.py::test_it_is_listed_with_what_it_says_so_far"),
    ("a vector store without a name has the name `\"\"`", "the document has no null there",
     "test_vector_stores.py::test_a_vector_store_needs_nothing"),
    ("`rewrite_query` is accepted, and every query is understood the same way", "searches ask no language model",
     "test_vector_store_files.py::test_several_queries_are_searched_as_one"),
    ("texts with a NUL character are 400", "databases and terminals stumble over it",
     "test_errors.py::test_an_assistant_that_is_not_valid"),
]  # fmt: skip

OLD_SDKS = [
    "Node 4.46 and 4.104: after `thread.run.incomplete` the helpers (`finalRun()`, `finalMessages()`, `done()`) reject with "
    "`Final run has not been received`, though the event came (`test_quickstart_backend.py`); 6.49 and 7.57 do not. Listen "
    "to the event, or take a newer one.",
    "Node 4.46 and 4.104: `toReadableStream()` passes on events that it goes on adding to. Where several deltas come in one read "
    "and the reader is slower than the writer, the first word may be shown twice; the message as it is kept is right. Seen when "
    "writer and reader were one process, in none of 400 answers through Next.js 14.1.4.",
]
"""What their users see here, and saw with OpenAI."""

NOT_YET = [
    "`code_interpreter`: accepted as a tool, and not offered to the model",
    "a model's context window is not known here: `auto` drops what exceeds `max_prompt_tokens`, and beyond 200 messages",
]


def documented() -> list[str]:
    """`METHOD /path` of every operation of OpenAI's document, in its order."""
    paths = json.loads(DOCUMENT.read_text("utf-8"))["paths"]
    return [f"{method.upper()} {path}" for path, operations in paths.items() for method in operations]


def served() -> set[str]:
    """The same of what is served here, with OpenAI's names of the parameters."""
    app = FastAPI()
    app.include_router(v1_routes())
    paths = app.openapi()["paths"]
    return {f"{method.upper()} {path.removeprefix('/v1')}" for path, operations in paths.items() for method in operations}


def shown_by(operation: str) -> str:
    """The test that shows an operation."""
    root = "/" + operation.split("/")[1]
    return OPERATIONS.get(operation) or FILES.get(root, "")


def page() -> str:
    """The page as it should be."""
    wanted, there = documented(), served()
    have = [operation for operation in wanted if operation in there]
    lines = [
        "# Conformance of `/v1`",
        "",
        "Written by `python -m tests.wire.v1.conformance`; a test fails when it no longer holds. Every answer and every event",
        "that these tests see is validated against OpenAI's own document (`python_backend/tests/wire/v1/openapi`). The tests",
        "stand in `python_backend/tests/wire/v1`, and use the official `openai` packages: Python 3.54, Node 6.49 and 7.57.",
        "",
        f"**Score**: {len(have)} of {len(wanted)} operations ({_no_stores(have)} of {_no_stores(wanted)} without vector stores), "
        f"{len(EVENTS)} of {len(EVENTS)} events, {len(ERRORS)} of {len(ERRORS) + len(NOT_SENT)} known error texts.",
        "",
        "## Operations",
        "",
        "| operation | served | shown by |",
        "| --- | --- | --- |",
        *(f"| `{one}` | {f'yes | {_test(shown_by(one))}' if one in there else 'not yet |'} |" for one in wanted),
        "",
        "## Events",
        "",
        "Their order for each way in which a run ends: `test_events.py`; the bytes: `fixtures/wire/v1`.",
        "",
        "| event | shown by |",
        "| --- | --- |",
        *(f"| `{event}` | {_test(_in(test, 'test_events.py'))} |" for event, test in EVENTS.items()),
        "",
        "## Error texts",
        "",
        "All in the envelope `{error: {message, type, param, code}}`. Texts for what is not valid: `invalid_requests.json`.",
        "",
        "| status | text | shown by |",
        "| --- | --- | --- |",
        *(f"| {status} | {text} | {_test(_in(test, 'test_errors.py'))} |" for status, text, test in ERRORS),
        *(f"| {status} | {text} | never sent: {why} |" for status, text, why in NOT_SENT),
        "",
        "## What differs on purpose",
        "",
        "| what | why | shown by |",
        "| --- | --- | --- |",
        *(f"| {what} | {why} | {_test(test)} |" for what, why, test in DIFFERENCES),
        "",
        "## What older SDKs make of it",
        "",
        *(f"- {one}" for one in OLD_SDKS),
        "",
        "## What is not there yet",
        "",
        *(f"- {one}" for one in NOT_YET),
    ]  # fmt: skip
    return "\n".join(lines) + "\n"


def named_tests() -> set[str]:
    """Every test that the page names, as `file::test` or a file."""
    events = {_in(test, "test_events.py") for test in EVENTS.values()}
    errors = {_in(test, "test_errors.py") for _, _, test in ERRORS}
    return {*OPERATIONS.values(), *FILES.values()} | events | errors | {test for _, _, test in DIFFERENCES}


def _in(test: str, file: str) -> str:
    return test if "::" in test else f"{file}::{test}"


def _test(test: str) -> str:
    file, _, name = test.partition("::")
    file = file.rpartition("/")[2]
    return f"`{file}`" + (f" {name.removeprefix('test_').replace('_', ' ')}" if name else "")


def _no_stores(operations: list[str]) -> int:
    return sum("/vector_stores" not in operation for operation in operations)


if __name__ == "__main__":
    PAGE.write_text(page(), "utf-8")
    print(f"{PAGE.name}: {len(page())} characters", file=sys.stderr)
