"""streams.yaml is read whole or refused with its line."""

from pathlib import Path

import pytest

from core.errors import BadInputError, NotFoundError
from pipeline.streams_file import read_streams_file

GOOD = """\
streams:
  - name: 花店
    source: https://live.example/a.m3u8
    product: 面霜
  - name: 鞋店
    source: rtmp://live.example/b
    restart: always
webhooks:
  - name: desk
    url: https://desk.example/hook
    secret_env: DESK_SECRET
    streams: [花店]
"""
ENVIRONMENT = {"DESK_SECRET": "0123456789abcdef"}


def write(folder: Path, text: str) -> Path:
    path = folder / "streams.yaml"
    path.write_text(text, "utf-8")
    return path


def test_streams_and_webhooks_are_read(tmp_path: Path) -> None:
    found, (hook,) = read_streams_file(write(tmp_path, GOOD), ENVIRONMENT)
    assert [(s.name, s.product, s.restart) for s in found.streams] == [
        ("花店", "面霜", "on_failure"),
        ("鞋店", "", "always"),
    ]
    assert found.streams[0].stream().product == "面霜"
    assert (hook.name, hook.secret, hook.streams, hook.origin) == ("desk", "0123456789abcdef", ("花店",), "file")


@pytest.mark.parametrize(
    ("old", "new", "line"),
    [
        ("    product: 面霜", "    produkt: 面霜", 4),
        ("    restart: always", "    restart: sometimes", 7),
        ("    source: rtmp://live.example/b\n", "", 5),
        ("  - name: 鞋店", "  - name: 花店", 5),
        ("    product: 面霜", "    source: x", 4),
        ("webhooks:", "webhook:", 8),
        ("    url: https://desk.example/hook", "    url: ftp://desk.example/hook", 10),
        ("    url: https://desk.example/hook", "    url: https://a@desk.example/", 10),
        ("    secret_env: DESK_SECRET", "    secret: short", 11),
        ("    secret_env: DESK_SECRET", "    secret_env: NOT_SET", 11),
        ("    streams: [花店]", "    streams: [书店]", 12),
        ("    product: 面霜", "    product: *alias", 4),
        ("    product: 面霜", "    product: [面霜", 5),
        ("    product: 面霜", "    product: [面霜]", 4),
        ("    product: 面霜", "    realtime: sometimes", 4),
        (GOOD, "streams: []\n", 1),
        (GOOD, "- a\n", 1),
        (GOOD, "", 1),
        (GOOD, "streams: !!python/object/apply:os.system [ls]\n", 1),
    ],
)
def test_what_is_wrong_is_refused_with_its_line(tmp_path: Path, old: str, new: str, line: int) -> None:
    assert old in GOOD
    with pytest.raises(BadInputError) as caught:
        read_streams_file(write(tmp_path, GOOD.replace(old, new)), ENVIRONMENT)
    assert caught.value.code == "streams_file"
    assert f"line {line}" in caught.value.sentence.en


def test_a_missing_or_binary_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(NotFoundError):
        read_streams_file(tmp_path / "none.yaml")
    path = tmp_path / "streams.yaml"
    path.write_bytes(b"streams:\n  - \xff\n")
    with pytest.raises(BadInputError) as caught:
        read_streams_file(path)
    assert "line 2" in caught.value.sentence.en
