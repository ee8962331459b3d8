"""datapackage.json and dcat.jsonld: valid, of the same place as the dictionary, and true of the files."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import duckdb
import pytest
from frictionless import Package
from rdflib import RDF, Dataset, Graph, Namespace, URIRef

from ame_warehouse.dictionary.table import write_dictionary
from ame_warehouse.publish import manifest as manifests
from ame_warehouse.publish import metadata, publisher, rollback
from ame_warehouse.settings import Settings

DCAT = Namespace("http://www.w3.org/ns/dcat#")
DCTERMS = Namespace("http://purl.org/dc/terms/")
FOAF = Namespace("http://xmlns.com/foaf/0.1/")
ADMS = Namespace("http://purl.org/adms/licencetype/")
EU = "http://publications.europa.eu/resource/authority"
CREATE = """
create schema marts; create schema quality; create schema seeds;
create table marts.dim_municipality as select '1480' as municipality_id, 'Göteborg' as municipality;
create table marts.costs as select '1480' as municipality_id, 2022::integer as year,
1.5::double as net_cost_sek;
create table marts.jobseekers_monthly as
select '1480' as municipality_id, date '2024-02-01' as month, 3.0::double as value, true as is_expected;
create table quality.failing_x as select '1480' as municipality_id, 1::hugeint as odd;
"""
TEST = {"resource_type": "test", "attached_node": "m", "config": {"severity": "ERROR"}}


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    changes = {"publisher": "Testkommun", "contact_email": "data@example.se"}
    return Settings(home=tmp_path / "home", public_url="https://data.example/ame/", _env_file=None, **changes)


def publish(settings: Settings, version: str) -> dict[str, Any]:
    target = settings.build / "target" / "manifest.json"
    target.parent.mkdir(parents=True, exist_ok=True)
    key = {"name": "unique_combination", "kwargs": {"columns": ["municipality_id", "year"]}}
    model = {"resource_type": "model", "schema": "marts", "alias": "costs"}
    target.write_text(json.dumps({"nodes": {"m": model, "t": {**TEST, "test_metadata": key}}}))
    candidate = settings.build / f"{version}.duckdb"
    with duckdb.connect(str(candidate)) as con:
        con.execute(CREATE)
        write_dictionary(con, settings)
    return publisher.publish(settings, publisher.Publication(version, "f", candidate, "2026-01-02T03:04:05Z"))


def test_the_data_package_is_valid_and_true(settings: Settings) -> None:
    body = publish(settings, "20260101T000000Z-00000001")
    path = settings.published / "datapackage.json"
    found = json.loads(path.read_text(encoding="utf-8"))
    package = Package(str(path))
    assert list(Package.metadata_validate(found)) == []
    assert package.get_resource("marts.costs").schema.get_field("net_cost_sek").type == "number"
    assert found["version"] == body["version"]
    by_name = {resource["name"]: resource for resource in found["resources"]}
    assert set(by_name) == set(body["tables"])
    for name, resource in by_name.items():
        data = (settings.published / resource["path"]).read_bytes()
        assert resource["bytes"] == len(data)
        assert resource["hash"] == f"sha256:{hashlib.sha256(data).hexdigest()}"
        with duckdb.connect() as con:
            held = con.sql(f"from '{settings.published / resource['path']}'")
            assert held.columns == [field["name"] for field in resource["schema"]["fields"]], name
            assert held.shape[0] == resource["rows"]
        assert all(
            field["description"] and field["unit"] and field["source"]
            for field in resource["schema"]["fields"]
        )
    costs = by_name["marts.costs"]
    assert costs["schema"]["primaryKey"] == ["municipality_id", "year"]
    assert costs["schema"]["foreignKeys"] == [
        {
            "fields": ["municipality_id"],
            "reference": {"resource": "marts.dim_municipality", "fields": ["municipality_id"]},
        }
    ]
    assert costs["title"] == "kostnader"
    assert costs["sources"][0]["attribution"] == "Källa: Kolada"
    assert costs["licenses"][0]["name"] == "other-at"
    types = {
        field["name"]: field["type"] for field in by_name["marts.jobseekers_monthly"]["schema"]["fields"]
    }
    assert types == {
        "municipality_id": "string",
        "month": "date",
        "value": "number",
        "is_expected": "boolean",
    }
    text = path.read_text(encoding="utf-8")
    assert not any(licence in text for licence in ("CC0", "CC-BY", "CC BY", "creativecommons"))


def graph_of(settings: Settings) -> Graph:
    text = (settings.published / "dcat.jsonld").read_text(encoding="utf-8")
    held = Dataset(default_union=True)
    held.parse(data=text, format="json-ld", publicID="https://elsewhere.example/")
    found = Graph()
    for triple in held.triples((None, None, None)):
        found.add(triple[:3])
    return found


def test_the_catalogue_has_what_dcat_ap_se_asks_for(settings: Settings) -> None:
    body = publish(settings, "20260101T000000Z-00000001")
    found = graph_of(settings)
    base = "https://data.example/ame/"
    (catalogue,) = found.subjects(RDF.type, DCAT.Catalog)
    datasets = set(found.subjects(RDF.type, DCAT.Dataset))
    assert set(found.objects(catalogue, DCAT.dataset)) == datasets
    assert {str(one).removeprefix(f"{base}#") for one in datasets} == {"warehouse", *body["tables"]}
    publisher_id = URIRef(f"{base}#publisher")
    assert str(found.value(publisher_id, FOAF.name)) == "Testkommun"
    for one in [catalogue, *datasets]:
        languages = {text.language for text in found.objects(one, DCTERMS.title)}
        assert languages == {"sv", "en"}
        assert found.value(one, DCTERMS.description)
        assert found.value(one, DCTERMS.publisher) == publisher_id
        assert found.value(one, DCTERMS.spatial) == URIRef("http://sws.geonames.org/2661886")
    for one in datasets:
        assert found.value(one, DCAT.theme) == URIRef(f"{EU}/data-theme/SOCI")
        assert str(found.value(one, DCTERMS.accrualPeriodicity)).startswith(f"{EU}/frequency/")
        assert found.value(one, DCAT.contactPoint) == URIRef(f"{base}#contact")
        for part in found.objects(one, DCAT.distribution):
            assert (part, RDF.type, DCAT.Distribution) in found
            assert str(found.value(part, DCAT.accessURL)).startswith(base)
            assert found.value(part, DCTERMS.license)
            assert found.value(part, DCTERMS.rights)
    costs, monthly = URIRef(f"{base}#marts.costs"), URIRef(f"{base}#marts.jobseekers_monthly")
    assert found.value(costs, DCTERMS.accrualPeriodicity) == URIRef(f"{EU}/frequency/ANNUAL")
    assert found.value(costs, DCTERMS.source) == URIRef("https://www.kolada.se")
    (part,) = found.objects(costs, DCAT.distribution)
    assert [found.value(each, DCTERMS.type) for each in found.objects(part, DCTERMS.license)] == [
        ADMS.Attribution
    ]
    period = found.value(monthly, DCTERMS.temporal)
    assert (str(found.value(period, DCAT.startDate)), str(found.value(period, DCAT.endDate))) == (
        "2024-02-01",
        "2024-02-29",
    )


def test_what_is_not_known_is_not_invented(settings: Settings) -> None:
    plain = Settings(home=settings.home, _env_file=None)
    publish(plain, "20260101T000000Z-00000001")
    found = graph_of(plain)
    assert "Not stated (AME_PUBLISHER)" in {str(name) for name in found.objects(None, FOAF.name)}
    assert not list(found.objects(None, DCAT.contactPoint))
    addresses = {str(one) for one in found.objects(None, DCAT.accessURL)}
    assert "https://elsewhere.example/warehouse.duckdb" in addresses  # relative to where the document stands


def test_the_metadata_are_part_of_a_version(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    """They are checked like the other files, and a rollback brings back those of its version."""
    first = publish(settings, "20260101T000000Z-00000001")
    second = publish(settings, "20260102T000000Z-00000002")
    assert set(metadata.FILES) <= set(second["files"])
    for name in metadata.FILES:
        assert second["version"] in (settings.published / name).read_text(encoding="utf-8")
    (settings.published / "dcat.jsonld").write_text("{}", encoding="utf-8")
    assert not publisher.is_intact(settings)
    rollback.put_back(settings, first["version"], by="test", reason="test")
    assert publisher.is_intact(settings)
    for name in metadata.FILES:
        assert first["version"] in (settings.published / name).read_text(encoding="utf-8")
    monkeypatch.setattr(metadata, "write_metadata", lambda *_: None)
    publish(settings, "20260103T000000Z-00000003")
    assert not (settings.published / "dcat.jsonld").exists()
    assert manifests.read_manifest(settings)
