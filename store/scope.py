"""A part of the archive: which utterances a search may return, and how much was looked through."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, Connection, Integer, and_, cast, func, literal, select, text, true

from core.clock import iso
from core.records import AlertStatus, TimelineKind
from store.tables import alerts, epochs, gaps, holes, segments, streams, timeline_events, utterances, vectors

# No utterance is longer; lets the index on wall_start find those that began before the range.
_LONGEST_UTTERANCE = timedelta(minutes=10)
_MS_PER_DAY = 86_400_000.0


@dataclass(frozen=True, slots=True)
class Scope:
    """Empty fields mean everything. ``from_ms``/``to_ms`` are stream time, ``wall_*`` UTC; ends are exclusive.

    ``product``: on the shelf, by name or class, while it was said. ``category``: alerted for that class.
    """

    stream: str = ""
    shop: str = ""
    from_ms: int | None = None
    to_ms: int | None = None
    wall_from: datetime | None = None
    wall_to: datetime | None = None
    host: str = ""
    product: str = ""
    category: str = ""
    alerted: bool | None = None

    @property
    def everything(self) -> bool:
        """Whether nothing is left out."""
        return self == Scope()

    @property
    def whole_streams(self) -> bool:
        """Whether every stream is in it from end to end, or not at all."""
        return self == Scope(self.stream, self.shop, host=self.host)


@dataclass(frozen=True, slots=True)
class Extent:
    """How much a scope holds. ``recorded_ms`` counts segments, or speech where only a transcript was imported."""

    streams: int
    recorded_ms: int
    untranscribed_ms: int
    gaps: int
    gap_ms: int
    utterances: int
    not_indexed: int


def scope_condition(scope: Scope) -> ColumnElement[bool]:
    """The scope as a condition on the table of utterances: those that overlap it."""
    conditions: list[ColumnElement[bool]] = [_of_streams(utterances.c.stream, scope)]
    if scope.from_ms is not None:
        conditions.append(utterances.c.end_ms > scope.from_ms)
    if scope.to_ms is not None:
        conditions.append(utterances.c.start_ms < scope.to_ms)
    if scope.wall_from is not None:
        end = func.julianday(utterances.c.wall_start) + (utterances.c.end_ms - utterances.c.start_ms) / _MS_PER_DAY
        conditions.append(utterances.c.wall_start > iso(scope.wall_from - _LONGEST_UTTERANCE))
        conditions.append(end > func.julianday(iso(scope.wall_from)))
    if scope.wall_to is not None:
        conditions.append(utterances.c.wall_start < iso(scope.wall_to))
    return and_(*conditions, *_alerted(scope), *_on_the_shelf(scope))


def _alerted(scope: Scope) -> list[ColumnElement[bool]]:
    if scope.alerted is None and not scope.category:
        return []
    raised = select(alerts.c.utterance_id).where(
        alerts.c.utterance_id.is_not(None), alerts.c.status != AlertStatus.WITHDRAWN.value
    )
    if scope.category:
        raised = raised.where(alerts.c.category == scope.category)
    inside = utterances.c.id.in_(raised)
    return [~inside if scope.alerted is False else inside]


def _on_the_shelf(scope: Scope) -> list[ColumnElement[bool]]:
    """What was last put on the shelf before the words, or what the stream as a whole sells."""
    if not scope.product:
        return []
    table = timeline_events
    last = (
        select(table.c.text + " " + table.c.product_class)
        .where(
            table.c.stream == utterances.c.stream,
            table.c.kind == TimelineKind.PRODUCT.value,
            table.c.at_ms <= utterances.c.start_ms,
        )
        .order_by(table.c.at_ms.desc(), table.c.id.desc())
        .limit(1)
        .scalar_subquery()
    )
    sold = select(streams.c.product).where(streams.c.name == utterances.c.stream).scalar_subquery()
    return [func.instr(func.coalesce(last, sold), scope.product) > 0]


def _of_streams(column: ColumnElement[str], scope: Scope) -> ColumnElement[bool]:
    conditions: list[ColumnElement[bool]] = [true()]
    if scope.stream:
        conditions.append(column == scope.stream)
    if scope.shop:
        conditions.append(column.in_(select(streams.c.name).where(streams.c.shop == scope.shop)))
    if scope.host:
        conditions.append(column.in_(select(streams.c.name).where(streams.c.host == scope.host)))
    return and_(*conditions)


# Asked with every search: plain SQL is not put together anew each time.
_NAMES = "SELECT name FROM streams WHERE (?1 = '' OR name = ?1) AND (?2 = '' OR shop = ?2) AND (?3 = '' OR host = ?3)"


def scope_streams(connection: Connection, scope: Scope) -> list[str]:
    """Names of the streams that the scope does not leave out as a whole."""
    return list(connection.exec_driver_sql(_NAMES, (scope.stream, scope.shop, scope.host)).scalars())


def scope_ids(connection: Connection, scope: Scope) -> list[int]:
    """Ids of the utterances in the scope, ascending."""
    query = select(utterances.c.id).where(scope_condition(scope)).order_by(utterances.c.id)
    return [int(i) for i in connection.execute(query).scalars()]


def measure_scope(connection: Connection, scope: Scope, model_sha256: str) -> Extent:
    """Count what a search over ``scope`` with vectors of one model looks through, and what it cannot see."""
    names = streams_within(connection, scope)
    names.update(connection.execute(select(utterances.c.stream).where(scope_condition(scope)).distinct()).scalars())
    if scope.whole_streams:
        names.update(scope_streams(connection, scope))
    total = select(func.count()).select_from(utterances).where(scope_condition(scope))
    has_vector = (
        select(literal(1))
        .where(vectors.c.utterance_id == utterances.c.id, vectors.c.model_sha256 == model_sha256)
        .exists()
    )
    recorded = _recorded_ms(connection, scope)
    gap_count, gap_ms = _gaps(connection, scope)
    return Extent(
        streams=len(names),
        recorded_ms=recorded + _imported_ms(connection, scope),
        untranscribed_ms=_untranscribed_ms(connection, scope),
        gaps=gap_count,
        gap_ms=gap_ms,
        utterances=int(connection.execute(total).scalar_one()),
        not_indexed=int(connection.execute(total.where(~has_vector)).scalar_one()),
    )


@dataclass(frozen=True, slots=True)
class StreamTotals:
    """What is recorded of one stream. ``recorded_ms`` is None where only a transcript was imported."""

    recorded_ms: int | None
    untranscribed_ms: int
    gaps: int
    gap_ms: int


_STATES = text(
    "SELECT s.name, (SELECT min(sequence) FROM segments WHERE stream = s.name) AS first,"
    " (SELECT max(sequence) FROM segments WHERE stream = s.name) AS last,"
    " (SELECT count(*) FROM gaps WHERE stream = s.name) AS gaps,"
    " (SELECT sum(transcribed_ms) FROM epochs WHERE stream = s.name) AS transcribed"
    " FROM streams s WHERE (:stream = '' OR s.name = :stream) AND (:shop = '' OR s.shop = :shop)"
    " AND (:host = '' OR s.host = :host)"
)


def stream_states(connection: Connection, scope: Scope) -> dict[str, tuple[int | None, ...]]:
    """A few numbers of each stream in the scope that change whenever its `StreamTotals` do; cheap to read."""
    rows = connection.execute(_STATES, {"stream": scope.stream, "shop": scope.shop, "host": scope.host})
    return {str(row[0]): tuple(row[1:]) for row in rows}


def stream_totals(connection: Connection, stream: str) -> StreamTotals:
    """Sum up one whole stream."""
    scope = Scope(stream)
    count = select(func.count()).select_from(segments).where(segments.c.stream == stream)
    has_segments = bool(connection.execute(count).scalar_one())
    gap_count, gap_ms = _gaps(connection, scope)
    return StreamTotals(
        _recorded_ms(connection, scope) if has_segments else None,
        _untranscribed_ms(connection, scope),
        gap_count,
        gap_ms,
    )


def recorded_within(connection: Connection, scope: Scope) -> StreamTotals:
    """What is recorded within the times of a scope, over all its streams; transcripts left out."""
    return StreamTotals(
        _recorded_ms(connection, scope), _untranscribed_ms(connection, scope), *_gaps(connection, scope)
    )


def _pieces(
    table_start: ColumnElement[int], table_end: ColumnElement[int], wall: ColumnElement[str], scope: Scope
) -> tuple[ColumnElement[int], ColumnElement[bool]]:
    """Milliseconds of a recorded piece inside the scope, and whether there are any."""
    start, end = table_start, table_end
    conditions: list[ColumnElement[bool]] = [true()]
    if scope.from_ms is not None:
        start = func.max(start, scope.from_ms)
        conditions.append(table_end > scope.from_ms)
    if scope.to_ms is not None:
        end = func.min(end, scope.to_ms)
        conditions.append(table_start < scope.to_ms)
    if scope.wall_from is not None:
        begins = _at(table_start, wall, scope.wall_from)
        start = func.max(start, begins)
        conditions.append(table_end > begins)
    if scope.wall_to is not None:
        end = func.min(end, _at(table_start, wall, scope.wall_to))
        conditions.append(wall < iso(scope.wall_to))
    return end - start, and_(*conditions)


def _at(start: ColumnElement[int], wall: ColumnElement[str], moment: datetime) -> ColumnElement[int]:
    """The moment in the time of a stream, of which a piece begins at ``start`` and ``wall``."""
    days = func.julianday(iso(moment)) - func.julianday(wall)
    return cast(start + func.round(days * _MS_PER_DAY), Integer)


def streams_within(connection: Connection, scope: Scope) -> set[str]:
    """Names of the streams of which anything is recorded within the times of a scope."""
    _, inside = _pieces(segments.c.start_ms, segments.c.end_ms, segments.c.wall_start, scope)
    query = select(segments.c.stream).where(_of_streams(segments.c.stream, scope), inside).distinct()
    return set(connection.execute(query).scalars())


def _recorded_ms(connection: Connection, scope: Scope) -> int:
    length, inside = _pieces(segments.c.start_ms, segments.c.end_ms, segments.c.wall_start, scope)
    query = select(func.coalesce(func.sum(length), 0)).where(_of_streams(segments.c.stream, scope), inside)
    return int(connection.execute(query).scalar_one())


def _imported_ms(connection: Connection, scope: Scope) -> int:
    length, inside = _pieces(utterances.c.start_ms, utterances.c.end_ms, utterances.c.wall_start, scope)
    recorded = select(literal(1)).where(segments.c.stream == utterances.c.stream).exists()
    query = select(func.coalesce(func.sum(length), 0)).where(_of_streams(utterances.c.stream, scope), inside, ~recorded)
    return int(connection.execute(query).scalar_one())


def _untranscribed_ms(connection: Connection, scope: Scope) -> int:
    length, inside = _pieces(segments.c.start_ms, segments.c.end_ms, segments.c.wall_start, scope)
    ahead = func.min(length, segments.c.end_ms - epochs.c.transcribed_ms)
    query = (
        select(func.coalesce(func.sum(ahead), 0))
        .select_from(
            segments.join(epochs, and_(epochs.c.stream == segments.c.stream, epochs.c.number == segments.c.epoch))
        )
        .where(_of_streams(segments.c.stream, scope), inside, segments.c.end_ms > epochs.c.transcribed_ms)
    )
    return int(connection.execute(query).scalar_one()) + _holes_ms(connection, scope)


def _holes_ms(connection: Connection, scope: Scope) -> int:
    """What is held before the cursor and was given up."""
    same = and_(holes.c.stream == segments.c.stream, holes.c.epoch == segments.c.epoch)
    place = and_(epochs.c.stream == segments.c.stream, epochs.c.number == segments.c.epoch)
    start = func.max(segments.c.start_ms, holes.c.start_ms)
    end = func.min(segments.c.end_ms, holes.c.end_ms, epochs.c.transcribed_ms)
    length, inside = _pieces(start, end, segments.c.wall_start, scope)
    query = (
        select(func.coalesce(func.sum(length), 0))
        .select_from(holes.join(segments, same).join(epochs, place))
        .where(_of_streams(holes.c.stream, scope), inside, start < end)
    )
    return int(connection.execute(query).scalar_one())


def _gaps(connection: Connection, scope: Scope) -> tuple[int, int]:
    length, inside = _pieces(gaps.c.start_ms, gaps.c.end_ms, gaps.c.wall_start, scope)
    query = select(func.count(), func.coalesce(func.sum(length), 0)).where(_of_streams(gaps.c.stream, scope), inside)
    row = connection.execute(query).one()
    return int(row[0]), int(row[1])
