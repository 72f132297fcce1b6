"""Which case a request is about, and whether it still takes exhibits."""

from api.context import ApiContext
from core.access import Visitor
from core.errors import ConflictError, NotFoundError
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
