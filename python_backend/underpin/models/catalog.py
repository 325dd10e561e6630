"""Which model answers a name. Old programs name models that are gone: a setting maps them, a default covers the rest."""

import asyncio
import logging
import time
from collections.abc import Callable, Mapping
from datetime import date
from typing import Protocol

from ..errors import ConfigError, ModelError, ModelUnknown
from ..objects.assistant import AUTO_MODEL
from .base import Choice, Model
from .openai_models import AT_OPENAI, is_gone
from .refusals import model_unknown

NO_LIST = (
    "The model's server does not list its models. Check that OPENAI_BASE_URL ends in /v1, or set OPENAI_MODEL to the one to ask."
)

_FALLBACK = "extractive"
_FAILURE_KEPT_S = 2.0
"""Long enough that runs which wait for the same list do not each wait for it to fail."""
_CHECK_KEPT_S = 10.0

_log = logging.getLogger("underpin.models")


class ListedModel(Model, Protocol):
    """A model's server that can say what it has."""

    async def names(self, *, timeout_s: float, again: bool = False) -> tuple[str, ...] | None:
        """The names it lists, in its order; None when it has no list. `again`: a failure that may pass is asked again, as for an
        answer. Raises ModelError."""


class Catalog:
    """The Models seam. A name is looked for in this order:

    1. the alias setting, once;
    2. the embedded models;
    3. without a model's server: the default when it is embedded, else `extractive`;
    4. the configured default: always asked as it stands, and never replaced;
    5. a model that OpenAI has switched off, or that another server does not list: the default, with one warning a name;
    6. anything else is asked by its name: the server knows best.

    The default is `default_model`; without one `gpt-5.4-mini` at OpenAI, elsewhere the first chat model that the server lists.
    """

    def __init__(
        self,
        upstream: ListedModel | None,
        *,
        embedded: Mapping[str, Model],
        default_model: str | None = None,
        aliases: Mapping[str, str] | None = None,
        at_openai: bool = False,
        list_timeout_s: float = 5.0,
        list_kept_s: float = 60.0,
        today: Callable[[], date] = date.today,
    ) -> None:
        if upstream is None and _FALLBACK not in embedded:
            raise ConfigError("No model is configured: set OPENAI_API_KEY, or OPENAI_BASE_URL.")
        self._upstream = upstream
        self._embedded = embedded
        self._default_model = default_model
        self._aliases = aliases or {}
        self._at_openai = at_openai
        self._today = today
        self._warned: set[str] = set()
        self._list = _List(upstream, list_timeout_s, list_kept_s) if upstream else None

    async def choose(self, name: str) -> Choice:
        """See Models. Raises ModelUnknown when the configured model is gone, or when none is configured and none is listed."""
        name = self._aliases.get(name, name)
        if name == AUTO_MODEL:
            return await self._default()
        if name in self._embedded:
            return Choice(self._embedded[name], name)
        if self._upstream is None or self._list is None:
            return await self._default()
        if name == self._configured:
            return self._asked_as_configured(self._upstream, name)
        if await self._is_missing(self._list, name):
            choice = await self._default()
            self._warn_once(name, choice.name)
            return choice
        return Choice(self._upstream, name)

    async def names(self) -> tuple[str, ...]:
        """See Models. The configured model, what the server lists, the old names of the alias setting, the embedded models."""
        listed = (await self._list.names() or ()) if self._list is not None else ()
        configured = (self._configured,) if self._configured and self._configured != AUTO_MODEL else ()
        return tuple(dict.fromkeys((*configured, *listed, *self._aliases, *self._embedded)))

    async def check(self) -> str | None:
        """See Models. An answer of the last 10 seconds is good enough, so that frequent probes do not reach the server."""
        if self._list is None:
            return None
        try:
            await self._list.names(kept_s=_CHECK_KEPT_S)
        except ModelError as error:
            return error.message
        return None

    async def close(self) -> None:
        """Close every model."""
        for model in {id(model): model for model in (self._upstream, *self._embedded.values()) if model}.values():
            await model.close()

    @property
    def _configured(self) -> str | None:
        return self._aliases.get(self._default_model, self._default_model) if self._default_model else None

    async def _default(self) -> Choice:
        name = self._configured
        if name and name in self._embedded:
            return Choice(self._embedded[name], name)
        if self._upstream is None or self._list is None:
            return Choice(self._embedded[_FALLBACK], _FALLBACK)
        if name and name != AUTO_MODEL:
            return self._asked_as_configured(self._upstream, name)
        return Choice(self._upstream, AT_OPENAI if self._at_openai else await self._first_listed(self._list))

    def _asked_as_configured(self, upstream: Model, name: str) -> Choice:
        """OPENAI_MODEL is what a person chose: where it cannot work they must hear of it."""
        if self._at_openai and is_gone(name, self._today()):
            raise model_unknown(name)
        return Choice(upstream, name)

    async def _is_missing(self, listed: "_List", name: str) -> bool:
        if self._at_openai:
            return is_gone(name, self._today())
        try:
            names = await listed.names()
        except ModelError:
            # The question itself will tell what is wrong, in better words.
            return False
        # Gemini lists `models/x` for x, Ollama `x:latest`.
        return bool(names) and not {name, f"models/{name}", f"{name}:latest"} & set(names or ())

    async def _first_listed(self, listed: "_List") -> str:
        names = await listed.names(patiently=True)
        if not names:
            raise ModelUnknown(NO_LIST)
        # Servers list embedding models among the others; none of them can chat.
        return next((name for name in names if "embed" not in name.lower()), names[0])

    def _warn_once(self, name: str, instead: str) -> None:
        # Bounded: the names come from requests.
        if name not in self._warned and len(self._warned) < 100:
            self._warned.add(name)
            advice = "MODEL_ALIASES maps old names to new ones."
            _log.warning("⚠️ The model's server has no model %.80r: %r is asked instead. %s", name, instead, advice)


class _List:
    """What the server lists, asked by one at a time and kept for a while."""

    def __init__(self, upstream: ListedModel, timeout_s: float, kept_s: float) -> None:
        self._upstream = upstream
        self._timeout_s = timeout_s
        self._kept_s = kept_s
        self._asking = asyncio.Lock()
        self._asked_at = float("-inf")
        self._names: tuple[str, ...] | None = None
        self._failure: ModelError | None = None
        self._failed_patiently = False

    async def names(self, *, kept_s: float | None = None, patiently: bool = False) -> tuple[str, ...] | None:
        """The list, at most `kept_s` seconds old. Raises the ModelError of an attempt that failed.

        `patiently`: for somebody who cannot go on without. What may pass is asked again, and a list that cannot be had anew is
        better old than not at all: if the server is gone, the question itself will tell.
        """
        async with self._asking:
            age_s = time.monotonic() - self._asked_at
            if age_s > (self._failure_kept_s(patiently) if self._failure else self._kept_s if kept_s is None else kept_s):
                await self._ask(again=patiently)
        if self._failure is not None and not (patiently and self._names):
            raise type(self._failure)(self._failure.message, retry_after_s=self._failure.retry_after_s)
        return self._names

    def _failure_kept_s(self, patiently: bool) -> float:
        """A probe's failure, which was not asked again, is none yet for somebody who needs the list."""
        return 0.0 if patiently and not self._failed_patiently else _FAILURE_KEPT_S

    async def _ask(self, *, again: bool) -> None:
        failure: ModelError | None = None
        try:
            self._names = await self._upstream.names(timeout_s=self._timeout_s, again=again)
        except ModelError as error:
            failure = error
        self._failure, self._failed_patiently, self._asked_at = failure, again, time.monotonic()
