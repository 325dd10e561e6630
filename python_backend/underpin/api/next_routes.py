"""What an unmodified front end of the quickstart family calls besides threads: it changes nothing but the address."""

from fastapi import APIRouter, Request
from starlette.responses import JSONResponse, Response

from .answers import OwnAssistant, answers
from .body import Body, read_body
from .chat import ChatBody, answer_stream
from .described import body_doc, sends_stream
from .framing import LINES, NDJSON
from .rooms import rooms_of

router = APIRouter(prefix="/api/assistants", tags=["next"])


class ContentBody(Body):
    content: str


@router.post("", responses=answers(OwnAssistant))
async def assistant(request: Request) -> Response:
    """The server's own assistant; the original made a new one at each call."""
    return JSONResponse({"assistantId": rooms_of(request).assistant_id})


@router.post(
    "/threads/{thread_id}/messages",
    openapi_extra=body_doc(ContentBody),
    response_class=Response,
    responses=sends_stream(NDJSON),
)
async def messages(request: Request, thread_id: str) -> Response:
    """Add a message and stream its answer as lines of JSON, whatever `Accept` says: that is what these front ends read."""
    body = await read_body(request, ContentBody)
    return await answer_stream(request, ChatBody(content=body.content, threadId=thread_id), LINES)
