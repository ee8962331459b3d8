"""The columns of the parsed files; one place, used to write them and to test them."""

from __future__ import annotations

TABLES: dict[str, dict[str, str]] = {
    "observations": {
        "fetch_id": "VARCHAR",
        "kpi_id": "VARCHAR",
        "municipality_id": "VARCHAR",
        "year": "INTEGER",
        "gender": "VARCHAR",
        "value": "DOUBLE",
        "status": "VARCHAR",
        "is_deleted": "BOOLEAN",
        "member_count": "INTEGER",
        "raw_value": "VARCHAR",
        "value_issue": "VARCHAR",
        "object_sha256": "VARCHAR",
    },
    "measures": {
        "fetch_id": "VARCHAR",
        "source": "VARCHAR",
        "mode": "VARCHAR",
        "fetched_at": "TIMESTAMP",
        "retrieved_at": "TIMESTAMP",
        "vintage": "VARCHAR",
        "kpi_id": "VARCHAR",
        "outcome": "VARCHAR",
        "error": "VARCHAR",
        "n_records": "INTEGER",
        "n_values": "INTEGER",
        "content_sha256": "VARCHAR",
        "content_fetch_id": "VARCHAR",
        "municipality_ids": "VARCHAR[]",
        "years": "INTEGER[]",
    },
    "kpi_metadata": {
        "fetch_id": "VARCHAR",
        "fetched_at": "TIMESTAMP",
        "kpi_id": "VARCHAR",
        "title": "VARCHAR",
        "description": "VARCHAR",
        "is_divided_by_gender": "BOOLEAN",
        "municipality_type": "VARCHAR",
        "auspice": "VARCHAR",
        "operating_area": "VARCHAR",
        "perspective": "VARCHAR",
        "prel_publication_date": "DATE",
        "publication_date": "DATE",
        "publ_period": "VARCHAR",
        "has_ou_data": "BOOLEAN",
        "raw": "VARCHAR",
    },
    "places": {
        "fetch_id": "VARCHAR",
        "fetched_at": "TIMESTAMP",
        "id": "VARCHAR",
        "title": "VARCHAR",
        "type": "VARCHAR",
    },
    "groups": {
        "fetch_id": "VARCHAR",
        "fetched_at": "TIMESTAMP",
        "group_id": "VARCHAR",
        "title": "VARCHAR",
        "member_id": "VARCHAR",
        "member_title": "VARCHAR",
    },
    "group_values": {
        "fetch_id": "VARCHAR",
        "fetched_at": "TIMESTAMP",
        "kpi_id": "VARCHAR",
        "group_id": "VARCHAR",
        "year": "INTEGER",
        "gender": "VARCHAR",
        "value": "DOUBLE",
        "member_count": "INTEGER",
    },
    "findings": {
        "fetch_id": "VARCHAR",
        "fetched_at": "TIMESTAMP",
        "kind": "VARCHAR",
        "severity": "VARCHAR",
        "kpi_id": "VARCHAR",
        "municipality_id": "VARCHAR",
        "year": "INTEGER",
        "gender": "VARCHAR",
        "expected": "VARCHAR",
        "found": "VARCHAR",
        "detail": "VARCHAR",
    },
}

# The order of the rows in each file.
SORT = {
    "observations": "kpi_id, municipality_id, year, gender",
    "measures": "kpi_id",
    "kpi_metadata": "kpi_id",
    "places": "id",
    "groups": "group_id, member_id",
    "group_values": "kpi_id, group_id, year, gender",
    "findings": "kind, severity, kpi_id, municipality_id, year, gender, found, expected, detail",
}


def ddl(table: str) -> str:
    """Return the column definitions of a table, for `create table`."""
    return ", ".join(f'"{name}" {kind}' for name, kind in TABLES[table].items())
