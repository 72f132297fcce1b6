"""Reads streams.yaml: which streams to watch and where to send what is found. Every refusal names the line."""

import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Never

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from core.egress import parse_target
from core.errors import BadInputError, NotFoundError
from core.watch_config import WatchConfig
from store.webhooks import Webhook

_MAX_BYTES = 1_000_000
_MIN_SECRET = 16


class WebhookConfig(BaseModel):
    """A target for events; the secret stands in the file or in an environment variable."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str = Field(min_length=1, max_length=100)
    url: str = Field(min_length=1, max_length=2048)
    secret: str = Field(default="", max_length=200)
    secret_env: str = Field(default="", max_length=200)
    streams: tuple[str, ...] = ()


class StreamsFile(BaseModel):
    """The whole file."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    streams: tuple[WatchConfig, ...] = Field(min_length=1)
    webhooks: tuple[WebhookConfig, ...] = ()


def _refuse(name: str, line: int, zh: str, en: str) -> Never:
    raise BadInputError("streams_file", f"{name} 第 {line} 行：{zh}。", f"{name}, line {line}: {en}.")


def read_streams_file(path: Path, environment: Mapping[str, str] | None = None) -> tuple[StreamsFile, list[Webhook]]:
    """The file and its webhooks with their secrets filled in. Raises `BadInputError` with file and line."""
    if not path.is_file():
        raise NotFoundError("file_missing", f"找不到文件 {path}。", f"There is no file {path}.")
    data = path.read_bytes()
    if len(data) > _MAX_BYTES:
        _refuse(path.name, 1, "文件超过 1 MB", "the file is larger than 1 MB")
    root, content = _compose(path.name, data)
    try:
        found = StreamsFile.model_validate(content)
    except ValidationError as error:
        # A misspelt key is both unknown and missing; the line to correct is that of the unknown one.
        problem = min(error.errors(), key=lambda found: found["type"] != "extra_forbidden")
        place = ".".join(str(part) for part in problem["loc"]) or "streams"
        _refuse(path.name, _line(root, problem["loc"]), f"{place}：{_zh(problem)}", f"{place}: {problem['msg']}")
    _refuse_doubles(path.name, root, "streams", [stream.name for stream in found.streams])
    _refuse_doubles(path.name, root, "webhooks", [webhook.name for webhook in found.webhooks])
    return found, list(_webhooks(path.name, root, found, os.environ if environment is None else environment))


def _zh(problem: Any) -> str:  # noqa: ANN401 - pydantic's own description of an error
    match problem["type"]:
        case "extra_forbidden":
            return "不认识的键"
        case "missing":
            return "缺少这一项"
        case _:
            return "值不对"


def _compose(name: str, data: bytes) -> tuple[yaml.Node, object]:
    """The document as nodes, which know their lines, and as plain values."""
    try:
        text = data.decode("utf-8")
        for event in yaml.parse(text, Loader=yaml.SafeLoader):
            if isinstance(event, yaml.AliasEvent) or getattr(event, "anchor", None):
                line = event.start_mark.line + 1 if event.start_mark else 1
                _refuse(name, line, "不允许锚点和别名", "anchors and aliases are not allowed")
        root = yaml.compose(text, Loader=yaml.SafeLoader)
        content = yaml.safe_load(text)
    except UnicodeDecodeError as error:
        _refuse(name, data[: error.start].count(b"\n") + 1, "不是有效的 UTF-8", "this is not valid UTF-8")
    except (yaml.YAMLError, RecursionError, ValueError) as error:
        mark = getattr(error, "problem_mark", None)
        reason = getattr(error, "problem", None) or "unreadable"
        _refuse(name, mark.line + 1 if mark else 1, "YAML 写法有误", f"malformed YAML ({reason})")
    if root is None:
        _refuse(name, 1, "文件是空的", "the file is empty")
    _refuse_double_keys(name, root)
    return root, content


def _refuse_double_keys(name: str, node: yaml.Node) -> None:
    if isinstance(node, yaml.SequenceNode):
        for child in node.value:
            _refuse_double_keys(name, child)
    if isinstance(node, yaml.MappingNode):
        seen: set[str] = set()
        for key, value in node.value:
            text = str(key.value)
            if text in seen:
                _refuse(name, key.start_mark.line + 1, f"键“{text}”出现了两次", f"the key '{text}' appears twice")
            seen.add(text)
            _refuse_double_keys(name, value)


def _line(root: yaml.Node, place: tuple[int | str, ...]) -> int:
    """Line of a place in the file, or of the nearest thing around it."""
    line, node = root.start_mark.line + 1, root
    for part in place:
        children: dict[int | str, tuple[yaml.Node, yaml.Node]] = {}
        if isinstance(node, yaml.MappingNode):
            children = {str(key.value): (key, value) for key, value in node.value}
        elif isinstance(node, yaml.SequenceNode):
            children = {index: (child, child) for index, child in enumerate(node.value)}
        if part not in children:
            break
        marked, node = children[part]
        line = marked.start_mark.line + 1
    return line


def _refuse_doubles(file: str, root: yaml.Node, section: str, names: list[str]) -> None:
    for index, name in enumerate(names):
        if name in names[:index]:
            line = _line(root, (section, index, "name"))
            _refuse(file, line, f"名称“{name}”出现了两次", f"the name '{name}' appears twice")


def _webhooks(file: str, root: yaml.Node, found: StreamsFile, environment: Mapping[str, str]) -> Iterator[Webhook]:
    known = {stream.name for stream in found.streams}
    for index, wanted in enumerate(found.webhooks):
        secret = environment.get(wanted.secret_env, "") if wanted.secret_env else wanted.secret
        if len(secret) < _MIN_SECRET:
            line = _line(root, ("webhooks", index, "secret_env" if wanted.secret_env else "secret"))
            _refuse(file, line, "签名密钥不足 16 字", "the secret needs at least 16 characters")
        for name in wanted.streams:
            if name not in known:
                line = _line(root, ("webhooks", index, "streams"))
                _refuse(file, line, f"没有名为“{name}”的直播流", f"there is no stream named '{name}'")
        try:
            parse_target(wanted.url)
        except BadInputError as error:
            line = _line(root, ("webhooks", index, "url"))
            _refuse(file, line, error.sentence.zh.rstrip("。"), error.sentence.en.rstrip("."))
        yield Webhook(wanted.name, wanted.url, secret, wanted.streams, "file")
