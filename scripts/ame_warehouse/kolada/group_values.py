"""The source's own means of our groups: asked for beside the municipalities, and dispensable."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from ame_warehouse.errors import SourceError
from ame_warehouse.kolada.plan import questions

if TYPE_CHECKING:
    from ame_warehouse.kolada.client import KoladaClient

GroupSets = list[dict[str, Any]]


def ask(
    client: KoladaClient, kpi_ids: Sequence[str], group_ids: Sequence[str], years: Sequence[int] | None
) -> tuple[GroupSets, list[dict[str, Any]]]:
    """Return what was asked for with the objects of the answers, and a finding when the source failed.

    A group's value is the unweighted mean of its members that have one; it is compared with ours, never
    published. Raises only what ends a fetch by intention (`StopFetchError`).
    """
    sets: GroupSets = []
    try:
        for question in questions(kpi_ids, group_ids, years) if group_ids else []:
            answer = client.data(question)
            sets.append(
                {
                    "kpi_ids": list(question.kpi_ids),
                    "group_ids": list(question.municipality_ids),
                    "objects": answer.objects,
                }
            )
    except SourceError as exc:
        finding = {
            "kind": "group_values",
            "severity": "info",
            "expected": "the source's own means of our groups",
            "found": "no usable answer; our means are not compared",
            "detail": str(exc),
        }
        return sets, [finding]
    return sets, []
