"""Is a file a workbook that may be opened? Decided from its bytes, in bounded time and memory.

Nothing is believed that the file says about itself: declared sizes are checked first, then every part is
inflated once, piece by piece, and must end where it says, with the checksum it says.
"""

from __future__ import annotations

import struct
import zipfile
import zlib
from pathlib import Path
from typing import BinaryIO

from ame_warehouse.arbetsformedlingen.text import decode
from ame_warehouse.errors import SourceError

MOST_UNPACKED = 4 * 1024**3
MOST_RATIO = 250  # spreadsheet XML packs 10 to 60 times; deflate can at most 1,032
FREE_OF_RATIO = 8 * 1024**2
MOST_PARTS = 5000
PIECE = 1 << 18
LOCAL_HEADER = 30
OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
ZIP = b"PK\x03\x04"
ENCRYPTED_FLAG = 0x1
UNREADABLE = (zipfile.BadZipFile, ValueError, OSError, NotImplementedError, EOFError, UnicodeError)


def _refused(message: str, expected: str, found: str, source: str) -> SourceError:
    return SourceError(
        message,
        expected=expected,
        found=found,
        source=source,
        action="open the address in a browser; the last good file stays in use until a usable one comes",
    )


def inspect_workbook(path: Path, source: str) -> None:
    """Check that a file is a whole, unencrypted .xlsx that unpacks to a sane size.

    Args:
        path: the file. source: its address, for the message.

    Raises `SourceError` that says what came instead: HTML, an old or encrypted workbook, no zip, a
    truncated or damaged zip, or a zip bomb. Never holds more than a piece of the content in memory.
    """
    with path.open("rb") as handle:
        start = handle.read(2048)
    _inspect_start(start, source)
    try:
        with zipfile.ZipFile(path) as archive:
            parts = archive.infolist()
            _inspect_directory(parts, path.stat().st_size, source)
            with path.open("rb") as handle:
                for part in parts:
                    _inflate(handle, part, source)
    except UNREADABLE as exc:
        raise _refused(
            "the workbook is truncated or damaged", "a whole .xlsx (zip) file", f"{exc}", source
        ) from exc


def _inspect_start(start: bytes, source: str) -> None:
    if start.startswith(ZIP):
        return
    text = " ".join(decode(start[:600]).split())
    if start.startswith(OLE):
        raise _refused(
            "the workbook is encrypted or in the old binary format",
            "an .xlsx workbook without password",
            "an OLE container (.xls, or .xlsx with password)",
            source,
        )
    if not start:
        raise _refused("the file is empty", "an .xlsx workbook", "0 bytes", source)
    if text.lstrip("\ufeff")[:1] == "<":
        raise _refused("the answer is a web page, not a workbook", "an .xlsx workbook", text[:160], source)
    raise _refused("the file is no workbook", "an .xlsx workbook (zip)", repr(start[:16]), source)


def _inspect_directory(parts: list[zipfile.ZipInfo], size: int, source: str) -> None:
    """Judge by the central directory alone: number of parts, declared sizes, overlaps, encryption."""
    if len(parts) > MOST_PARTS:
        raise _refused("the workbook has too many parts", f"at most {MOST_PARTS}", str(len(parts)), source)
    names = [part.filename for part in parts]
    if len(set(names)) != len(names):
        raise _refused("the workbook has a part twice", "every part once", "two parts of one name", source)
    if any(part.flag_bits & ENCRYPTED_FLAG for part in parts):
        raise _refused("the workbook is encrypted", "no password", "an encrypted part", source)
    unpacked = sum(part.file_size for part in parts)
    packed = sum(part.compress_size for part in parts)
    if unpacked > MOST_UNPACKED:
        raise _bomb(f"{unpacked} bytes", source)
    for part in parts:
        if part.file_size > FREE_OF_RATIO and part.file_size > MOST_RATIO * max(1, part.compress_size):
            raise _bomb(f"{part.filename} grows from {part.compress_size} to {part.file_size} bytes", source)
    if packed > size:
        raise _refused("the workbook's parts overlap", f"at most {size} bytes", f"{packed} bytes", source)
    if "[Content_Types].xml" not in names or "xl/workbook.xml" not in names:
        found = ", ".join(names[:5]) or "an empty zip"
        raise _refused("the file is a zip but no workbook", "xl/workbook.xml", found, source)


def _bomb(found: str, source: str) -> SourceError:
    return _refused(
        "the workbook unpacks to an absurd size (zip bomb)",
        f"at most {MOST_UNPACKED // 1024**3} GiB in all and {MOST_RATIO} times a part's packed size",
        found,
        source,
    )


def _inflate(handle: BinaryIO, part: zipfile.ZipInfo, source: str) -> None:
    """Inflate one part without keeping it; it must have exactly its declared size and checksum."""
    read = handle.read
    handle.seek(part.header_offset)
    header = read(LOCAL_HEADER)
    if len(header) != LOCAL_HEADER or not header.startswith(ZIP):
        raise ValueError(f"{part.filename} does not start where the directory says")
    names, extra = struct.unpack("<HH", header[26:30])
    handle.seek(names + extra, 1)
    if part.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise ValueError(f"{part.filename} is packed in a way that workbooks do not use")
    engine = zlib.decompressobj(-15) if part.compress_type == zipfile.ZIP_DEFLATED else None
    left, size, check = part.compress_size, 0, 0
    while left:
        packed = read(min(PIECE, left))
        if not packed:
            raise ValueError(f"{part.filename} ends early")
        left -= len(packed)
        while packed:
            try:
                plain = engine.decompress(packed, PIECE * 4) if engine else packed
            except zlib.error as exc:
                raise ValueError(f"{part.filename}: {exc}") from exc
            packed = engine.unconsumed_tail if engine else b""
            size += len(plain)
            check = zlib.crc32(plain, check)
            if size > part.file_size:
                raise _bomb(f"{part.filename} is larger than the {part.file_size} bytes it declares", source)
    if engine is not None and not engine.eof:
        raise ValueError(f"{part.filename} ends early")
    if size != part.file_size or check != part.CRC:
        raise ValueError(f"{part.filename} has {size} bytes and another checksum than declared")
