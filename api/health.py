"""``GET /health``: the same checks as ``livewitness doctor``, run at most once a minute."""

import threading
import time
from collections.abc import Callable, Sequence
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse

from api.auth.access import Anybody, identify
from api.context import Context
from core.access import Permission
from core.health import CheckResult

_FRESH_S = 60.0


class CachedChecks:
    """Runs the checks once for all who ask within a minute: they cost seconds, for models and rules are loaded anew."""

    def __init__(self, run: Callable[[], Sequence[CheckResult]]) -> None:
        self._run = run
        self._lock = threading.Lock()
        self._made_at = float("-inf")
        self._results: Sequence[CheckResult] = ()

    def results(self) -> Sequence[CheckResult]:
        """The newest results."""
        with self._lock:
            if time.monotonic() - self._made_at > _FRESH_S:
                self._results = self._run()
                self._made_at = time.monotonic()
            return self._results


def health_route(checks: CachedChecks) -> APIRouter:
    """The route, bound to one set of checks."""
    routes = APIRouter(tags=["health"])

    @routes.get("/health", summary="各项检查 / Whether everything works", responses={503: {"description": "degraded"}})
    def health(request: Request, context: Context, _open: Anybody) -> JSONResponse:
        results = checks.results()
        sound = all(result.ok for result in results)
        body: dict[str, Any] = {
            "status": "ok" if sound else "degraded",
            "version": context.version,
        }
        visitor = identify(request)
        if visitor is not None and visitor.may(Permission.VIEW):
            body["checks"] = [result.as_dict() for result in results]
        return JSONResponse(body, 200 if sound else 503)

    return routes
