"""Every error of the API has one shape: ``{code, zh, en, hint_zh, hint_en}``, the same words as the command line."""

import logging
import math
from typing import Any, ClassVar

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel, Field
from starlette.exceptions import HTTPException

from api.headers import SECURITY_HEADERS
from core.errors import LiveWitnessError, Sentence, UsageError

_log = logging.getLogger(__name__)
_MAX_PROBLEMS = 10


class ErrorBody(BaseModel):
    """The body of every answer that is not a success."""

    code: str = Field(description="Stable name of the error.")
    zh: str = Field(description="The sentence in Chinese.")
    en: str = Field(description="The sentence in English.")
    hint_zh: str = Field(default="", description="What to do, in Chinese.")
    hint_en: str = Field(default="", description="What to do, in English.")


class BusyError(LiveWitnessError):
    """Too many of the same at once; try again after ``retry_after_s`` seconds."""

    http_status: ClassVar[int] = 429

    def __init__(self, code: str, zh: str, en: str, *, retry_after_s: float = 5.0) -> None:
        super().__init__(code, zh, en)
        self.retry_after_s = retry_after_s


class TooLargeError(UsageError):
    """A request body above the limit."""

    http_status: ClassVar[int] = 413


class SlowBodyError(UsageError):
    """A request body that does not come to an end."""

    http_status: ClassVar[int] = 408


class LongQueryError(UsageError):
    """An address above the limit."""

    http_status: ClassVar[int] = 414


class ForeignHostError(UsageError):
    """A request addressed to a name that is not this service's."""

    http_status: ClassVar[int] = 421


class ForeignPageError(UsageError):
    """A page of another site tried to change something here."""

    http_status: ClassVar[int] = 403


ERRORS: dict[int | str, dict[str, Any]] = {
    status: {"model": ErrorBody, "description": text}
    for status, text in {
        400: "The request was put together wrongly.",
        401: "Nobody is signed in.",
        403: "It is not the visitor's to do.",
        404: "What was named does not exist.",
        409: "It conflicts with what is held, such as a damaged segment.",
        408: "The body comes too slowly.",
        413: "The body is larger than what is taken here.",
        414: "The address is too long.",
        421: "It was addressed to a name that is not this service's.",
        422: "The input cannot be used.",
        500: "The service failed; its log says why.",
        507: "There is too little disk left.",
    }.items()
}


CSV: dict[int | str, dict[str, Any]] = {
    200: {"content": {"text/csv": {"schema": {"type": "string"}}}, "description": "As asked for: JSON, or a table."}
}
"""For lists that are given as a table as well."""


def error_response(error: LiveWitnessError) -> JSONResponse:
    """``error`` as an HTTP answer."""
    body = ErrorBody(**error.as_dict()).model_dump()
    headers = {"Retry-After": str(math.ceil(error.retry_after_s))} if isinstance(error, BusyError) else None
    return JSONResponse(body, error.http_status, headers)


def add_error_handlers(app: FastAPI) -> None:
    """Give every failure of ``app`` the one shape."""
    app.add_exception_handler(LiveWitnessError, _known)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(HTTPException, _http)
    app.add_exception_handler(Exception, _defect)


async def _known(_request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, LiveWitnessError)  # noqa: S101 - registered for this class
    return error_response(error)


async def _invalid(_request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, RequestValidationError)  # noqa: S101 - registered for this class
    problems = [_problem(item) for item in error.errors()[:_MAX_PROBLEMS]]
    listed = "; ".join(problems)
    body = ErrorBody(
        code="request_invalid",
        zh=f"请求参数有误：{listed}。",
        en=f"The request is not valid: {listed}.",
        hint_zh="参数说明见 /docs。",
        hint_en="Parameters are described at /docs.",
    )
    return JSONResponse(body.model_dump(), 422)


def _problem(item: dict[str, Any]) -> str:
    place = ".".join(str(part) for part in item["loc"][1:]) or str(item["loc"][0])
    return f"{place[:80]}: {item['msg']}"


_HTTP = {
    404: ("request_path", Sentence("没有这个地址。", "There is nothing at this address.")),
    405: ("request_method", Sentence("这个地址不接受该请求方法。", "This address does not take that method.")),
}


async def _http(_request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, HTTPException)  # noqa: S101 - registered for this class
    detail = str(error.detail)
    code, sentence = _HTTP.get(error.status_code, ("request_failed", Sentence(f"请求失败：{detail}", detail)))
    hint = {"hint_zh": "接口列表见 /docs。", "hint_en": "See /docs for what there is."}
    body = ErrorBody(code=code, zh=sentence.zh, en=sentence.en, **hint)
    return JSONResponse(body.model_dump(), error.status_code, error.headers)


async def _defect(request: Request, error: Exception) -> JSONResponse:
    # The route, not the address: streams and cases are called after people.
    route = getattr(request.scope.get("route"), "path", "?")
    _log.error("unhandled error at %s %s", request.method, route, exc_info=error)
    body = ErrorBody(
        code="internal",
        zh="服务内部出错，详情已写入日志。",
        en="The service failed; details are in its log.",
    )
    # This answer is made outside the guard, which adds these to all others.
    return JSONResponse(body.model_dump(), 500, SECURITY_HEADERS)
