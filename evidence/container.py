"""The package's container: a ZIP of stored files that has exactly one form for its content.

Fixed date, fixed attributes, no extra fields, no comment, entries in the order given. `open_stored` accepts nothing
else: it works out from the directory what every byte outside the files must be, and compares. So a doubled name, a
link, a path that leads out, a compressed bomb or a byte between two entries has no place to hide.
"""

import re
import struct
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from core.errors import BadInputError, Sentence

_LOCAL = struct.Struct("<4s5H3I2H")
_CENTRAL = struct.Struct("<4s6H3I5H2I")
_END = struct.Struct("<4s4H2IH")
# 1980-01-01, the earliest date a ZIP can say; made on Unix, regular files, mode 0644.
_DATE, _TIME, _MADE_BY, _ATTRIBUTES = 0x21, 0, 0x0314, 0o100644 << 16
_LARGEST = 0xFFFFFFFF
_MOST_FILES = 0xFFFF
_BLOCK = 1 << 20
NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,99}(/[A-Za-z0-9_][A-Za-z0-9._-]{0,99}){0,5}")


@dataclass(frozen=True, slots=True)
class Entry:
    """A file inside: where its bytes lie in the container."""

    name: str
    size: int
    crc: int
    offset: int

    @property
    def data_offset(self) -> int:
        """Where its content begins."""
        return self.offset + _LOCAL.size + len(self.name)


class Stored:
    """An opened package whose form was checked; content is checked by whoever knows its hashes."""

    def __init__(self, file: IO[bytes], entries: Iterable[Entry]) -> None:
        self._file = file
        self.entries = {entry.name: entry for entry in entries}

    def blocks(self, name: str) -> Iterator[bytes]:
        """The content of a file in blocks. Raises ``KeyError``, and `BadInputError` at its end by the checksum."""
        entry = self.entries[name]
        position, left, crc = entry.data_offset, entry.size, 0
        while left:
            self._file.seek(position)
            block = self._file.read(min(_BLOCK, left))
            crc = zlib.crc32(block, crc)
            yield block
            position, left = position + len(block), left - len(block)
        if crc != entry.crc:
            raise refused(f"{name} 的校验和不符", f"the checksum of {name} does not fit")

    def read(self, name: str, *, most: int = 64 << 20) -> bytes:
        """A whole small file. Raises ``KeyError``, and `BadInputError` above ``most`` bytes."""
        if self.entries[name].size > most:
            raise refused(f"{name} 过大", f"{name} is too large")
        return b"".join(self.blocks(name))


def write_stored(target: Path, files: Iterable[tuple[str, Path]]) -> None:
    """Write the container; ``files`` are names and the files to take. Raises `BadInputError` beyond 4 GiB."""
    entries: list[Entry] = []
    with target.open("wb") as out:
        for name, path in files:
            crc, size = _crc(path)
            entry = Entry(name, size, crc, out.tell())
            if size > _LARGEST or out.tell() + size > _LARGEST or len(entries) == _MOST_FILES:
                raise _too_large()
            entries.append(entry)
            out.write(_local_header(entry))
            with path.open("rb") as content:
                while block := content.read(_BLOCK):
                    out.write(block)
        out.write(_directory(entries, out.tell()))


def open_stored(file: IO[bytes]) -> Stored:
    """Read a container. Raises `BadInputError` naming what is not as `write_stored` writes it."""
    end_of_file = file.seek(0, 2)
    if end_of_file < _END.size:
        raise refused("不是证据包", "it is no evidence package")
    file.seek(end_of_file - _END.size)
    mark, _, _, _, count, length, start, _ = _END.unpack(file.read(_END.size))
    if mark != b"PK\5\6" or start + length + _END.size != end_of_file:
        raise refused("不是证据包，或结尾多出内容", "it is no evidence package, or something was added at its end")
    file.seek(start)
    directory = file.read(end_of_file - start)
    entries = _read_directory(directory, count)
    if _directory(entries, start) != directory:
        raise refused("目录被改动", "its directory was changed")
    _check_layout(file, entries, start)
    return Stored(file, entries)


def _read_directory(data: bytes, count: int) -> list[Entry]:
    entries: list[Entry] = []
    position = 0
    for _ in range(count):
        if position + _CENTRAL.size > len(data):
            raise refused("目录被截断", "its directory is cut off")
        fields = _CENTRAL.unpack_from(data, position)
        position += _CENTRAL.size
        name = data[position : position + fields[10]].decode("ascii", "replace")
        position += fields[10]
        if not NAME.fullmatch(name):
            raise refused(f"含有不允许的文件名 {name!r}", f"it holds a file name that is not allowed: {name!r}")
        entries.append(Entry(name, fields[9], fields[7], fields[16]))
    names = [entry.name for entry in entries]
    doubled = next((name for name in names if names.count(name) > 1), "") if len(set(names)) < len(names) else ""
    if doubled:
        raise refused(f"文件名重复：{doubled}", f"a file name occurs twice: {doubled}")
    return entries


def _check_layout(file: IO[bytes], entries: list[Entry], end: int) -> None:
    """Entries follow each other without a byte between them, each with the header and checksum it must have."""
    position = 0
    for entry in entries:
        if entry.offset != position or entry.data_offset + entry.size > end:
            raise refused(f"{entry.name} 的位置不对", f"{entry.name} is not where it must be")
        file.seek(position)
        if file.read(entry.data_offset - position) != _local_header(entry):
            raise refused(f"{entry.name} 的文件头被改动", f"the header of {entry.name} was changed")
        position = entry.data_offset + entry.size
    if position != end:
        raise refused("文件之间多出内容", "there is something between the files")


def _local_header(entry: Entry) -> bytes:
    name = entry.name.encode("ascii")
    fields = (b"PK\3\4", 10, 0, 0, _TIME, _DATE, entry.crc, entry.size, entry.size, len(name), 0)
    return _LOCAL.pack(*fields) + name


def _directory(entries: list[Entry], start: int) -> bytes:
    parts = []
    for entry in entries:
        name = entry.name.encode("ascii", "replace")
        sizes = (entry.crc, entry.size, entry.size)
        head = (b"PK\1\2", _MADE_BY, 10, 0, 0, _TIME, _DATE, *sizes, len(name))
        parts.append(_CENTRAL.pack(*head, 0, 0, 0, 0, _ATTRIBUTES, entry.offset) + name)
    directory = b"".join(parts)
    return directory + _END.pack(b"PK\5\6", 0, 0, len(entries), len(entries), len(directory), start, 0)


def _crc(path: Path) -> tuple[int, int]:
    crc = size = 0
    with path.open("rb") as file:
        while block := file.read(_BLOCK):
            crc, size = zlib.crc32(block, crc), size + len(block)
    return crc, size


def refused(zh: str, en: str) -> BadInputError:
    """A container that is not in the one form."""
    return BadInputError("package_form", f"证据包被拒绝：{zh}。", f"The package is refused: {en}.")


def _too_large() -> BadInputError:
    return BadInputError(
        "package_large",
        "所选时段超过 4 GiB，装不进一个证据包。",
        "More than 4 GiB do not fit into one package.",
        hint=Sentence("请分成几段导出。", "Export it in several parts."),
    )
