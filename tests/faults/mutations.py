"""Ways to spoil a payload: in its bytes, in its JSON tree, in its XML."""

from __future__ import annotations

import json
import random
import re
from typing import Any

ODD: tuple[Any, ...] = (
    None,
    True,
    False,
    0,
    -1,
    2**31,
    2**63,
    10**400,
    1e-320,
    1.5,
    "",
    " ",
    "x",
    "12",
    "12,5",
    "-",
    "1e5",
    "NaN",
    "Göteborg",
    "\ud800",
    "\x00",
    "[",
    "]}",
    "i.u.",
    "true",
    "T",
    "2022",
    "9999999",
    [],
    {},
    [[]],
    [None],
    {"a": 1},
    float("nan"),
    float("inf"),
    -0.0,
    "å" * 3000,
)
BYTES = (
    b"",
    b"\x00",
    b"\xff\xfe",
    b"[",
    b"]",
    b"{",
    b"}",
    b'"',
    b",",
    b"<",
    b">",
    b"&",
    b"\\u",
    b"1e999",
    b"\xc3",
)


def spoil_bytes(numbers: random.Random, body: bytes) -> bytes:
    """Return a body with up to four damaged places: flipped, cut out, doubled, put in, cut off."""
    found = bytearray(body)
    for _ in range(numbers.randint(1, 4)):
        if not found:
            break
        at = numbers.randrange(len(found))
        end = min(len(found), at + numbers.choice((1, 1, 2, 8, 60)))
        way = numbers.randrange(6)
        if way == 0:
            found[at] ^= 1 << numbers.randrange(8)
        elif way == 1:
            del found[at:end]
        elif way == 2:
            found[at:at] = found[at:end]
        elif way == 3:
            found[at:at] = numbers.choice(BYTES)
        elif way == 4:
            found[at:end] = bytes(numbers.randrange(256) for _ in range(end - at))
        else:
            del found[at:]
    if numbers.random() < 0.04:
        text = bytes(found).decode("utf-8", "replace")
        return text.encode(numbers.choice(("utf-16", "utf-8-sig", "cp037", "utf-32")), "replace")
    if numbers.random() < 0.04:
        return numbers.choice((b"<!DOCTYPE html>", b"\xef\xbb\xbf", b" \n", b"\x1f\x8b")) + bytes(found)
    return bytes(found)


def spoil_tree(numbers: random.Random, document: Any) -> Any:
    """Return a copy of a JSON document with one to three nodes changed."""
    copy = json.loads(json.dumps(document))
    for _ in range(numbers.choice((1, 1, 1, 2, 3))):
        places = list(_places(copy))
        holder, key = numbers.choice(places)
        way = numbers.randrange(6)
        if way <= 2 or (way == 5 and not isinstance(holder, dict)):
            holder[key] = numbers.choice(ODD)
        elif way == 3:
            del holder[key]
        elif way == 4:
            other, where = numbers.choice(places)
            taken = json.dumps(other[where]) if _has(other, where) else "null"
            holder[key] = json.loads(taken)
        else:
            holder[numbers.choice(("extra", str(key).upper(), "values", "count"))] = holder[key]
        if not list(_places(copy)):
            break
    return copy


def _has(holder: Any, key: Any) -> bool:
    return key in holder if isinstance(holder, dict) else key < len(holder)


def _places(node: Any, depth: int = 0) -> Any:
    if depth > 12:
        return
    keys = list(node) if isinstance(node, dict) else range(len(node)) if isinstance(node, list) else ()
    for key in keys:
        yield node, key
        yield from _places(node[key], depth + 1)


def double_key(numbers: random.Random, body: bytes) -> bytes:
    """Return JSON text in which one key stands twice in its object, with another value the second time."""
    keys = list(re.finditer(rb'"(\w+)": ', body))
    if not keys:
        return body
    one = numbers.choice(keys)
    value = json.dumps(numbers.choice(ODD[:22])).encode()
    return body[: one.start()] + one.group(0) + value + b", " + body[one.start() :]


TAG = re.compile(rb"<[^<>]*>")
TEXTS = (
    b"",
    b"-",
    b"<5",
    b"NaN",
    b"&amp;",
    b"1e400",
    b"text",
    b"2022-13",
    b"\xc3\xa5",
    b"-7",
    b"0.5",
    b"1 234",
)
TEXTS = tuple(text.replace(b"<", b"&lt;") for text in TEXTS)


def spoil_xml(numbers: random.Random, body: bytes) -> bytes:
    """Return XML with one to three places changed: a tag gone, doubled or another, a text replaced."""
    for _ in range(numbers.choice((1, 1, 2, 3))):
        tags = list(TAG.finditer(body))
        if not tags:
            return body
        at = numbers.randrange(len(tags))
        tag = tags[at]
        after = tags[at + 1].start() if at + 1 < len(tags) else len(body)
        way = numbers.randrange(6)
        if way == 0:
            body = body[: tag.start()] + body[tag.end() :]
        elif way == 1:
            body = body[: tag.end()] + tag.group(0) + body[tag.end() :]
        elif way == 2:
            body = body[: tag.end()] + numbers.choice(TEXTS) + body[after:]
        elif way == 3:
            values = list(re.finditer(rb'"[^"]*"', tag.group(0)))
            if values:
                start, end = (tag.start() + place for place in numbers.choice(values).span())
                body = body[: start + 1] + numbers.choice(TEXTS) + body[end - 1 :]
        elif way == 4:
            other = numbers.choice(tags).group(0)
            body = body[: tag.start()] + other + body[tag.end() :]
        else:
            body = spoil_bytes(numbers, body)
    return body
