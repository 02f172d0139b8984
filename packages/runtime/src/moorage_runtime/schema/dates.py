"""Dates and times written by people and programs.

ISO 8601 is read here, which is fast. Everything else goes to ``dateutil`` where the user's
environment has it (pandas brings it along), and otherwise to the small lenient parser below:
month names in English, ``3/4/2021`` with the month first, and 12-hour clocks.
"""

import re
from datetime import date, datetime, time, timedelta, timezone, tzinfo
from typing import Any, Match, Optional, Tuple

_ISO_DATE = r"(\d{4})-(\d{2})-(\d{2})"
_CLOCK = r"(\d{1,2}):(\d{2})(?::(\d{2})(?:[.,](\d{1,12}))?)?"
_ZONE = r"(Z|z|UTC|GMT|[+-]\d{2}(?::?\d{2})?)"
_ISO = re.compile(_ISO_DATE + r"(?:[Tt ]" + _CLOCK + r"\s*" + _ZONE + r"?)?\Z")
_TIME = re.compile(_CLOCK + r"\s*" + _ZONE + r"?\Z")
_CLOCK_ANYWHERE = re.compile(
    r"(?:^|(?<=[\sTt,]))" + _CLOCK + r"\s*([AaPp][Mm]\b)?\s*" + _ZONE + r"?(?=$|[\s,])"
)
_COMPACT = re.compile(r"(\d{4})(\d{2})(\d{2})(?:[Tt](\d{2})(\d{2})(\d{2})?" + _ZONE + r"?)?\Z")
_WORD = re.compile(r"[A-Za-z]+|\d+")
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_FILLERS = ("st", "nd", "rd", "th", "of", "at", "on")


def parse_datetime(text: str) -> datetime:
    """Return the moment that ``text`` names; naive unless it names a zone.

    Raises:
        ValueError: ``text`` is no date, or one that does not exist.
    """
    match = _ISO.match(text)
    if match is not None:
        return datetime.combine(_date_of(match.group(1, 2, 3)), _time_of(match, 4))
    parser = _dateutil_parser()
    if parser is not None:
        try:
            parsed: datetime = parser.parse(text)
        except OverflowError as error:
            raise ValueError(str(error)) from error
        return parsed
    return _parse_leniently(text)


def parse_date(text: str) -> date:
    """Return the day that ``text`` names: ``2021-03-04``, or another way to write a whole date.

    ``dateutil`` is not asked: it takes ``1`` for a day of the current month.

    Raises:
        ValueError: ``text`` is no date.
    """
    match = _ISO.match(text)
    if match is not None:
        return _date_of(match.group(1, 2, 3))
    _, rest = _cut_clock(text.strip())
    day = _day_in_words(rest) or _parse_compact(rest.strip())
    if day is None:
        raise ValueError("%r is not a date" % text)
    return day


def parse_time(text: str) -> time:
    """Return the time of day in ``text``; aware if a zone is given.

    Raises:
        ValueError: ``text`` is no time of day.
    """
    match = _TIME.match(text.strip())
    if match is not None:
        return _time_of(match, 1)
    return parse_datetime(text).timetz()


def _dateutil_parser() -> Any:
    try:
        from dateutil import parser  # type: ignore[import-untyped, unused-ignore]  # noqa: PLC0415
    except ImportError:
        return None
    return parser


def _date_of(parts: Tuple[str, ...]) -> date:
    return date(int(parts[0]), int(parts[1]), int(parts[2]))


def _time_of(match: Match[str], first: int) -> time:
    """Return the time in the groups hour, minute, second, fraction, zone from ``first`` on."""
    hour, minute, second, fraction, zone = match.group(first, first + 1, first + 2, first + 3, first + 4)
    if hour is None:
        return time()
    # Digits beyond microseconds are cut, as dateutil does.
    microsecond = int((fraction or "0")[:6].ljust(6, "0"))
    return time(int(hour), int(minute), int(second or 0), microsecond, _zone(zone))


def _zone(text: Optional[str]) -> Optional[tzinfo]:
    if text is None:
        return None
    if text[0] not in "+-":
        return timezone.utc
    digits = text[1:].replace(":", "").ljust(4, "0")
    offset = timedelta(hours=int(digits[:2]), minutes=int(digits[2:]))
    return timezone(-offset if text[0] == "-" else offset)


def _parse_leniently(text: str) -> datetime:
    stripped = text.strip()
    compact = _COMPACT.match(stripped)
    if compact is not None:
        hour, minute, second, zone = compact.group(4, 5, 6, 7)
        start = time(int(hour or 0), int(minute or 0), int(second or 0), 0, _zone(zone))
        return datetime.combine(_date_of(compact.group(1, 2, 3)), start)
    clock, rest = _cut_clock(stripped)
    day = _day_in_words(rest) if rest.strip() else datetime.now().date()
    if day is None or (clock is None and not rest.strip()):
        raise ValueError("%r is not a date" % text)
    return datetime.combine(day, clock or time())


def _parse_compact(text: str) -> Optional[date]:
    match = _COMPACT.match(text)
    return None if match is None else _date_of(match.group(1, 2, 3))


def _cut_clock(text: str) -> Tuple[Optional[time], str]:
    """Return the time of day in ``text``, if any, and the text without it."""
    match = _CLOCK_ANYWHERE.search(text)
    if match is None:
        return None, text
    hour, minute, second, fraction, half, zone = match.groups()
    hours = int(hour)
    if half is not None:
        if not 1 <= hours <= 12:
            raise ValueError("%r is not an hour of a 12-hour clock" % hour)
        hours = hours % 12 + (12 if half in ("pm", "PM", "Pm", "pM") else 0)
    microsecond = int((fraction or "0")[:6].ljust(6, "0"))
    clock = time(hours, int(minute), int(second or 0), microsecond, _zone(zone))
    rest = text[: match.start()] + " " + text[match.end() :]
    return clock, re.sub(r"(?<=\d)[Tt](?=\s|$)", " ", rest)


def _day_in_words(text: str) -> Optional[date]:
    """Return the date in ``text`` that is written with a month name, or as numbers."""
    if re.sub(r"[\s,./-]|[A-Za-z]|\d", "", text):
        return None
    month: Optional[int] = None
    numbers = []
    for word in _WORD.findall(text):
        if word.isdigit():
            numbers.append(word)
        elif word[:3].lower() in _MONTHS and month is None:
            month = _MONTHS.index(word[:3].lower()) + 1
        elif word[:3].lower() not in _DAYS and word.lower() not in _FILLERS:
            return None
    if month is not None and len(numbers) == 2:
        day, year = numbers if len(numbers[1]) == 4 else numbers[::-1]
    elif month is None and len(numbers) == 3 and len(numbers[0]) == 4:
        year, month, day = numbers[0], int(numbers[1]), numbers[2]
    elif month is None and len(numbers) == 3 and len(numbers[2]) == 4:
        month, day, year = int(numbers[0]), numbers[1], numbers[2]
        if month > 12:  # 13/2/2021 can only be a day first
            month, day = int(day), str(month)
    else:
        return None
    return date(int(year), month, int(day)) if len(year) == 4 else None
