"""What may be asked: a query, a part of the archive, how many hits. Wrong questions get one sentence."""

import re
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from core.clock import parse_iso, parse_seconds
from core.errors import BadInputError, UsageError
from index.symbols import spell
from store.scope import Scope

MAX_QUERY_CHARS = 200
MAX_LIMIT = 1_000
MAX_PHRASES = 8
MAX_WITHIN_MINUTES = 7 * 24 * 60
_EITHER = re.compile(r"[|｜]")
_EXACT = re.compile(r'["“]([^"“”]+)["”]')
_WITHOUT = re.compile(r'(?:^|(?<=\s))[-−－](?:["“]([^"“”]+)["”]|([^\s"“”]+))')
Moment = datetime | float


@dataclass(frozen=True, slots=True)
class SearchRequest:
    """A search. ``from_``/``to`` are UTC times, or seconds in the stream when ``stream`` is named.

    ``query`` may hold several phrases (三天祛斑 | 假一赔十: any of them), exact words ("三天") and words that must
    not be there (-面膜). ``product`` is on the shelf meanwhile, ``category`` a class of claims alerted for,
    ``alerted`` whether there is an alert at all, ``near`` a moment with ``within_minutes`` on both sides.
    """

    query: str
    stream: str = ""
    shop: str = ""
    from_: Moment | None = None
    to: Moment | None = None
    limit: int = 10
    host: str = ""
    product: str = ""
    category: str = ""
    alerted: bool | None = None
    near: datetime | None = None
    within_minutes: float = 30.0


@dataclass(frozen=True, slots=True)
class Asked:
    """One phrase of a query: what is looked for, what must stand in the text, what must not."""

    text: str
    exact: tuple[str, ...] = ()
    without: tuple[str, ...] = ()


def parse_moment(text: str) -> Moment:
    """``2026-11-11T20:31`` (UTC unless it names a zone), or a time in the stream: ``83.5``, ``1:23``.

    Raises `UsageError` for anything else.
    """
    for parse in (parse_seconds, parse_iso):
        try:
            return parse(text)
        except ValueError:
            continue
    raise UsageError(
        "search_time",
        f"看不懂的时间 {text[:40]!r}。请写 2026-11-11T20:31（UTC），或直播内的秒数、时:分:秒。",
        f"{text[:40]!r} is no time. Write 2026-11-11T20:31 (UTC), or seconds or h:mm:ss within the stream.",
    )


def asked_phrases(request: SearchRequest) -> tuple[list[Asked], str, bool]:
    """The phrases to search for, the query as read, and whether it had to be cut to `MAX_QUERY_CHARS`.

    Raises `BadInputError` when nothing is left that can be searched for.
    """
    whole = request.query.strip()
    text = whole[:MAX_QUERY_CHARS]
    phrases = [_asked(part.strip()) for part in _EITHER.split(text)][:MAX_PHRASES]
    useful = [asked for asked in phrases if spell(asked.text).letters]
    if not useful:
        raise BadInputError(
            "search_empty",
            "请输入要检索的话：检索词是空的，或只有标点符号。",
            "Say what to search for: the query is empty, or has nothing but punctuation.",
        )
    return useful, text, len(whole) > len(text)


def _asked(part: str) -> Asked:
    without = tuple(quoted or bare for quoted, bare in _WITHOUT.findall(part))
    rest = _WITHOUT.sub(" ", part).strip()
    if not spell(rest).letters:
        return Asked(part)  # nothing but exclusions: taken for the words themselves
    exact = tuple(words for words in _EXACT.findall(rest) if spell(words).letters)
    return Asked(_EXACT.sub(r"\1", rest), exact, tuple(words for words in without if spell(words).letters))


def scope_of(request: SearchRequest) -> Scope:
    """The part of the archive that is asked for. Raises `UsageError` when it contradicts itself."""
    if not 1 <= request.limit <= MAX_LIMIT:
        raise UsageError(
            "search_limit",
            f"结果条数应在 1 到 {MAX_LIMIT} 之间，不能是 {request.limit}。",
            f"The number of hits has to be between 1 and {MAX_LIMIT}, not {request.limit}.",
        )
    if request.near is not None:
        request = _around(request, request.near)
    walls = [moment for moment in (request.from_, request.to) if isinstance(moment, datetime)]
    in_stream = [moment for moment in (request.from_, request.to) if isinstance(moment, int | float)]
    if in_stream and walls:
        raise UsageError(
            "search_range_mixed",
            "起止时间要么都写日期时间，要么都写直播内的秒数。",
            "Give both ends of the range as dates, or both as seconds within the stream.",
        )
    if in_stream and not request.stream:
        raise UsageError(
            "search_range_stream",
            "按直播内的秒数限定范围时，请用 --stream 指明是哪一场。",
            "A range in seconds needs --stream, to say which stream is meant.",
        )
    if (len(walls) == 2 and walls[0] >= walls[1]) or (len(in_stream) == 2 and in_stream[0] >= in_stream[1]):
        raise UsageError(
            "search_range_empty",
            "起始时间不早于结束时间，范围是空的。",
            "The range is empty: it begins no earlier than it ends.",
        )
    return Scope(
        request.stream,
        request.shop,
        host=request.host,
        product=request.product,
        category=request.category,
        alerted=request.alerted,
        from_ms=_ms(request.from_),
        to_ms=_ms(request.to),
        wall_from=request.from_ if isinstance(request.from_, datetime) else None,
        wall_to=request.to if isinstance(request.to, datetime) else None,
    )


def _around(request: SearchRequest, moment: datetime) -> SearchRequest:
    """The request with the range about ``moment`` instead. Raises `UsageError` beside another range."""
    if request.from_ is not None or request.to is not None or not 0 < request.within_minutes <= MAX_WITHIN_MINUTES:
        raise UsageError(
            "search_near",
            f"查某一时刻前后时，不要再给起止时间；前后范围最多 {MAX_WITHIN_MINUTES} 分钟。",
            f"With a moment to search around give no other range; at most {MAX_WITHIN_MINUTES} minutes on both sides.",
        )
    reach = timedelta(minutes=request.within_minutes)
    return replace(request, from_=moment - reach, to=moment + reach)


def _ms(moment: Moment | None) -> int | None:
    return None if moment is None or isinstance(moment, datetime) else round(moment * 1000)
