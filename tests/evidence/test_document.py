"""A report has the same content as HTML and as PDF, the PDF carries its Chinese glyphs, and text is never markup."""

import re
import zlib
from datetime import UTC, datetime
from html.parser import HTMLParser
from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from evidence.document import (
    BREAK,
    Document,
    Heading,
    Items,
    Paragraph,
    Picture,
    Span,
    Table,
    document_html,
    document_pdf,
    plain,
)  # fmt: skip

DAY = datetime(2026, 11, 22, tzinfo=UTC)
TEXT = '三天祛斑 #image("/etc/passwd") $x$ *b* <script> & `c`'


def document(text: str = TEXT) -> Document:
    blocks = (
        Heading(text),
        Paragraph((Span(text), Span(text, "mark"), BREAK, Span(text, "code"))),
        Items((plain(text), plain("二")), ordered=True),
        Table(((plain("一"), plain(text)),), ("甲", "乙")),
        Table(((plain("a" * 200), (Span("f" * 64, "code"),)),)),
    )
    return Document("zh", f"报告 {text}", DAY, blocks)


def decompressed(pdf: bytes) -> bytes:
    """All that is inside, streams unpacked."""
    parts = [pdf]
    for found in re.finditer(rb"stream\r?\n(.*?)\r?\nendstream", pdf, re.DOTALL):
        try:
            parts.append(zlib.decompress(found[1]))
        except zlib.error:
            continue
    return b"\n".join(parts)


def mapped(pdf: bytes) -> str:
    """The characters that the PDF's glyphs stand for."""
    codes = re.findall(rb"<[0-9A-Fa-f]+> <([0-9A-Fa-f]{4,})>", decompressed(pdf))
    return "".join(bytes.fromhex(code.decode()).decode("utf-16-be", "replace") for code in codes if len(code) % 4 == 0)


def test_the_pdf_carries_its_chinese_glyphs(tmp_path: Path) -> None:
    pdf = document_pdf(document(), tmp_path)
    inside = decompressed(pdf)
    assert b"NotoSansSC" in inside
    assert b"/FontFile3" in inside
    assert set("三天祛斑报告") <= set(mapped(pdf))


def test_the_same_document_gives_the_same_bytes(tmp_path: Path) -> None:
    assert document_pdf(document(), tmp_path) == document_pdf(document(), tmp_path)
    assert document_pdf(document(), tmp_path) != document_pdf(document("别的"), tmp_path)


def test_a_picture_is_taken_from_the_folder_given(tmp_path: Path) -> None:
    import av
    import numpy as np

    (tmp_path / "findings").mkdir()
    with av.open(str(tmp_path / "findings" / "a.jpg"), "w", format="image2") as out:
        stream = out.add_stream("mjpeg", rate=1)
        stream.width = stream.height = 64
        stream.pix_fmt = "yuvj420p"
        frame = av.VideoFrame.from_ndarray(np.full((64, 64, 3), 99, np.uint8), format="rgb24").reformat(
            format="yuvj420p"
        )
        out.mux(stream.encode(frame))
        out.mux(stream.encode(None))
    shown = Document("en", "Report", DAY, (Picture("findings/a.jpg", 'a "picture"'),))
    assert b"/Image" in decompressed(document_pdf(shown, tmp_path))
    assert 'src="findings/a.jpg" alt="a &quot;picture&quot;"' in document_html(shown).decode()


class Text(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.text = ""

    def handle_starttag(self, tag: str, attrs: object) -> None:
        self.tags.add(tag)

    def handle_data(self, data: str) -> None:
        self.text += data


def test_html_shows_text_as_text() -> None:
    page = Text()
    page.feed(document_html(document()).decode())
    assert TEXT in page.text
    assert "script" not in page.tags


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.text(st.characters(exclude_categories=("Cs",)), max_size=80))
def test_whatever_was_said_becomes_a_page(tmp_path: Path, text: str) -> None:
    assert document_pdf(document(text), tmp_path).startswith(b"%PDF")
