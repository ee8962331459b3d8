"""`datapackage.json`: a Data Package (version 2) over the Parquet files of one publication."""

from __future__ import annotations

import re
from typing import Any

from ame_warehouse.dictionary.entries import TableEntry
from ame_warehouse.dictionary.project import Seeds

PROFILE = "https://datapackage.org/profiles/2.0/datapackage.json"
RESOURCE = "https://datapackage.org/profiles/2.0/dataresource.json"
SCHEMA = "https://datapackage.org/profiles/2.0/tableschema.json"
MEDIA_TYPE = "application/vnd.apache.parquet"
TITLE = "Kommunal arbetsmarknadsstatistik (ame-warehouse)"
ABOUT = (
    "Swedish municipal labour-market statistics from Kolada and Arbetsförmedlingen: participants, referrals, "
    "costs, context and jobseekers by municipality, with the reason of every missing value. A value is null "
    "exactly where its missing_reason is set; a zero is a value. Own calculations are labelled and never "
    "signed Källa: Kolada."
)
KEYWORDS = ["arbetsmarknad", "kommuner", "arbetsmarknadsenhet", "Kolada", "Arbetsförmedlingen", "Sverige"]
TYPES = (
    (re.compile(r".*\[\]$|^(list|struct|map).*"), "array"),
    (re.compile(r"^(double|float|real|decimal.*)$"), "number"),
    (re.compile(r"^u?(tiny|small|big|huge)?int(eger)?$"), "integer"),
    (re.compile(r"^boolean$"), "boolean"),
    (re.compile(r"^date$"), "date"),
    (re.compile(r"^timestamp.*"), "datetime"),
)


def data_package(manifest: dict[str, Any], tables: list[TableEntry], known: Seeds) -> dict[str, Any]:
    """Return the descriptor: a resource for each table, with schema, keys, sources, licences, size and hash.

    `manifest` is that of the publication; paths are relative to the directory of the file.
    """
    used = [item for item in known.sources if any(item in table.source_ids for table in tables)]
    return {
        "$schema": PROFILE,
        "name": "ame-warehouse",
        "id": f"urn:ame-warehouse:{manifest['version']}",
        "title": TITLE,
        "description": ABOUT,
        "version": manifest["version"],
        "created": manifest["built_at"],
        "asOf": manifest["as_of"],
        "mode": manifest["mode"],
        "keywords": KEYWORDS,
        "sources": [_source(known.sources[item]) for item in used],
        "licenses": _licenses(used, known),
        "resources": [_resource(table, manifest, known) for table in tables],
    }


def field_type(data_type: str) -> str:
    """Return the type of Table Schema for a type of DuckDB."""
    return next((name for pattern, name in TYPES if pattern.match(data_type.lower())), "string")


def _resource(table: TableEntry, manifest: dict[str, Any], known: Seeds) -> dict[str, Any]:
    path = f"parquet/{table.schema}/{table.name}.parquet"
    held = manifest["files"][path]
    return {
        "$schema": RESOURCE,
        "name": re.sub(r"[^a-z0-9_.-]", "_", table.full_name.lower()),
        "title": table.name_sv or table.name,
        "description": table.description,
        "path": path,
        "type": "table",
        "format": "parquet",
        "mediatype": MEDIA_TYPE,
        "bytes": held["bytes"],
        "hash": f"sha256:{held['sha256']}",
        "rows": manifest["tables"][table.full_name]["rows"],
        "sources": [_source(known.sources[item]) for item in table.source_ids],
        "licenses": _licenses(table.source_ids, known),
        "schema": _schema(table, manifest["tables"]),
    }


def _schema(table: TableEntry, published: dict[str, Any]) -> dict[str, Any]:
    constraints = published[table.full_name].get("constraints") or {}
    required = {*(constraints.get("primary_key") or []), *(constraints.get("not_null") or [])}
    fields = []
    for column in table.columns:
        field: dict[str, Any] = {
            "name": column.column,
            "type": field_type(column.data_type),
            "title": column.label_sv or column.column,
            "description": " ".join([column.meaning, *column.caveats]),
            "unit": column.unit,
            "source": column.source,
        }
        if column.denominator:
            field["denominator"] = column.denominator
        if column.column in required:
            field["constraints"] = {"required": True}
        fields.append(field)
    found: dict[str, Any] = {"$schema": SCHEMA, "fields": fields, "missingValues": [""]}
    if constraints.get("primary_key"):
        found["primaryKey"] = constraints["primary_key"]
    keys = [
        {"fields": [column], "reference": {"resource": f"marts.{model}", "fields": [target]}}
        for column, model, target in table.references
        if f"marts.{model}" in published
    ]
    if keys:
        found["foreignKeys"] = keys
    return found


def _source(source: dict[str, str]) -> dict[str, str]:
    said = {
        "title": source["name"],
        "path": source["homepage"],
        "publisher": source["publisher"],
        "originalSource": source["original_source"],
        "attribution": source["attribution"],
        "note": source["note"],
    }
    return {name: text for name, text in said.items() if text}


def _licenses(source_ids: list[str], known: Seeds) -> list[dict[str, str]]:
    return [
        {"name": source["licence_id"], "title": f"{source['name']}: {source['licence']}"}
        for source in (known.sources[item] for item in source_ids)
    ]
