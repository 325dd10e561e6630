"""The model that answers when no language model is configured: it quotes the documents and invents nothing.

Its first turn asks `file_search`, its second turns the quotes that came back into an answer, or says that there is none.
"""

import asyncio
import re
from collections.abc import AsyncGenerator, Sequence

import msgspec

from ..ids import new_id
from .base import ChatMessage, Fact, Finish, FinishReason, ModelRequest, TextDelta, ToolCallDelta, UsageFact
from .follow_up import refers_back
from .small_talk import reply

FILE_SEARCH = "file_search"

ENOUGH = 0.5
"""From this score on a quote counts as an answer. Set with development questions (docs/extractive.md)."""
ENOUGH_WITH_UNKNOWN = 0.65
"""The same where the question has a word that no document uses."""
NEAR = 0.75
"""Further quotes are shown when they reach this share of the best one's score."""
SURE, NEAR_WHEN_SURE = 1.0, 0.85
"""From this score on the best quote has all that was asked for, and few others are of use."""
CERTAIN, NEAR_WHEN_CERTAIN = 1.15, 0.95
"""From this score on it has that in the question's own words, side by side: others must be about as good."""
MAX_QUOTES = 4
MAX_ROWS = 6
"""Rows that score like the first one are one answer: a table was asked for."""
QUOTES_ASKED = 12
WORDS_A_BATCH = 3

HINT = (
    "No language model is configured, so this server can only quote its documents. For written answers, set OPENAI_API_KEY or "
    "OPENAI_BASE_URL in python_backend/.env and restart the server."
)
_NO_SEARCH = (
    "No language model is configured, and this assistant does not search documents, so there is nothing to answer from. Set "
    "OPENAI_API_KEY or OPENAI_BASE_URL in python_backend/.env and restart the server, or give the assistant the tool file_search."
)
_NO_TEXT = "There is no text in this message. " + HINT
_FAILED = "The search in the documents did not work, so there is nothing to quote. "

_PIECE = re.compile(r"\s*(?:【[^】]*】|[^\s【]+|【)|\s+$")


class _Passage(msgspec.Struct):
    marker: str
    heading: str


class _Quote(msgspec.Struct):
    passage: int
    text: str
    score: float
    fits: bool
    is_row: bool
    after: str


class _Output(msgspec.Struct):
    passages: list[_Passage]
    quotes: list[_Quote]
    unknown: list[str]
    topics: list[str]
    being_read: int = 0


class Extractive:
    """Implements Model. `pace_s` is the pause between two batches of words, so that a person can watch it write."""

    searches = True
    sees = False
    writes = False

    def __init__(self, pace_s: float = 0.02) -> None:
        self._pace_s = pace_s

    async def stream(self, request: ModelRequest) -> AsyncGenerator[Sequence[Fact], None]:
        """A tool call, or an answer in small batches. Usage is zero: no language model was asked, and no token was spent."""
        users = [message.text.strip() for message in request.messages if message.role == "user"]
        question = users[-1] if users else ""
        offered = request.tool_choice != "none" and any(tool.name == FILE_SEARCH for tool in request.tools)
        output = _search_output(request.messages)
        if output is not None:
            answer = _answer(output)
        elif said := reply(question):
            answer = said
        elif not question:
            answer = _NO_TEXT
        elif not offered:
            answer = _NO_SEARCH
        else:
            yield [_call(question, users[:-1]), UsageFact(0, 0), Finish("tool_calls")]
            return
        reason: FinishReason = "stop"
        pieces = _PIECE.findall(answer)
        if request.max_completion_tokens is not None and len(pieces) > request.max_completion_tokens:
            pieces, reason = pieces[: request.max_completion_tokens], "length"
        for at in range(0, len(pieces), WORDS_A_BATCH):
            yield [TextDelta("".join(pieces[at : at + WORDS_A_BATCH]))]
            await asyncio.sleep(self._pace_s)
        yield [UsageFact(0, 0), Finish(reason)]

    async def close(self) -> None:
        """Nothing is held."""


def _call(question: str, earlier: Sequence[str]) -> ToolCallDelta:
    arguments = {"query": question, "quotes": QUOTES_ASKED}
    if earlier and refers_back(question):
        arguments["context"] = earlier[-1]
    return ToolCallDelta(0, new_id("call_"), FILE_SEARCH, msgspec.json.encode(arguments).decode())


def _search_output(messages: Sequence[ChatMessage]) -> str | None:
    """What the search gave in this turn, or None when it was not asked yet."""
    for message in reversed(messages):
        if message.role == "user":
            return None
        if message.role == "tool":
            return message.text
    return None


def _answer(output: str) -> str:
    try:
        read = msgspec.json.decode(output, type=_Output)
    except msgspec.DecodeError:
        return _FAILED + HINT
    quotes = _chosen(read)
    if not quotes:
        return f"The documents hold no answer to this question. {_about(read)}\n\n{HINT}"
    answer = ["The documents say:"]
    heading = None
    best = max(quotes, key=lambda quote: quote.score)
    for quote in quotes:
        passage = read.passages[quote.passage]
        if passage.heading != heading:
            heading = passage.heading
            answer.append(f"\n\n{heading}:" if heading else "")
        # The best sentence brings the next one along: it often says what the first one only names.
        text = f"{quote.text} {quote.after}".strip() if quote is best else quote.text
        answer.append(f"\n- {text} {passage.marker}" if quote.is_row else f"\n- “{text}” {passage.marker}")
    return "".join((*answer, f"\n\n{HINT}"))


def _about(read: _Output) -> str:
    if read.being_read:
        which = "One document is" if read.being_read == 1 else f"{read.being_read} documents are"
        return f"{which} still being read: ask again in a moment."
    return f"They are about: {'; '.join(read.topics)}." if read.topics else "There are none."


def _chosen(read: _Output) -> list[_Quote]:
    enough = ENOUGH_WITH_UNKNOWN if read.unknown else ENOUGH
    good = [quote for quote in read.quotes if quote.fits and quote.score >= enough]
    if not good:
        return []
    best = good[0]
    near = NEAR_WHEN_CERTAIN if best.score >= CERTAIN else NEAR_WHEN_SURE if best.score >= SURE else NEAR
    close = [quote for quote in good if quote.score >= best.score * near]
    if best.is_row:
        like_it = [quote for quote in close if quote.is_row and quote.score == best.score]
        if len(like_it) > MAX_QUOTES:
            return like_it[:MAX_ROWS]
    shown: list[_Quote] = []
    for quote in close:
        if len(shown) < MAX_QUOTES and not _adds_nothing(quote, shown):
            shown.append(quote)
    # Quotes of one passage stand together, the passage with the best one first.
    order = list(dict.fromkeys(quote.passage for quote in shown))
    return sorted(shown, key=lambda quote: order.index(quote.passage))


def _adds_nothing(quote: _Quote, shown: Sequence[_Quote]) -> bool:
    """It was quoted already, or a row of the same table matched better."""
    said = any(quote.text in f"{other.text} {other.after}" for other in shown)
    rows = [other.score for other in shown if other.is_row and other.passage == quote.passage]
    return said or (quote.is_row and bool(rows) and quote.score < max(rows))
