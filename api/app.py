"""Puts the application together: guard, routes, error shape, pages. Starts nothing and opens no port."""

import mimetypes
from pathlib import Path

from fastapi import APIRouter, FastAPI
from starlette.staticfiles import StaticFiles

from api import (
    accounts,
    alerts,
    audit,
    backfills,
    case_exports,
    cases,
    clips,
    demonstration,
    dryruns,
    events,
    figures,
    measures,
    metrics,
    oidc,
    packs,
    pages,
    playback,
    retention,
    retention_report,
    rooms,
    rules,
    search,
    searches,
    session,
    stills,
    streams,
    timeline,
    watches,
    webhooks,
)
from api.auth.access import route_rules
from api.auth.throttle import Throttle
from api.case_room import CaseRoom
from api.context import ApiContext, no_checks
from api.errors import add_error_handlers
from api.exhibits import ExhibitRoom
from api.export_desk import ExportDesk
from api.guard import Guard
from api.health import CachedChecks, health_route
from api.packroom import PackRoom
from api.shelf import ClipShelf
from core.access import DeniedError, SignInError

_STATIC = Path(__file__).parent / "web" / "static"
_SUMMARY = "播证：录下直播、找到说过的话、截取证据。Records livestreams, finds what was said, cuts the evidence."

_MODULES = (
    session,
    oidc,
    accounts,
    streams,
    timeline,
    alerts,
    events,
    rooms,
    search,
    searches,
    clips,
    stills,
    playback,
    cases,
    case_exports,
    measures,
    retention,
    retention_report,
    rules,
    packs,
    dryruns,
    audit,
    watches,
    backfills,
    demonstration,
    webhooks,
    figures,
    metrics,
    pages,
)


def routers_of(checks: CachedChecks | None = None) -> list[APIRouter]:
    """All routes of the service; ``checks`` are what its health tells."""
    return [health_route(checks or CachedChecks(no_checks)), *(module.router for module in _MODULES)]


def create_app(context: ApiContext) -> FastAPI:
    """The application for one data directory. Without accounts bind it to 127.0.0.1 only."""
    # The system's table of media types may know neither; players refuse what is labelled otherwise.
    mimetypes.add_type("video/mp2t", ".ts")
    mimetypes.add_type("text/javascript", ".js")
    app = FastAPI(
        title="播证 LiveWitness",
        summary=_SUMMARY,
        version=context.version or "0",
        docs_url=None,
        redoc_url=None,
        openapi_url="/openapi.json",
    )
    app.state.context = context
    app.state.shelf = ClipShelf(context)
    app.state.tail = events.tail_of(context)
    app.state.sign_ins = session.sign_ins_of(context)
    app.state.oidc = oidc.client_of(context)
    app.state.oidc_begun = oidc.throttle_of()
    app.state.searches = Throttle(context.limits.searches_per_s, context.limits.searches_burst)
    app.state.search_door = search.Door(context)
    app.state.stills = stills.places()
    app.state.exhibits = ExhibitRoom(context)
    app.state.packs = PackRoom(context.data_dir, context.packs)
    app.state.dry_runs = dryruns.DryRuns(context)
    app.state.case_room = CaseRoom(context, app.state.exhibits)
    app.state.export_desk = ExportDesk(context)
    app.add_middleware(Guard, hosts=context.hosts, limits=context.limits, turned_away=app.state.search_door.refusal)
    add_error_handlers(app)
    for refusal in (SignInError, DeniedError):
        app.add_exception_handler(refusal, pages.refused)
    routers = routers_of(CachedChecks(context.checks))
    for router in routers:
        app.include_router(router)
    app.state.rules = route_rules(routers)
    app.mount("/static", StaticFiles(directory=_STATIC), name="static")
    return app
