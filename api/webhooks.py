"""Webhooks: where events are sent, how that goes, and letters that could not be delivered."""

import secrets
from typing import Annotated, Any

from fastapi import APIRouter, Path, Query, Request, Response
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import Connection

from api.auth.access import Operating
from api.context import Context
from api.errors import ERRORS
from api.queries import Limit
from api.trail import note, plain_address
from core.clock import iso
from core.egress import addresses_of, parse_target
from core.errors import ConflictError, NotFoundError
from store import webhooks as hooks
from store.webhooks import DeadLetter, Webhook

router = APIRouter(prefix="/api/v1/webhooks", tags=["webhooks"], responses=ERRORS)
HookName = Annotated[str, Path(max_length=100, description="目标名称 / name of the target")]
AfterId = Annotated[int, Query(ge=0, description="上一页的 next / ``next`` of the page before")]


class WebhookWanted(BaseModel):
    """A target for events."""

    model_config = ConfigDict(extra="forbid")

    url: str = Field(max_length=2048, description="http(s) 地址 / address")
    secret: str = Field(
        default="",
        max_length=200,
        pattern="^$|^.{16,}$",
        description="签名密钥，不少于 16 字；留空则生成 / signing key",
    )
    streams: list[str] = Field(default=[], max_length=1000, description="只发这些直播流，空为全部 / only these streams")


class Resend(BaseModel):
    """Which dead letters to send again; none named: all of the target."""

    model_config = ConfigDict(extra="forbid")

    ids: list[int] = Field(default=[], max_length=1000, description="死信编号，空为全部 / ids; none: all")


@router.get("", summary="列出推送目标 / List webhooks")
def list_hooks(context: Context, _operator: Operating) -> dict[str, Any]:
    """Targets with what waits for them and what failed; secrets are never shown again."""
    with context.db.read() as connection:
        return {"webhooks": [_hook_json(connection, hook) for hook in hooks.list_webhooks(connection)]}


@router.put("/{name}", status_code=201, summary="设置推送目标 / Set a webhook")
def put_hook(
    request: Request,
    context: Context,
    _operator: Operating,
    response: Response,
    name: Annotated[HookName, Path(pattern="^[^/\\x00-\\x1f]+$")],
    wanted: WebhookWanted,
) -> dict[str, Any]:
    """201 with a new target, 200 with a changed one. A secret made here is in the answer, once."""
    target = parse_target(wanted.url)
    addresses_of(target.host, target.port, allow_internal=context.allow_internal_targets)
    with context.db.write() as connection:
        known = hooks.get_webhook(connection, name)
        _refuse_file(known)
        made = "" if wanted.secret or known else secrets.token_urlsafe(32)
        secret = wanted.secret or made or (known.secret if known else "")
        hooks.put_webhook(connection, Webhook(name, wanted.url, secret, tuple(wanted.streams)))
        stored = hooks.get_webhook(connection, name)
        response.status_code = 200 if known else 201
        shown = _hook_json(connection, stored) if stored else {}
    note(request, "webhook.set", {"webhook": name, "url": plain_address(wanted.url), "streams": wanted.streams})
    return shown | ({"secret": made} if made else {})


@router.delete("/{name}", status_code=204, summary="删除推送目标 / Remove a webhook")
def remove_hook(request: Request, context: Context, _operator: Operating, name: HookName) -> None:
    """Forget a target, what waits for it and its dead letters."""
    with context.db.write() as connection:
        _refuse_file(_known(connection, name))
        hooks.remove_webhook(connection, name)
    note(request, "webhook.removed", {"webhook": name})


@router.get("/{name}/dead", summary="死信 / Dead letters")
def list_dead(
    context: Context, _operator: Operating, name: HookName, after: AfterId = 0, limit: Limit = 100
) -> dict[str, Any]:
    """Events that the target did not take within 24 hours; ``next`` is the ``after`` of the next page, or null."""
    with context.db.read() as connection:
        _known(connection, name)
        found = hooks.list_dead(connection, webhook=name, after=after, limit=limit + 1)
    page = found[:limit]
    return {"dead": [letter_json(letter) for letter in page], "next": page[-1].id if len(found) > limit else None}


@router.post("/{name}/dead/resend", status_code=202, summary="重发死信 / Send dead letters again")
def resend(request: Request, context: Context, _operator: Operating, name: HookName, wanted: Resend) -> dict[str, int]:
    """Ask for one more attempt; what the target refuses again stays dead."""
    with context.db.write() as connection:
        _known(connection, name)
        mine = {letter.id for letter in hooks.list_dead(connection, webhook=name, limit=100_000)}
        chosen = [key for key in wanted.ids if key in mine]
        count = hooks.request_resend(connection, chosen, name) if chosen or not wanted.ids else 0
    note(request, "webhook.resent", {"webhook": name, "events": count})
    return {"resending": count}


def letter_json(letter: DeadLetter) -> dict[str, Any]:
    """A dead letter as the API and the command line show it."""
    return {
        "id": letter.id,
        "webhook": letter.webhook,
        "state": letter.state.value,
        "error": letter.error,
        "dead_at": iso(letter.dead_at),
        "cursor": letter.event.cursor,
        "event_id": letter.event.event_id,
        "event": letter.event.event,
        "stream": letter.event.stream,
        "alert_id": letter.event.alert_id,
        "told_at": letter.event.at,
    }


def _known(connection: Connection, name: str) -> Webhook:
    hook = hooks.get_webhook(connection, name)
    if hook is None:
        raise NotFoundError("webhook_unknown", f"没有名为“{name}”的推送目标。", f"There is no webhook named “{name}”.")
    return hook


def _refuse_file(hook: Webhook | None) -> None:
    if hook is not None and hook.origin == "file":
        raise ConflictError(
            "webhook_in_file", f"“{hook.name}”由配置文件管理。", f"“{hook.name}” is kept in the configuration file."
        )


def _hook_json(connection: Connection, hook: Webhook) -> dict[str, Any]:
    failing = [q for q in hooks.list_queues(connection) if q.webhook == hook.name and q.attempts]
    return {
        "name": hook.name,
        "url": hook.url,
        "streams": list(hook.streams),
        "origin": hook.origin,
        "waiting": hooks.waiting(connection, hook),
        "dead": hooks.count_dead(connection, hook.name),
        "failing": [
            {
                "stream": q.stream,
                "attempts": q.attempts,
                "since": iso(q.failing_since) if q.failing_since else None,
                "next_at": iso(q.next_at) if q.next_at else None,
                "error": q.error,
            }
            for q in failing
        ],
    }
