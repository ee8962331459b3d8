"""`dcat.jsonld`: the publication as a catalogue in DCAT-AP-SE, for data portals."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ame_warehouse.dictionary.entries import TableEntry
from ame_warehouse.dictionary.project import Seeds
from ame_warehouse.publish.datapackage import ABOUT, KEYWORDS, MEDIA_TYPE, TITLE
from ame_warehouse.settings import Settings

EU = "http://publications.europa.eu/resource/authority"
CONTEXT = {
    "dcat": "http://www.w3.org/ns/dcat#",
    "dcterms": "http://purl.org/dc/terms/",
    "foaf": "http://xmlns.com/foaf/0.1/",
    "vcard": "http://www.w3.org/2006/vcard/ns#",
    "rdfs": "http://www.w3.org/2000/01/rdf-schema#",
    "spdx": "http://spdx.org/rdf/terms#",
    "xsd": "http://www.w3.org/2001/XMLSchema#",
    "adms": "http://www.w3.org/ns/adms#",
}
ABOUT_SV = (
    "Svensk kommunal arbetsmarknadsstatistik från Kolada och Arbetsförmedlingen: deltagare, anvisningar, "
    "kostnader, omvärld och inskrivna arbetslösa per kommun, med orsaken till varje värde som saknas."
)
THEME = f"{EU}/data-theme/SOCI"
SWEDEN = "http://sws.geonames.org/2661886"
FREQUENCIES = ("MONTHLY", "ANNUAL", "IRREG", "NEVER")
NOT_STATED = "Not stated (AME_PUBLISHER)"
Periods = dict[str, tuple[str, str]]
"""By `schema.table`: first and last day that its rows refer to (ISO dates)."""


@dataclass(frozen=True)
class Catalogue:
    """What the catalogue is made of; addresses are below AME_PUBLIC_URL, or relative without it."""

    settings: Settings
    manifest: dict[str, Any]
    tables: list[TableEntry]
    periods: Periods
    known: Seeds

    def document(self) -> dict[str, Any]:
        """Return the JSON-LD: one catalogue, a dataset for the whole warehouse and one for each table."""
        datasets = [self._whole(), *(self._dataset(table) for table in self.tables)]
        about = {
            "@id": self._at("#catalogue"),
            "@type": "dcat:Catalog",
            "dcterms:title": _both(TITLE, TITLE),
            "dcterms:description": _both(ABOUT_SV, ABOUT),
            "dcat:themeTaxonomy": {"@id": f"{EU}/data-theme"},
            "dcat:dataset": [{"@id": dataset["@id"]} for dataset in datasets],
        }
        shared = self._shared()
        about |= {name: shared[name] for name in ("dcterms:publisher", "dcterms:language", "dcterms:spatial")}
        about["dcterms:modified"] = shared["dcterms:modified"]
        return {"@context": CONTEXT, "@graph": [about, *self._agents(), *datasets]}

    def _at(self, path: str) -> str:
        return f"{self.settings.public_url.rstrip('/')}/{path}" if self.settings.public_url else path

    def _agents(self) -> list[dict[str, Any]]:
        name, mail = self.settings.publisher, self.settings.contact_email
        agents: list[dict[str, Any]] = [
            {"@id": self._at("#publisher"), "@type": "foaf:Agent", "foaf:name": name or NOT_STATED}
        ]
        if mail:
            agents.append(
                {
                    "@id": self._at("#contact"),
                    "@type": "vcard:Organization",
                    "vcard:fn": name or mail,
                    "vcard:hasEmail": {"@id": f"mailto:{mail}"},
                }
            )
        return agents

    def _shared(self) -> dict[str, Any]:
        shared: dict[str, Any] = {
            "dcterms:publisher": {"@id": self._at("#publisher")},
            "dcat:theme": {"@id": THEME},
            "dcterms:spatial": {"@id": SWEDEN},
            "dcterms:accessRights": {"@id": f"{EU}/access-right/PUBLIC"},
            "dcterms:modified": {"@value": self.manifest["built_at"], "@type": "xsd:dateTime"},
            "dcterms:language": [{"@id": f"{EU}/language/SWE"}, {"@id": f"{EU}/language/ENG"}],
        }
        if self.settings.contact_email:
            shared["dcat:contactPoint"] = {"@id": self._at("#contact")}
        return shared

    def _whole(self) -> dict[str, Any]:
        used = [item for item in self.known.sources if any(item in table.source_ids for table in self.tables)]
        days = [day for span in self.periods.values() for day in span]
        found = {
            "@id": self._at("#warehouse"),
            "@type": "dcat:Dataset",
            "dcterms:identifier": f"ame-warehouse/{self.manifest['version']}",
            "dcterms:title": _both(TITLE, "The whole warehouse"),
            "dcterms:description": _both(ABOUT_SV, ABOUT),
            "dcat:keyword": _words(KEYWORDS),
            **self._of(used),
            "dcterms:hasPart": [{"@id": self._at(f"#{table.full_name}")} for table in self.tables],
            "dcat:distribution": [
                self._distribution("warehouse.duckdb", "application/octet-stream", used),
                self._distribution("datapackage.json", "application/json", used),
            ],
        }
        return found | (_temporal(min(days), max(days)) if days else {})

    def _dataset(self, table: TableEntry) -> dict[str, Any]:
        path = f"parquet/{table.schema}/{table.name}.parquet"
        name = (table.name_sv or table.name).replace("_", " ").capitalize()
        found = {
            "@id": self._at(f"#{table.full_name}"),
            "@type": "dcat:Dataset",
            "dcterms:identifier": f"ame-warehouse/{self.manifest['version']}/{table.full_name}",
            "dcterms:title": _both(name, table.full_name),
            "dcterms:description": {"@value": table.description, "@language": "en"},
            "dcat:keyword": _words([name, *KEYWORDS]),
            **self._of(table.source_ids),
            "dcat:distribution": [self._distribution(path, MEDIA_TYPE, table.source_ids)],
        }
        span = self.periods.get(table.full_name)
        return found | (_temporal(*span) if span else {})

    def _of(self, source_ids: list[str]) -> dict[str, Any]:
        """Return what every dataset says, with the sources and the frequency of the most frequent."""
        sources = [self.known.sources[item] for item in source_ids]
        frequency = min((source["frequency"] for source in sources), key=FREQUENCIES.index, default="IRREG")
        pages = [{"@id": source["homepage"]} for source in sources if source["homepage"]]
        found = self._shared() | {"dcterms:accrualPeriodicity": {"@id": f"{EU}/frequency/{frequency}"}}
        return found | ({"dcterms:source": pages} if pages else {})

    def _distribution(self, path: str, media_type: str, source_ids: list[str]) -> dict[str, Any]:
        """Return a distribution; licence and rights say what is known, and no more."""
        sources = [self.known.sources[item] for item in source_ids]
        held = self.manifest["files"].get(path)
        found: dict[str, Any] = {
            "@id": self._at(f"#file:{path}"),
            "@type": "dcat:Distribution",
            "dcterms:title": path,
            "dcat:accessURL": {"@id": self._at(path)},
            "dcat:downloadURL": {"@id": self._at(path)},
            "dcterms:format": media_type,
            "dcat:mediaType": {"@id": f"https://www.iana.org/assignments/media-types/{media_type}"},
            "dcterms:license": [_license(source) for source in sources],
            "dcterms:rights": [_rights(source) for source in sources],
        }
        if held:
            found["dcat:byteSize"] = {"@value": str(held["bytes"]), "@type": "xsd:nonNegativeInteger"}
            found["spdx:checksum"] = {
                "@type": "spdx:Checksum",
                "spdx:algorithm": {"@id": "spdx:checksumAlgorithm_sha256"},
                "spdx:checksumValue": {"@value": held["sha256"], "@type": "xsd:hexBinary"},
            }
        return found


def _rights(source: dict[str, str]) -> dict[str, str]:
    text = f"{source['name']}: {source['attribution']}. {source['note']}".strip()
    return {"@type": "dcterms:RightsStatement", "rdfs:label": text}


def _license(source: dict[str, str]) -> dict[str, Any]:
    return {
        "@type": "dcterms:LicenseDocument",
        "dcterms:type": {"@id": f"http://purl.org/adms/licencetype/{source['licence_type']}"},
        "rdfs:label": f"{source['name']}: {source['licence']}",
    }


def _temporal(first: str, last: str) -> dict[str, Any]:
    return {
        "dcterms:temporal": {
            "@type": "dcterms:PeriodOfTime",
            "dcat:startDate": {"@value": first, "@type": "xsd:date"},
            "dcat:endDate": {"@value": last, "@type": "xsd:date"},
        }
    }


def _words(words: list[str]) -> list[dict[str, str]]:
    return [{"@value": word, "@language": "sv"} for word in words]


def _both(swedish: str, english: str) -> list[dict[str, str]]:
    return [{"@value": swedish, "@language": "sv"}, {"@value": english, "@language": "en"}]
