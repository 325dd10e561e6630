from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest

from underpin.models.retry_after import LONGEST_S, retry_after


def test_it_is_read_in_each_of_its_forms():
    assert retry_after({"Retry-After": "2"}) == 2.0
    assert retry_after({"Retry-After-Ms": "250", "Retry-After": "1"}) == 0.25
    in_a_minute = retry_after({"Retry-After": format_datetime(datetime.now(UTC) + timedelta(minutes=1), usegmt=True)})
    assert in_a_minute is not None
    assert 50 < in_a_minute <= 60
    assert [retry_after({"Retry-After": value}) for value in ("soon", "-1", "inf", "nan", "")] == [None] * 5
    assert retry_after({}) is None


@pytest.mark.parametrize("value", ["1e308", "99999999999999999999", "Fri, 31 Dec 9999 23:59:59 -2359"])
def test_a_time_that_nobody_waits_for_is_a_day(value):
    assert retry_after({"Retry-After": value}) == LONGEST_S


@pytest.mark.parametrize("value", ["Thu, 01 Jan 0001 00:00:00 -0000", "Mon, 01 Jan 99999 00:00:00 GMT"])
def test_a_date_that_is_none_or_long_ago_does_not_matter(value):
    assert retry_after({"Retry-After": value}) in (None, 0.0)
