"""Dates and times in text, with and without dateutil."""

import contextlib
import sys
from datetime import date, datetime, time, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from moorage_runtime.schema import dates

MINUTES = st.integers(-14 * 60, 14 * 60)
ZONES = st.none() | st.just(timezone.utc) | MINUTES.map(lambda m: timezone(timedelta(minutes=m)))


@pytest.fixture(params=["with dateutil", "without dateutil"])
def parser(request, monkeypatch):
    """Run a test with the user's dateutil and without it."""
    if request.param == "with dateutil":
        pytest.importorskip("dateutil")
    else:
        monkeypatch.setitem(sys.modules, "dateutil", None)
    return dates


@given(st.datetimes(timezones=ZONES))
def test_iso_text_says_what_was_written(moment) -> None:
    for separator in "T ":
        back = dates.parse_datetime(moment.isoformat(separator))
        assert (back, back.utcoffset()) == (moment, moment.utcoffset())


@given(st.times(timezones=ZONES))
def test_iso_times_say_what_was_written(moment) -> None:
    assert dates.parse_time(moment.isoformat()) == moment


@given(st.dates())
def test_iso_dates_say_what_was_written(day) -> None:
    assert dates.parse_date(day.isoformat()) == day


TEXTS = [
    ("2021-03-04", datetime(2021, 3, 4)),
    ("2021-03-04T05:06:07Z", datetime(2021, 3, 4, 5, 6, 7, tzinfo=timezone.utc)),
    ("2021-03-04 05:06:07.891234 +0200", datetime(2021, 3, 4, 5, 6, 7, 891234, timezone(timedelta(hours=2)))),
    ("2021-03-04T05:06", datetime(2021, 3, 4, 5, 6)),
    (
        "2021-03-04T05:06:07.1234567-03:30",
        datetime(2021, 3, 4, 5, 6, 7, 123456, timezone(-timedelta(hours=3.5))),
    ),
    ("20210304", datetime(2021, 3, 4)),
    ("20210304T050607", datetime(2021, 3, 4, 5, 6, 7)),
    ("March 4 2021", datetime(2021, 3, 4)),
    ("March 4, 2021", datetime(2021, 3, 4)),
    ("4 Mar 2021", datetime(2021, 3, 4)),
    ("Thu, 4 Mar 2021 05:06:07 GMT", datetime(2021, 3, 4, 5, 6, 7, tzinfo=timezone.utc)),
    ("Thursday, March 4th, 2021", datetime(2021, 3, 4)),
    ("3/4/2021", datetime(2021, 3, 4)),
    ("13/2/2021", datetime(2021, 2, 13)),
    ("2021/03/04 05:06", datetime(2021, 3, 4, 5, 6)),
    ("March 4 2021 5:06 PM", datetime(2021, 3, 4, 17, 6)),
    ("March 4 2021 12:06 am", datetime(2021, 3, 4, 0, 6)),
]


@pytest.mark.parametrize(("text", "moment"), TEXTS)
def test_people_write_dates_in_many_ways(parser, text, moment) -> None:
    back = parser.parse_datetime(text)
    assert back == moment
    assert back.utcoffset() == moment.utcoffset()


@pytest.mark.parametrize(
    "text",
    ["", "soon", "2021-13-01", "2021-02-30", "30 Feb 2021", "1 2 3 4 5", "2021-03-04T99:00", "4 \u20ac 2021"],
)
def test_text_that_is_no_date_is_a_value_error(parser, text) -> None:
    with pytest.raises(ValueError):  # noqa: PT011
        parser.parse_datetime(text)


@given(st.text(max_size=30))
def test_any_text_gives_a_moment_or_a_value_error(text) -> None:
    with contextlib.suppress(ValueError):
        assert isinstance(dates._parse_leniently(text), datetime)


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("03:04", time(3, 4)),
        ("03:04:05.000000 +0000", time(3, 4, 5, tzinfo=timezone.utc)),
        ("3:04 PM", time(15, 4)),
        ("2021-03-04T05:06:07", time(5, 6, 7)),
    ],
)
def test_people_write_times_in_many_ways(parser, text, moment) -> None:
    assert parser.parse_time(text) == moment


@pytest.mark.parametrize(
    "text",
    [
        "2021-03-04T05:06:07Z",
        "20210304",
        "March 4 2021",
        "4 March 2021 05:06",
        "3/4/2021",
        "20210304T050607Z",
    ],
)
def test_a_day_may_come_in_other_ways_and_with_a_time(parser, text) -> None:
    assert parser.parse_date(text) == date(2021, 3, 4)


@pytest.mark.parametrize("text", ["1", "03:04", "", "March", "2021-02-30", "soon", "Monday"])
def test_a_part_of_a_date_is_no_date(parser, text) -> None:
    with pytest.raises(ValueError):  # noqa: PT011
        parser.parse_date(text)
