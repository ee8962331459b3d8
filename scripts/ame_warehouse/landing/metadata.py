"""KPI catalogue, places and groups as the source gave them, and where they differ from our seeds."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from ame_warehouse.errors import LandingError
from ame_warehouse.landing.findings import Findings
from ame_warehouse.landing.store import Objects
from ame_warehouse.landing.tables import timestamp
from ame_warehouse.seeds import read_seed
from ame_warehouse.settings import Settings

Rows = list[dict[str, Any]]
TEXT_FIELDS = (
    "title",
    "description",
    "municipality_type",
    "auspice",
    "operating_area",
    "perspective",
    "publ_period",
)
DATE_FIELDS = ("prel_publication_date", "publication_date")
TRUTH_FIELDS = ("is_divided_by_gender", "has_ou_data")


def source_group_ids(settings: Settings) -> list[str]:
    """Return the group ids of our seed that are the source's own (G…)."""
    rows = read_seed(settings, "municipality_groups", ("group_id",))
    return [
        row["group_id"] for row in rows if row["group_id"].startswith("G") and row["group_id"][1:].isdigit()
    ]


def _records(objects: Objects, checksums: list[str]) -> Iterator[dict[str, Any]]:
    """Yield the records of stored metadata pages which have an id; the first of each id counts."""
    seen: set[str] = set()
    for checksum in checksums:
        try:
            values = json.loads(objects.get(checksum))["values"]
        except (ValueError, KeyError, TypeError) as exc:
            raise LandingError(
                "a stored page of the catalogue cannot be read",
                expected="a page of Kolada API v3",
                found=f"{type(exc).__name__}: {exc}",
                source=str(objects.path(checksum)),
                action="move the fetches that use it out of AME_HOME/landing/kolada and fetch again",
            ) from exc
        for record in values:
            key = record.get("id") if isinstance(record, dict) else None
            if isinstance(key, str) and key not in seen:
                seen.add(key)
                yield record


def _text(value: Any) -> str | None:
    return value if value is None or isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _same(one: str | None, other: str | None) -> bool:
    return " ".join((one or "").split()) == " ".join((other or "").split())


def _base(fetch: dict[str, Any]) -> dict[str, Any]:
    return {"fetch_id": fetch["fetch_id"], "fetched_at": timestamp(fetch["fetched_at"])}


def kpi_rows(settings: Settings, fetch: dict[str, Any], objects: Objects, findings: Findings) -> Rows:
    """Return the catalogue records of the KPIs of our seed; differences from the seed become findings."""
    seed = {
        row["kpi_id"]: row
        for row in read_seed(settings, "kpi_catalogue", ("kpi_id", "title_sv", "in_current_catalogue"))
    }
    rows: Rows = []
    for record in _records(objects, fetch["catalogue_objects"]):
        ours = seed.get(record["id"])
        if ours is None:
            continue
        row = {
            **_base(fetch),
            "kpi_id": record["id"],
            "raw": json.dumps(record, ensure_ascii=False, sort_keys=True),
        }
        row |= {name: _text(record.get(name)) for name in TEXT_FIELDS + DATE_FIELDS}
        row |= {name: record[name] if type(record.get(name)) is bool else None for name in TRUTH_FIELDS}
        rows.append(row)
        _kpi_drift(row, ours, findings)
    return rows


def _kpi_drift(row: dict[str, Any], ours: dict[str, str], findings: Findings) -> None:
    if not _same(row["title"], ours["title_sv"]):
        findings.add(
            "catalogue_drift",
            "warning",
            kpi_id=row["kpi_id"],
            expected=ours["title_sv"],
            found=row["title"] or "no title",
            detail="the title differs from the seed: the definition may have changed",
        )
    divided = {"1": True, "0": False}.get(ours.get("is_divided_by_gender", ""))
    if None not in (divided, row["is_divided_by_gender"]) and divided != row["is_divided_by_gender"]:
        findings.add(
            "catalogue_drift",
            "info",
            kpi_id=row["kpi_id"],
            expected=f"is_divided_by_gender {divided}",
            found=f"is_divided_by_gender {row['is_divided_by_gender']}",
            detail="the source divides this KPI otherwise than the seed says",
        )
    if ours["in_current_catalogue"] != "1":
        findings.add(
            "catalogue_drift",
            "info",
            kpi_id=row["kpi_id"],
            expected="a KPI that has left the catalogue",
            found="the source lists it",
            detail="it was asked for",
        )


def place_rows(settings: Settings, fetch: dict[str, Any], objects: Objects, findings: Findings) -> Rows:
    """Return the source's places; places that came, went or changed against our seed become findings."""
    seed = {row["id"]: row for row in read_seed(settings, "municipalities", ("id", "title", "type"))}
    rows: Rows = []
    for record in _records(objects, fetch["place_objects"]):
        row = {
            **_base(fetch),
            "id": record["id"],
            "title": _text(record.get("title")),
            "type": _text(record.get("type")),
        }
        rows.append(row)
        ours = seed.get(row["id"])
        here = f"{row['title']} ({row['type']})"
        if ours is None:
            findings.add(
                "place_drift",
                "warning",
                municipality_id=row["id"],
                expected="a place of the seed municipalities.csv",
                found=here,
                detail="not in our seed: it is not loaded",
            )
        elif not _same(row["title"], ours["title"]) or row["type"] != ours["type"]:
            findings.add(
                "place_drift",
                "warning",
                municipality_id=row["id"],
                expected=f"{ours['title']} ({ours['type']})",
                found=here,
                detail="name or type differs from our seed",
            )
    listed = {row["id"] for row in rows}
    for place in sorted(seed.keys() - listed) if rows else []:
        findings.add(
            "place_drift",
            "warning",
            municipality_id=place,
            expected=seed[place]["title"],
            found="the source does not list it",
            detail="in our seed only",
        )
    return rows


def group_rows(settings: Settings, fetch: dict[str, Any], objects: Objects, findings: Findings) -> Rows:
    """Return the members of our groups as the source has them; differences from the seed become findings."""
    seed: dict[str, set[str]] = {}
    for row in read_seed(settings, "municipality_group_members", ("group_id", "municipality_id")):
        seed.setdefault(row["group_id"], set()).add(row["municipality_id"])
    wanted = set(source_group_ids(settings))
    rows: Rows = []
    found_groups: set[str] = set()
    for record in _records(objects, fetch["group_objects"]):
        if record["id"] not in wanted:
            continue
        found_groups.add(record["id"])
        members = record.get("members")
        own = [member for member in members if isinstance(member, dict)] if isinstance(members, list) else []
        ids: set[str] = set()
        for member in own:
            member_id = _text(member.get("member_id", member.get("id")))
            if member_id is None or member_id in ids:
                continue
            ids.add(member_id)
            rows.append(
                {
                    **_base(fetch),
                    "group_id": record["id"],
                    "title": _text(record.get("title")),
                    "member_id": member_id,
                    "member_title": _text(member.get("member_title", member.get("title"))),
                }
            )
        _group_drift(record["id"], seed.get(record["id"], set()), ids, findings)
    for group_id in sorted(wanted - found_groups) if fetch["group_objects"] else []:
        findings.add(
            "group_drift",
            "warning",
            expected=f"the group {group_id}",
            found="the source does not list it",
            detail="group ids may have been re-dated by the source; our members stay in use",
        )
    return rows


def _group_drift(group_id: str, ours: set[str], theirs: set[str], findings: Findings) -> None:
    new, gone = sorted(theirs - ours), sorted(ours - theirs)
    if not new and not gone:
        return
    findings.add(
        "group_drift",
        "warning",
        expected=f"{group_id} with {len(ours)} members, as in the seed",
        found=f"{len(theirs)} members",
        detail=f"new: {', '.join(new) or 'none'}; gone: {', '.join(gone) or 'none'}",
    )
