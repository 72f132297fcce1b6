"""A reference of the API as one page: no script, no outside address."""

import json
import re
from collections.abc import Iterator
from html import escape
from pathlib import Path
from typing import Any

_WEB = Path(__file__).parent / "web"
_METHODS = ("get", "post", "put", "patch", "delete")


def render_reference(document: dict[str, Any]) -> str:
    """An OpenAPI document as one HTML page. Everything taken from it is escaped."""
    page = (_WEB / "reference.html").read_text("utf-8")
    parts = "\n".join(_operations(document))
    return page.replace("{{version}}", escape(document["info"]["version"])).replace("{{operations}}", parts)


def _operations(document: dict[str, Any]) -> Iterator[str]:
    schemas = document.get("components", {}).get("schemas", {})
    for path, methods in document["paths"].items():
        for method in _METHODS:
            if method in methods:
                yield _operation(method, path, methods[method], schemas)


def _operation(method: str, path: str, operation: dict[str, Any], schemas: dict[str, Any]) -> str:
    rows = [_row(p["name"], p["in"], p["schema"], p.get("description", ""), p["required"]) for p in _given(operation)]
    rows += _body_rows(operation, schemas)
    table = _table(rows) if rows else ""
    answers = "".join(
        f"<li><code>{escape(status)}</code> {escape(answer.get('description', ''))}</li>"
        for status, answer in sorted(operation["responses"].items())
    )
    return (
        f'<article><h2><span class="method">{escape(method.upper())}</span> <code>{escape(path)}</code></h2>'
        f"<p><strong>{escape(operation.get('summary', ''))}</strong></p>"
        f'<p>{escape(operation.get("description", ""))}</p>{table}<ul class="answers">{answers}</ul></article>'
    )


def _given(operation: dict[str, Any]) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = operation.get("parameters", [])
    return found


def _body_rows(operation: dict[str, Any], schemas: dict[str, Any]) -> list[str]:
    content = operation.get("requestBody", {}).get("content", {}).get("application/json", {})
    schema = schemas.get(content.get("schema", {}).get("$ref", "").rpartition("/")[2], {})
    required = schema.get("required", [])
    return [
        _row(name, "body", field, field.get("description", ""), name in required)
        for name, field in schema.get("properties", {}).items()
    ]


def _row(name: str, place: str, schema: dict[str, Any], description: str, required: bool) -> str:
    default = json.dumps(schema["default"], ensure_ascii=False) if "default" in schema else ""
    needed = "必填 / required" if required else default
    cells = [escape(cell) for cell in (name, place, _type_name(schema), needed)]
    cells.append(_prose(description or schema.get("description", "")))
    return "<tr>" + "".join(f"<td>{cell}</td>" for cell in cells) + "</tr>"


def _prose(text: str) -> str:
    """A description with its ``names`` set as code."""
    return re.sub(r"``(.+?)``", r"<code>\1</code>", escape(text))


def _type_name(schema: dict[str, Any]) -> str:
    if "enum" in schema:
        return " | ".join(map(str, schema["enum"]))
    choices = [_type_name(choice) for choice in schema.get("anyOf", [])]
    return " | ".join(choices) or str(schema.get("type") or schema.get("$ref", "").rpartition("/")[2])


def _table(rows: list[str]) -> str:
    heads = "".join(
        f"<th>{name}</th>" for name in ("名称 / name", "位置 / in", "类型 / type", "默认 / default", "说明 / about")
    )
    return f"<table><thead><tr>{heads}</tr></thead><tbody>{''.join(rows)}</tbody></table>"
