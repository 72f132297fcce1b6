"""A report as blocks of text, tables and pictures, and its two forms: one HTML page and one PDF.

Text is data in both: HTML is escaped, and the PDF's template reads it as JSON, never as markup.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from html import escape
from pathlib import Path
from typing import Any, Literal

import pylopdf_fonts_zh_cn
import typst

Language = Literal["zh", "en"]
_TEMPLATE = Path(__file__).parent / "report.typ"
_STYLE = """body{font:16px/1.6 "Noto Sans CJK SC","PingFang SC","Microsoft YaHei",sans-serif;color:#1b1b1b;
max-width:46rem;margin:2rem auto;padding:0 1rem}h1{font-size:1.5rem}h2{font-size:1.15rem;margin-top:2rem}
table{border-collapse:collapse}td,th{border:1px solid #bbb;padding:.3rem .6rem;text-align:left;vertical-align:top}
mark{background:#ffd54a}img{max-width:100%;border:1px solid #bbb}code{font-size:.85rem;word-break:break-all}"""


@dataclass(frozen=True, slots=True)
class Span:
    """A run of text: plain, ``mark`` (the words meant), ``code`` (to be copied), or a ``break`` of the line."""

    text: str
    style: Literal["", "mark", "code", "break"] = ""


Line = tuple[Span, ...]
BREAK = Span("", "break")


def plain(text: str) -> Line:
    """A line without any style."""
    return (Span(text),)


@dataclass(frozen=True, slots=True)
class Heading:
    """The title of a part; ``level`` 2 or 3."""

    text: str
    level: int = 2


@dataclass(frozen=True, slots=True)
class Paragraph:
    """A paragraph."""

    line: Line


@dataclass(frozen=True, slots=True)
class Items:
    """A list, numbered where ``ordered``."""

    lines: tuple[Line, ...]
    ordered: bool = False


@dataclass(frozen=True, slots=True)
class Table:
    """Rows of equally many cells; ``head`` may be empty."""

    rows: tuple[tuple[Line, ...], ...]
    head: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture that lies in the package under ``file``."""

    file: str
    text: str


Block = Heading | Paragraph | Items | Table | Picture


@dataclass(frozen=True, slots=True)
class Document:
    """A report. ``day`` dates the PDF: a day of the evidence, so that the same export gives the same bytes."""

    language: Language
    title: str
    day: datetime
    blocks: tuple[Block, ...]


def document_html(document: Document) -> bytes:
    """One page; pictures are files beside it. No script, nothing loaded from elsewhere."""
    title = escape(document.title)
    head = f'<!doctype html><html lang="{document.language}"><meta charset="utf-8"><title>{title}</title>'
    body = "\n".join([f"<h1>{title}</h1>", *map(_html, document.blocks)])
    return f"{head}<style>{_STYLE}</style>\n{body}\n</html>\n".encode()


def _html(block: Block) -> str:
    match block:
        case Heading(text, level):
            return f"<h{level}>{escape(text)}</h{level}>"
        case Paragraph(line):
            return f"<p>{_html_line(line)}</p>"
        case Items(lines, ordered):
            kind = "ol" if ordered else "ul"
            return f"<{kind}>{''.join(f'<li>{_html_line(line)}</li>' for line in lines)}</{kind}>"
        case Table(rows, head):
            names = f"<tr>{''.join(f'<th>{escape(name)}</th>' for name in head)}</tr>" if head else ""
            shown = (f"<tr>{''.join(f'<td>{_html_line(cell)}</td>' for cell in row)}</tr>" for row in rows)
            return f"<table>{names}{''.join(shown)}</table>"
        case Picture(file, text):
            return f'<p><img src="{escape(file)}" alt="{escape(text)}"></p>'


def _html_line(line: Sequence[Span]) -> str:
    forms = {"": "{}", "mark": "<mark>{}</mark>", "code": "<code>{}</code>", "break": "<br>"}
    return "".join(forms[span.style].format(escape(span.text)) for span in line)


def document_pdf(document: Document, folder: Path) -> bytes:
    """The same as PDF with its fonts inside; ``folder`` is where pictures lie."""
    fields = {
        "title": document.title,
        "language": document.language,
        "date": document.day.strftime("%Y-%m-%d").split("-"),
        "blocks": [_json(block) for block in document.blocks],
    }
    fonts = [str(pylopdf_fonts_zh_cn.sans_path().parent)]
    compiler = typst.Compiler(root=str(folder), font_paths=fonts, ignore_system_fonts=True)
    made = compiler.compile(
        _TEMPLATE.read_bytes(), format="pdf", sys_inputs={"document": json.dumps(fields, ensure_ascii=False)}
    )
    if not isinstance(made, bytes):
        raise TypeError("a PDF is one file")
    return made


def _json(block: Block) -> dict[str, Any]:
    match block:
        case Heading(text, level):
            return {"kind": "heading", "text": text, "level": level}
        case Paragraph(line):
            return {"kind": "paragraph", "spans": _json_line(line)}
        case Items(lines, ordered):
            return {"kind": "items", "items": [_json_line(line) for line in lines], "ordered": ordered}
        case Table(rows, head):
            shown = [[_json_line(cell) for cell in row] for row in rows]
            return {"kind": "table", "rows": shown, "head": head, "columns": len(head or rows[0])}
        case Picture(file, text):
            return {"kind": "picture", "file": f"/{file}", "alt": text}


def _json_line(line: Sequence[Span]) -> list[dict[str, str]]:
    return [{"text": span.text, "style": span.style} for span in line]
