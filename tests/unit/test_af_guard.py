"""What is no usable workbook is refused from its bytes: clearly, quickly, in little memory."""

import json
import struct
import subprocess
import sys
import zipfile
import zlib
from pathlib import Path

import openpyxl
import pytest

from ame_warehouse.arbetsformedlingen import guard
from ame_warehouse.arbetsformedlingen.guard import inspect_workbook
from ame_warehouse.errors import SourceError
from ame_warehouse.sample.af_workbooks import rom_book
from ame_warehouse.sample.af_xlsx import write

PARTS = {"[Content_Types].xml": b"<Types/>", "xl/workbook.xml": b"<workbook/>"}
SCRIPTS = Path(guard.__file__).resolve().parents[2]
MEASURED = """
import json, sys, time
from pathlib import Path
from ame_warehouse.arbetsformedlingen.guard import inspect_workbook
from ame_warehouse.errors import SourceError
begin = time.process_time()
try:
    inspect_workbook(Path(sys.argv[1]), "https://example.invalid/bomb.xlsx")
    said = ""
except SourceError as fault:
    said = str(fault)
# VmHWM, unlike ru_maxrss, does not remember the size of the process that started this one
status = Path("/proc/self/status").read_text()
peak = int(next(line for line in status.splitlines() if line.startswith("VmHWM")).split()[1]) / 1024
print(json.dumps({"seconds": time.process_time() - begin, "peak_mb": peak, "said": said}))
"""


def zipped(path, parts, method=zipfile.ZIP_DEFLATED):
    with zipfile.ZipFile(path, "w", method) as archive:
        for name, body in parts.items():
            archive.writestr(name, body)
    return path


def refused(path):
    with pytest.raises(SourceError) as fault:
        inspect_workbook(path, "https://example.invalid/book.xlsx")
    text = str(fault.value)
    assert "https://example.invalid/book.xlsx" in text
    assert "last good" in text
    return text


def measured(path):
    done = subprocess.run(
        [sys.executable, "-c", MEASURED, str(path)],
        env={"PYTHONPATH": str(SCRIPTS)},
        capture_output=True,
        text=True,
        check=True,
    )
    return json.loads(done.stdout)


def zeros(path, size, declared=None):
    """Write a workbook with a part of `size` zeros; `declared` is the size that the zip says it has."""
    engine = zlib.compressobj(9, zlib.DEFLATED, -15)
    packed, check, block = [], 0, bytes(1 << 20)
    for _ in range(size >> 20):
        packed.append(engine.compress(block))
        check = zlib.crc32(block, check)
    packed.append(engine.flush())
    body = b"".join(packed)
    says = size if declared is None else declared
    entries = [
        (name.encode(), content, zlib.crc32(content), len(content), 0) for name, content in PARTS.items()
    ]
    entries.append((b"xl/worksheets/sheet1.xml", body, check if declared is None else 0, says, 8))
    with path.open("wb") as handle:
        directory = b""
        for name, content, crc, plain, method in entries:
            at = handle.tell()
            common = struct.pack("<HHHHHIIIHH", 20, 0, method, 0, 33, crc, len(content), plain, len(name), 0)
            handle.write(b"PK\x03\x04" + common + name + content)
            directory += b"PK\x01\x02" + struct.pack("<H", 20) + common
            directory += struct.pack("<HHHII", 0, 0, 0, 0, at) + name
        start = handle.tell()
        handle.write(directory)
        handle.write(b"PK\x05\x06" + struct.pack("<HHHHIIH", 0, 0, 3, 3, len(directory), start, 0))
    return path


def test_workbooks_of_every_writer_pass(tmp_path):
    write(tmp_path / "own.xlsx", rom_book("2022-11", 0, True))
    openpyxl.Workbook().save(tmp_path / "openpyxl.xlsx")
    zipped(tmp_path / "stored.xlsx", PARTS, zipfile.ZIP_STORED)
    for path in tmp_path.glob("*.xlsx"):
        inspect_workbook(path, "u")


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b"", "the file is empty"),
        (b"<!DOCTYPE html><html><title>Sidan finns inte</title></html>", "a web page, not a workbook"),
        (b"\xef\xbb\xbf  <html>", "a web page, not a workbook"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600), "encrypted or in the old binary format"),
        (b"PERIOD;KOMMUN\n", "no workbook"),
        (b"PK\x03\x04" + bytes(100), "truncated or damaged"),
    ],
)
def test_what_is_no_workbook_is_said(tmp_path, body, said):
    path = tmp_path / "book.xlsx"
    path.write_bytes(body)
    assert said in refused(path)


def test_a_truncated_workbook_is_refused_wherever_it_ends(tmp_path):
    whole = tmp_path / "whole.xlsx"
    write(whole, rom_book("2022-11", 0, True))
    body = whole.read_bytes()
    path = tmp_path / "part.xlsx"
    for part in (0.1, 0.5, 0.9, 0.999):
        path.write_bytes(body[: int(len(body) * part)])
        assert "truncated or damaged" in refused(path)


def test_a_flipped_byte_in_any_part_is_seen(tmp_path):
    path = zipped(tmp_path / "book.xlsx", PARTS | {"xl/worksheets/sheet1.xml": bytes(range(256)) * 40})
    with zipfile.ZipFile(path) as archive:
        at = archive.getinfo("xl/worksheets/sheet1.xml").header_offset + 30 + 24 + 40
    body = bytearray(path.read_bytes())
    body[at] ^= 0x55
    path.write_bytes(body)
    assert "truncated or damaged" in refused(path)


def test_a_zip_of_something_else_and_an_encrypted_part(tmp_path):
    assert "no workbook" in refused(zipped(tmp_path / "a.xlsx", {"readme.txt": b"x"}))
    path = zipped(tmp_path / "b.xlsx", PARTS)
    body = bytearray(path.read_bytes())
    at = body.find(b"PK\x01\x02")
    body[at + 8] |= 1
    path.write_bytes(body)
    assert "encrypted" in refused(path)


def test_a_bomb_that_declares_its_size_is_refused_at_once(tmp_path):
    path = zeros(tmp_path / "bomb.xlsx", 512 << 20)
    assert path.stat().st_size < 1_000_000
    found = measured(path)
    assert "zip bomb" in found["said"]
    assert found["seconds"] < 2
    assert found["peak_mb"] < 200


def test_a_bomb_that_lies_about_its_size_is_refused_while_it_grows(tmp_path):
    found = measured(zeros(tmp_path / "bomb.xlsx", 512 << 20, declared=100_000))
    assert "larger than the 100000 bytes it declares" in found["said"]
    assert found["seconds"] < 2
    assert found["peak_mb"] < 200


def test_a_bomb_of_many_parts_is_refused_by_their_sum(tmp_path, monkeypatch):
    monkeypatch.setattr(guard, "MOST_UNPACKED", 1 << 20)
    path = zipped(tmp_path / "book.xlsx", PARTS | {f"xl/media/{n}.bin": bytes(1 << 16) for n in range(20)})
    assert "zip bomb" in refused(path)


def test_parts_that_overlap_and_too_many_parts(tmp_path, monkeypatch):
    path = zipped(tmp_path / "book.xlsx", PARTS | {"a.bin": bytes(100)}, zipfile.ZIP_STORED)
    monkeypatch.setattr(guard, "MOST_PARTS", 2)
    assert "too many parts" in refused(path)
    monkeypatch.undo()
    body = bytearray(path.read_bytes())
    at = body.rfind(b"PK\x01\x02")
    body[at + 20 : at + 28] = struct.pack("<II", 1 << 20, 1 << 20)
    path.write_bytes(body)
    assert "overlap" in refused(path)
