"""What the assistant knows, for the web app: its stores and how far their files are, titles, and whether a model answers."""

from fastapi import APIRouter, Request
from starlette.responses import JSONResponse, Response

from ..errors import ModelError, UnderpinError
from ..knowledge.standing_files import StandingFile, StandingFiles
from ..objects.assistant import AUTO_MODEL
from .answers import KnowledgeBase, answers
from .rooms import Rooms, rooms_of

router = APIRouter(prefix="/api", tags=["next"])

MOST_NAMES = 100
"""Of each store's documents, the newest."""


@router.get("/knowledge", responses=answers(KnowledgeBase))
async def knowledge(request: Request) -> Response:
    """The two standing stores, the documents that come with the server, and the model. Asks nobody more often than a list of
    files does, and is no error when a part of it cannot be told: that part says why."""
    rooms = rooms_of(request)
    files = rooms.standing_files
    roles = {files.standing.knowledge.id: "knowledge", files.standing.uploads.id: "uploads"}
    stores = [await _store(files, known, roles[known]) for known in files.standing.ids()]
    are_examples_searched = not any(store["documents"] or store["error"] for store in stores)
    examples = {"searched": are_examples_searched, "titles": await rooms.knowledge.topics()}
    return JSONResponse({"stores": stores, "examples": examples, "model": await _model(rooms)})


async def _store(files: StandingFiles, id: str, role: str) -> dict[str, object]:
    standing = files.standing
    name = (standing.uploads if role == "uploads" else standing.knowledge).name
    known: dict[str, object] = {"id": id, "name": name, "role": role, "place": None, "counts": {}, "documents": [], "error": None}
    where = standing.where(id)
    if where not in ("here", "upstream"):
        return {**known, "error": where}
    try:
        listed = await files.listed(id)
    except UnderpinError as error:
        return {**known, "place": where, "error": error.message}
    counts = dict.fromkeys(("in_progress", "completed", "failed", "cancelled"), 0)
    for file in listed:
        counts[file.status] += 1
    return {
        **known,
        "place": where,
        "counts": {**counts, "total": len(listed)},
        "documents": [_document(file) for file in listed[:MOST_NAMES]],
    }


def _document(file: StandingFile) -> dict[str, str | None]:
    return {"file_id": file.file_id, "filename": file.filename, "status": file.status, "error": file.reason}


async def _model(rooms: Rooms) -> dict[str, object]:
    """`writes`: a language model is configured; else answers are quoted."""
    try:
        choice = await rooms.models.choose(AUTO_MODEL)
    except ModelError as error:
        return {"writes": True, "name": None, "error": error.message}
    return {"writes": choice.model.writes, "name": choice.name, "error": None}
