"""Which sentence of a passage a claim rests on: the one that shares most words with it. It is shown beside the citation."""

import re

MOST_OF_A_SENTENCE = 300
MOST_OF_A_PASSAGE = 200
"""Characters of a passage that is quoted without a sentence of its own."""
SHORTEST = 12
"""What is shorter is no sentence but a piece of one: `Fig.`, `No.`."""

_END = re.compile(r"(?<=[.!?…])[\"”’)\]]*\s+(?=[^\s\da-z])|(?<=[。！？])")
"""Not before a number or a small letter: `Fig. 4`, `approx. half`."""
_WORD = re.compile(r"[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]|\w+")
"""A word; of scripts without spaces each character is one."""


def quote_of(passage: str, claim: str) -> str:
    """The sentence or line of the passage that says most of the claim's words, as it stands there; else the passage's beginning.
    Cut at a word where it is long."""
    said = _words(claim)
    best, most = "", 0.0
    for sentence in _sentences(passage):
        words = _words(sentence)
        shared = len(said & words)
        # Of two sentences with as many of the words the one that says less besides.
        if shared and (score := shared - len(words) / 1000) > most:
            best, most = sentence, score
    return _cut(best, MOST_OF_A_SENTENCE) if best else _cut(passage.strip(), MOST_OF_A_PASSAGE)


def _sentences(passage: str) -> list[str]:
    found: list[str] = []
    for line in passage.splitlines():
        begin = 0
        for end in [*(match.end() for match in _END.finditer(line)), len(line)]:
            is_whole = end - begin >= SHORTEST or end == len(line) or line[end - 1] in "。！？"
            if is_whole and (sentence := line[begin:end].strip()):
                found.append(sentence)
                begin = end
    return found


def _words(text: str) -> set[str]:
    return set(_WORD.findall(text.casefold()))


def _cut(text: str, most: int) -> str:
    if len(text) <= most:
        return text
    whole = text[:most].rpartition(" ")[0]
    return (whole or text[:most]).rstrip()
