"""Which case a request is about, whether it still takes exhibits, and of which streams."""

from api.context import ApiContext
from api.queries import known_stream
from core.access import Visitor
from core.errors import ConflictError, NotFoundError, Sentence
from core.records import Stream
from store import cases
from store.cases import Case, CaseState


def known_case(context: ApiContext, visitor: Visitor, number: str) -> Case:
    """The case. Raises `NotFoundError`, also where it is another shop's: for the visitor it is none."""
    with context.db.read() as connection:
        case = cases.get_case(connection, number)
    if case is None or not visitor.sees(case.shop):
        raise NotFoundError("case_unknown", f"没有案卷“{number}”。", f"There is no case “{number}”.")
    return case


def taking_case(context: ApiContext, visitor: Visitor, number: str) -> Case:
    """The case, which is open. Raises `NotFoundError`, and `ConflictError` for a closed one."""
    case = known_case(context, visitor, number)
    if case.state is CaseState.CLOSED:
        raise ConflictError("case_closed", "案卷已结，请先重开。", "The case is closed; reopen it first.")
    return case


def stream_for(context: ApiContext, visitor: Visitor, case: Case, name: str) -> Stream:
    """The stream that an exhibit of the case shows.

    Raises `NotFoundError` where the visitor has none of that name, and `ConflictError` where it is another shop's than
    the case: whoever may open the case would see what is not theirs. A stream of no shop may go into any case.
    """
    stream = known_stream(context.db, name, visitor)
    if case.shop and stream.shop not in ("", case.shop):
        raise another_shop(case)
    return stream


def another_shop(case: Case) -> ConflictError:
    """The sentence for what belongs to another shop than the case."""
    return ConflictError(
        "case_shop",
        f"案卷“{case.id}”属于“{case.shop}”，不能收入别家店铺的内容。",
        f"The case “{case.id}” belongs to “{case.shop}”; nothing of another shop goes into it.",
        hint=Sentence(
            "涉及多家店铺时，请立一个不属于任何店铺的案卷。",
            "Where several shops are concerned, open a case of no shop.",
        ),
    )
