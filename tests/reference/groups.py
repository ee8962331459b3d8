"""Expected content of `marts.group_summary`, `quality.gaps` and `quality.coverage`."""

from __future__ import annotations

from tests.reference.facts import GENDERS, Measure, groups, measures
from tests.reference.knowledge import AnyOf, Knowledge
from tests.reference.table import Row, RowKey, Table

PARTICIPANTS, POPULATION = "U40800", "N01951"


def weight_of(measure: Measure) -> str | None:
    """Return the KPI that weighs a measure's mean.

    Participants for KAS shares, population for measures per inhabitant or of the population.
    """
    if measure.is_kas and measure.unit == "percent":
        return PARTICIPANTS
    if measure.denominator.startswith("inhabitants") and measure.unit in ("percent", "sek_per_inhabitant"):
        return POPULATION
    return None


def mean(values: list[float]) -> float | None:
    """Return the unweighted mean, None of nothing."""
    return sum(values) / len(values) if values else None


def weighted(pairs: list[tuple[float, float]]) -> float | None:
    """Return the mean of (value, weight), None without weight."""
    total = sum(weight for _, weight in pairs)
    return sum(value * weight for value, weight in pairs) / total if total else None


def group_summary(known: Knowledge) -> Table:
    """Return the expected summary of each group, year, gender and measure."""
    kpis = {m.measure_id: kpi for kpi, m in measures().items()}
    required = {
        (group, year, gender, measure_id)
        for measure_id, kpi in kpis.items()
        for year in known.years_with_values(kpi)
        if year in known.years(kpi)
        for gender in measures()[kpi].genders
        if gender == "T" or gender in known.genders(kpi)
        for group, members in groups().items()
        if known.scope.intersection(members)
    }

    def row(key: RowKey) -> Row:
        group, year, gender, measure_id = key
        kpi = kpis[measure_id]
        measure, members = measures()[kpi], groups()[group]
        values = {p: v for p in members if (v := known.value(kpi, p, year, gender)) is not None}
        panel = [v for p, v in values.items() if known.value(kpi, p, year - 1, gender) is not None]
        lowest = min(values.items(), key=lambda item: (item[1], item[0]), default=(None, None))
        highest = min(values.items(), key=lambda item: (-item[1], item[0]), default=(None, None))
        columns: Row = {
            "n_members": len(members),
            "n_reporting": len(values),
            "missing_municipality_ids": tuple(p for p in members if p not in values),
            "mean_unweighted": _mean_column(measure, list(values.values())),
            "mean_constant_panel": _mean_column(measure, panel),
            "panel_n": len(panel),
            "sum_reported": sum(values.values()) if measure.unit == "persons" and values else None,
            "min_value": lowest[1],
            "min_municipality_id": lowest[0],
            "max_value": highest[1],
            "max_municipality_id": highest[0],
        }
        return columns | _weighted_columns(known, measure, values, year, gender)

    def allowed(key: RowKey) -> bool:
        group, year, gender, measure_id = key
        if group not in groups() or measure_id not in kpis or gender not in GENDERS:
            return False
        kpi = kpis[measure_id]
        return year in known.years(kpi) or year in known.years_with_values(kpi)

    return Table("marts.group_summary", ("group_id", "year", "gender", "measure_id"), required, row, allowed)


def _mean_column(measure: Measure, values: list[float]) -> object:
    """Return the mean; none of a rank, and of yes and no the mean or none."""
    if measure.unit == "ordinal":
        return None
    return AnyOf((mean(values), None)) if measure.unit == "boolean" else mean(values)


def _weighted_columns(
    known: Knowledge, measure: Measure, values: dict[str, float], year: int, gender: str
) -> Row:
    weight = weight_of(measure)
    if weight is None:
        return {"mean_weighted": None, "weight_measure_id": None}

    def by(weight_gender: str) -> float | None:
        return weighted(
            [
                (value, w)
                for place, value in values.items()
                if (w := known.value(weight, place, year, weight_gender)) is not None
            ]
        )

    result = by(gender)
    return {
        "mean_weighted": result,
        "weight_measure_id": measures()[weight].measure_id
        if result is not None
        else AnyOf((measures()[weight].measure_id, None)),
    }


def gaps(known: Knowledge) -> Table:
    """Return the expected gaps: every expected total without a value."""
    kpis = {m.measure_id: kpi for kpi, m in measures().items()}
    required = {
        (measure_id, place, year)
        for measure_id, kpi in kpis.items()
        for place, year, gender in known.expected(kpi)
        if gender == "T" and known.value(kpi, place, year) is None
    }

    def row(key: RowKey) -> Row:
        measure_id, place, year = key
        kpi = kpis[measure_id]
        reported = [y for y in range(1990, year) if known.value(kpi, place, y) is not None]
        last = max(reported, default=None)
        return {
            "missing_reason": known.reason(kpi, place, year),
            "kind": "new" if last == year - 1 else "chronic",
            "last_reported_year": last,
        }

    return Table(
        "quality.gaps",
        ("measure_id", "municipality_id", "year"),
        required,
        row,
        lambda _: False,
    )


def coverage(known: Knowledge) -> Table:
    """Return the expected and reported totals of each measure and year."""
    kpis = {m.measure_id: kpi for kpi, m in measures().items()}

    def row(key: RowKey) -> Row:
        measure_id, year = key
        missing = [p for p in sorted(known.scope) if known.value(kpis[measure_id], p, year) is None]
        return {
            "n_expected": len(known.scope),
            "n_reported": len(known.scope) - len(missing),
            "missing_municipality_ids": tuple(missing),
        }

    return Table(
        "quality.coverage",
        ("measure_id", "year"),
        {(measure_id, year) for measure_id, kpi in kpis.items() for year in known.years(kpi)},
        row,
        lambda _: False,
    )
