"""/v1/models: what can be asked for here. Other names are answered too, by the default model: old programs name models that are
gone.
"""

from typing import Literal

from fastapi import APIRouter, Request
from pydantic import BaseModel
from starlette.responses import JSONResponse, Response

from ..rooms import rooms_of
from .answers import Deleted, answers
from .envelope import InvalidRequest, UnknownModel

router = APIRouter(prefix="/models", tags=["v1 models"])

OWNER = "underpin"
UNKNOWN_DATE = 0
"""When a model was made is not known here."""


class Model(BaseModel):
    """For /docs, as the next."""

    id: str
    object: Literal["model"]
    created: int
    owned_by: str


class Models(BaseModel):
    object: Literal["list"]
    data: list[Model]


@router.get("", responses=answers(Models))
async def list_models(request: Request) -> Response:
    """Every model by its name."""
    names = await rooms_of(request).models.names()
    return JSONResponse({"object": "list", "data": [_model(name) for name in names]})


@router.get("/{model:path}", responses=answers(Model))
async def retrieve_model(request: Request, model: str) -> Response:
    """One model; names may hold slashes."""
    return JSONResponse(_model(await _known(request, model)))


@router.delete("/{model:path}", responses=answers(Deleted))
async def delete_model(request: Request, model: str) -> Response:
    """Only fine-tuned models could ever be deleted, and there are none here."""
    name = await _known(request, model)
    raise InvalidRequest(f"The model '{name}' cannot be deleted: only fine-tuned models can, and here are none.", param="model")


async def _known(request: Request, model: str) -> str:
    if model not in await rooms_of(request).models.names():
        raise UnknownModel(f"The model '{model[:100]}' does not exist", param="model")
    return model


def _model(name: str) -> dict[str, object]:
    return {"id": name, "object": "model", "created": UNKNOWN_DATE, "owned_by": OWNER}
