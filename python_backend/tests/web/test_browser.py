"""The stories of `browser/`, each told by a function there: what a user does in Chromium, and what the page shows."""

import re

import pytest

from tests.web.conftest import STORIES, Tell

_STORY = re.compile(r"^export async function (\w+)\(", re.MULTILINE)
TOLD = [(file.name, story) for file in sorted(STORIES.glob("*.mjs")) for story in _STORY.findall(file.read_text("utf-8"))]


@pytest.mark.parametrize(("file", "story"), [pytest.param(*told, id="-".join(told)) for told in TOLD])
def test_story(file: str, story: str, tell: Tell) -> None:
    tell(file, story)
