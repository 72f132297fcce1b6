"""Rules for whoever asks why: what each one stands on, as the packs say now; and how often people dismiss it."""

from typing import Annotated, Any

from fastapi import APIRouter, Path

from api.auth.access import Viewing
from api.context import Context
from api.errors import ERRORS
from core.errors import NotFoundError
from store.rule_counts import rule_counts

router = APIRouter(prefix="/api/v1/rules", tags=["rules"], responses=ERRORS)
RuleId = Annotated[str, Path(max_length=100, description="规则编号 / id of the rule")]


@router.get("", summary="列出规则 / List the rules")
def list_rules(context: Context, visitor: Viewing) -> dict[str, Any]:
    """Every rule in use with its basis in law, its alerts and how many of them people dismissed."""
    with context.db.read() as connection:
        counts = rule_counts(connection, shop=visitor.shop)
    rules = [rule | counts.get(rule["rule_id"], {"alerts": 0, "dismissed": 0}) for rule in context.rules()]
    return {"rules": rules}


@router.get("/{rule_id}", summary="一条规则 / One rule")
def get_rule(context: Context, visitor: Viewing, rule_id: RuleId) -> dict[str, Any]:
    """What it stands on, what it excuses, and its own example sentences."""
    for rule in list_rules(context, visitor)["rules"]:
        if rule["rule_id"] == rule_id:
            found: dict[str, Any] = rule
            return found
    raise NotFoundError("rule_unknown", f"没有规则 {rule_id}。", f"There is no rule {rule_id}.")
