from collections.abc import AsyncIterator

import pytest

from underpin.parsing.children import ChildParser
from underpin.parsing.limits import Limits


@pytest.fixture
async def parser() -> AsyncIterator[ChildParser]:
    parser = ChildParser(Limits(), processes=2)
    yield parser
    await parser.close()
