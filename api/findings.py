"""Findings placed in time: leads for a person, never rulings."""

from typing import Any

from fastapi import APIRouter

from api.auth.access import Viewing
from api.context import Context
from api.errors import ERRORS
from api.queries import After, Limit, Name
from core.records import Category
from core.shapes import alert_json
from store import alerts

router = APIRouter(prefix="/api/v1/findings", tags=["findings"], responses=ERRORS)


@router.get("", summary="列出疑点 / List findings")
def list_findings(
    context: Context,
    visitor: Viewing,
    *,
    stream: Name = "",
    category: Category | None = None,
    after: After = "",
    limit: Limit = 100,
) -> dict[str, Any]:
    """Findings in order of wall time; ``next`` is the ``after`` of the next page, or null."""
    with context.db.read() as connection:
        found = alerts.list_alerts(
            connection,
            stream=stream,
            shop=visitor.shop,
            category=category.value if category else "",
            after=after,
            limit=limit + 1,
        )
    page = found[:limit]
    following = page[-1].id if len(found) > limit else None
    return {"findings": [alert_json(alert) for alert in page], "next": following}
