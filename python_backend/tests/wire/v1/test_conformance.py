"""The page about conformance is true: it is what its command writes, and what it names is there."""

import re

from tests.wire.v1.conformance import EVENTS, HERE, PAGE, documented, named_tests, page, served, shown_by
from tests.wire.v1.surface import Surface


def test_the_page_is_what_its_command_writes():
    assert PAGE.read_text("utf-8") == page(), "python -m tests.wire.v1.conformance"


def test_every_operation_that_is_served_is_shown_by_a_test():
    there = [one for one in documented() if one in served()]
    assert len(there) >= 35
    assert [one for one in there if not shown_by(one)] == []


def test_every_test_that_is_named_is_there():
    for named in named_tests():
        file, _, name = named.partition("::")
        text = (HERE / file).read_text("utf-8")
        assert not name or re.search(rf"^(async )?def {name}\(", text, re.MULTILINE), f"{named} is not there"


def test_every_event_of_the_document_is_listed():
    assert {*EVENTS} - {"done"} == {*Surface()._events} - {"done"}
