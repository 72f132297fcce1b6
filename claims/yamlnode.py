"""Strict reading of YAML: every value knows its file and line, every refusal names them.

Anchors and aliases, several documents, deep nesting and oversize files are refused before
anything is built from them.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

import yaml

from core.errors import BadInputError

MAX_BYTES = 4_000_000
MAX_DEPTH = 12


def refuse(file: str, line: int, zh: str, en: str) -> NoReturn:
    """Raise the BadInputError that names file and line."""
    raise BadInputError("rules_pack", f"规则包 {file} 第 {line} 行：{zh}", f"Rule pack {file}, line {line}: {en}")


@dataclass(frozen=True, slots=True)
class Node:
    """A YAML node with the file it came from."""

    file: str
    raw: yaml.Node

    @property
    def line(self) -> int:
        """Line in the file, counted from 1."""
        return int(self.raw.start_mark.line) + 1

    def fail(self, zh: str, en: str) -> NoReturn:
        """Refuse the pack at this line."""
        refuse(self.file, self.line, zh, en)

    def text(self) -> str:
        """A scalar as text."""
        if not isinstance(self.raw, yaml.ScalarNode):
            self.fail("这里应当是一个文字值。", "a plain value is expected here.")
        return str(self.raw.value)

    def number(self) -> float:
        """A scalar as a number."""
        try:
            return float(self.text())
        except ValueError:
            self.fail(f"“{self.text()}”不是数字。", f"'{self.text()}' is not a number.")

    def truth(self) -> bool:
        """A scalar ``true`` or ``false``."""
        if (text := self.text()) not in {"true", "false"}:
            self.fail(f"“{text}”应当是 true 或 false。", f"'{text}' should be true or false.")
        return text == "true"

    def choice(self, allowed: tuple[str, ...]) -> str:
        """A scalar out of a fixed list."""
        if (text := self.text()) not in allowed:
            self.fail(
                f"“{text}”不在允许的值里：{'、'.join(allowed)}。", f"'{text}' is not one of {', '.join(allowed)}."
            )
        return text

    def items(self) -> list["Node"]:
        """The entries of a list; a single value counts as a list of one."""
        if isinstance(self.raw, yaml.MappingNode):
            self.fail("这里应当是一个列表。", "a list is expected here.")
        return [self] if isinstance(self.raw, yaml.ScalarNode) else [Node(self.file, child) for child in self.raw.value]

    def is_list(self) -> bool:
        """Whether this is a list or a single value rather than a mapping."""
        return not isinstance(self.raw, yaml.MappingNode)

    def texts(self) -> tuple[str, ...]:
        """The entries of a list as texts."""
        return tuple(item.text() for item in self.items())

    def words(self) -> tuple[str, ...]:
        """A list whose entries may hold several words divided by blanks."""
        return tuple(word for item in self.items() for word in item.text().split())

    def fields(self, required: tuple[str, ...] = (), optional: tuple[str, ...] | None = None) -> dict[str, "Node"]:
        """A mapping with known keys only; ``optional=None`` allows any key."""
        if not isinstance(self.raw, yaml.MappingNode):
            self.fail("这里应当是“键: 值”的表。", "a mapping is expected here.")
        found: dict[str, Node] = {}
        for raw_key, raw_value in self.raw.value:
            key_node = Node(self.file, raw_key)
            key = key_node.text()
            if key in found:
                key_node.fail(f"键“{key}”出现了两次。", f"the key '{key}' appears twice.")
            if optional is not None and key not in required + optional:
                key_node.fail(f"不认识的键“{key}”。", f"unknown key '{key}'.")
            found[key] = Node(self.file, raw_value)
        for key in required:
            if key not in found:
                self.fail(f"缺少键“{key}”。", f"the key '{key}' is missing.")
        return found


def read_yaml(path: Path, name: str) -> tuple[Node, bytes]:
    """The root of a YAML file and its bytes; BadInputError with file and line on anything unfit."""
    try:
        data = path.read_bytes() if path.stat().st_size <= MAX_BYTES else None
    except OSError as error:
        refuse(name, 1, "文件读不出来。", f"the file cannot be read ({error.strerror}).")
    if data is None:
        refuse(name, 1, f"文件超过 {MAX_BYTES} 字节。", f"the file is larger than {MAX_BYTES} bytes.")
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + 1
        refuse(name, line, "不是有效的 UTF-8。", "this is not valid UTF-8.")
    try:
        _check_events(name, yaml.parse(text, Loader=yaml.CSafeLoader))
        root = yaml.compose(text, Loader=yaml.CSafeLoader)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = mark.line + 1 if mark else text.count("\n", 0, getattr(error, "position", 0)) + 1
        refuse(name, line, "YAML 写法有误。", f"malformed YAML ({getattr(error, 'problem', '') or 'unreadable'}).")
    if root is None:
        refuse(name, 1, "文件是空的。", "the file is empty.")
    return Node(name, root), data


def _check_events(name: str, events: Iterator[yaml.Event]) -> None:
    depth = documents = 0
    for event in events:
        line = event.start_mark.line + 1 if event.start_mark else 1
        if isinstance(event, yaml.AliasEvent) or getattr(event, "anchor", None):
            refuse(name, line, "不允许锚点和别名。", "anchors and aliases are not allowed.")
        if isinstance(event, yaml.DocumentStartEvent):
            documents += 1
        depth += isinstance(event, (yaml.MappingStartEvent, yaml.SequenceStartEvent))
        depth -= isinstance(event, (yaml.MappingEndEvent, yaml.SequenceEndEvent))
        if depth > MAX_DEPTH or documents > 1:
            refuse(name, line, "嵌套太深或含多个文档。", "nested too deeply, or more than one document.")
