"""Expected content of participants, participant_changes, costs, context and outcomes; all tables together."""

from __future__ import annotations

from tests.reference.compositions import profile, referrals
from tests.reference.facts import GENDERS, RIKET, measures, places
from tests.reference.groups import coverage, gaps, group_summary
from tests.reference.knowledge import AnyOf, Knowledge
from tests.reference.table import Row, RowKey, Table

PARTICIPANTS, POPULATION = "U40800", "N01951"
NET, GROSS, INCOME = "N40011", "N40008", "N40002"
SMALL_BASE = 100
PRELIMINARY_YEAR = 2024  # so say the publication dates that the test server gives for the accounts
CONTEXT_TOPICS = (
    "unemployment",
    "long_term_unemployment",
    "social_assistance",
    "sorting_key",
    "population",
)
OUTCOME_TOPICS = ("outcomes", "staffing", "working_time", "organisation")
OTHER_TOPICS = ("participants", "costs", "holiday_jobs")  # no mart is named for them: outcomes may hold them


def expected_tables(known: Knowledge) -> list[Table]:
    """Return the expected content of every table that is calculated here."""
    return [
        participants(known),
        participant_changes(known),
        profile(known),
        referrals(known),
        costs(known),
        long_mart(known, "marts.context", CONTEXT_TOPICS),
        long_mart(known, "marts.outcomes", OUTCOME_TOPICS, OTHER_TOPICS),
        group_summary(known),
        gaps(known),
        coverage(known),
        observations(known),
    ]


def change(now: float | None, base: float | None) -> tuple[float | None, float | None]:
    """Return the change in persons and per cent; none when either is missing, no per cent of nothing."""
    if now is None or base is None:
        return None, None
    return now - base, (100 * (now - base) / base if base != 0 else None)


def participants(known: Knowledge) -> Table:
    """Return the expected participants by municipality, year and gender."""

    def row(key: RowKey) -> Row:
        place, year, gender = key
        now = known.value(PARTICIPANTS, place, year, gender)
        before = known.value(PARTICIPANTS, place, year - 1, gender)
        population = known.value(POPULATION, place, year, gender)
        persons, per_cent = change(now, before)
        return {
            "municipality": places()[place][0],
            "participants": now,
            "missing_reason": known.reason(PARTICIPANTS, place, year, gender),
            "change_persons": persons,
            "change_pct": per_cent,
            "population": population,
            "share_of_population_pct": None if now is None or not population else 100 * now / population,
            "is_small_base": any(n is not None and n < SMALL_BASE for n in (now, before)),
        }

    return Table(
        "marts.participants",
        ("municipality_id", "year", "gender"),
        set(known.expected(PARTICIPANTS) | known.observed(PARTICIPANTS)),
        row,
        lambda key: key[0] in places() and key[1] in _span(known, PARTICIPANTS) and key[2] in GENDERS,
    )


def participant_changes(known: Knowledge) -> Table:
    """Return the expected changes between every pair of years."""
    cells = known.expected(PARTICIPANTS) | known.observed(PARTICIPANTS)
    years: dict[tuple[str, str], list[int]] = {}
    for place, year, gender in sorted(cells):
        years.setdefault((place, gender), []).append(year)
    required = {
        (place, gender, base, year)
        for (place, gender), known_years in years.items()
        for base in known_years
        for year in known_years
        if base < year
    }

    def row(key: RowKey) -> Row:
        place, gender, base_year, year = key
        now = known.value(PARTICIPANTS, place, year, gender)
        base = known.value(PARTICIPANTS, place, base_year, gender)
        persons, per_cent = change(now, base)
        reasons = [known.reason(PARTICIPANTS, place, y, gender) for y in (year, base_year)]
        flat = [x for r in reasons if r is not None for x in (r if isinstance(r, AnyOf) else (r,))]
        if persons is not None:  # no per cent of zero: the persons stand, so a reason is not demanded
            flat = [None, "not_applicable"] if per_cent is None else [None]
        return {
            "base_participants": base,
            "participants": now,
            "change_persons": persons,
            "change_pct": per_cent,
            "missing_reason": AnyOf(flat),
        }

    span = _span(known, PARTICIPANTS)
    return Table(
        "marts.participant_changes",
        ("municipality_id", "gender", "base_year", "year"),
        set(required),
        row,
        lambda key: (
            key[0] in places()
            and key[1] in GENDERS
            and key[2] != key[3]
            and key[2] in span
            and key[3] in span
        ),
    )


def costs(known: Knowledge) -> Table:
    """Return the expected costs per inhabitant and per participant."""

    def row(key: RowKey) -> Row:
        place, year = key
        net, gross, income = (known.value(kpi, place, year) for kpi in (NET, GROSS, INCOME))
        inputs = {
            "net_cost": (NET, net),
            "population": (POPULATION, known.value(POPULATION, place, year)),
            "participants": (PARTICIPANTS, known.value(PARTICIPANTS, place, year)),
        }
        population, persons = inputs["population"][1], inputs["participants"][1]
        lacking = [name for name, (_, value) in inputs.items() if value is None]
        total = None if net is None or population is None else net * population
        per_participant = total / persons if total is not None and persons else None
        reason: str | AnyOf | None = None
        if persons == 0:
            reason = "not_applicable"
        elif lacking:
            reasons = [known.reason(inputs[name][0], place, year) for name in lacking]
            reason = AnyOf(x for r in reasons for x in (r if isinstance(r, AnyOf) else (r,)))
        return {
            "net_cost_sek_per_inhabitant": net,
            "gross_cost_sek_per_inhabitant": gross,
            "income_sek_per_inhabitant": income,
            "population": population,
            "participants": persons,
            "net_cost_sek": total,
            "net_cost_sek_per_participant": per_participant,
            "missing_reason": reason,
            "missing_inputs": tuple(lacking),
            "is_preliminary": year == PRELIMINARY_YEAR
            if (net, gross, income) != (None, None, None)
            else AnyOf((True, False, None)),
        }

    required = {
        (place, year)
        for kpi in (NET, GROSS, INCOME)
        for place, year, gender in known.expected(kpi) | known.observed(kpi)
        if gender == "T"
    }
    last = max((year for kpi in (NET, GROSS, INCOME, PARTICIPANTS) for year in known.years(kpi)), default=0)
    return Table(
        "marts.costs",
        ("municipality_id", "year"),
        set(required),
        row,
        lambda key: key[0] in places() and key[1] <= last,
    )


def long_mart(
    known: Knowledge, name: str, topics: tuple[str, ...], also_allowed: tuple[str, ...] = ()
) -> Table:
    """Return the expected rows of a mart with one row per municipality, year, gender and measure."""
    kpis = {m.measure_id: kpi for kpi, m in measures().items() if m.topic in (*topics, *also_allowed)}
    demanded = {measure_id: kpi for measure_id, kpi in kpis.items() if measures()[kpi].topic in topics}
    required = {
        (place, year, gender, measure_id)
        for measure_id, kpi in demanded.items()
        for place, year, gender in known.expected(kpi) | known.observed(kpi)
    }
    required |= {
        (RIKET, year, gender, measure_id)
        for measure_id, kpi in demanded.items()
        for (place, year, gender) in known.current.get(kpi, {})
        if place == RIKET and known.value(kpi, place, year, gender) is not None
    }

    def row(key: RowKey) -> Row:
        place, year, gender, measure_id = key
        kpi = kpis[measure_id]
        return {
            "value": known.value(kpi, place, year, gender),
            "unit": measures()[kpi].unit,
            "missing_reason": known.reason(kpi, place, year, gender),
        }

    return Table(
        name,
        ("municipality_id", "year", "gender", "measure_id"),
        set(required),
        row,
        lambda key: (
            key[0] in places()
            and key[3] in kpis
            and key[1] in _span(known, kpis[key[3]])
            and key[2] in GENDERS
        ),
    )


def observations(known: Knowledge) -> Table:
    """Return the expected newest version of every record that the source gave for a place."""
    kpis = {m.measure_id: kpi for kpi, m in measures().items()}
    required = {
        ("kolada", measures()[kpi].measure_id, place, str(year), gender)
        for kpi, place, year, gender in known.versions
    }

    def row(key: RowKey) -> Row:
        _, measure_id, place, period, gender = key
        kpi, year = kpis[measure_id], int(period)
        record = known.record(kpi, place, year, gender)
        columns: Row = {
            "value": known.value(kpi, place, year, gender),
            "missing_reason": known.reason(kpi, place, year, gender),
            "kpi_id": kpi,
        }
        if record is not None:
            columns["source_status"] = record[1] or AnyOf(("", None))
        return columns

    return Table(
        "marts.observations",
        ("source", "measure_id", "municipality_id", "period", "gender"),
        required,
        row,
        lambda key: (
            key[0] == "kolada"
            and key[1] in kpis
            and key[2] in places()
            and int(key[3]) in _span(known, kpis[key[1]])
            and key[4] in GENDERS
        ),
    )


def _span(known: Knowledge, kpi: str) -> range:
    """Return the years in which a row of the KPI may stand: expected, or in any record of the source."""
    years = {*known.years(kpi), *known.years_with_records(kpi)}
    return range(min(years), max(years) + 1) if years else range(0)
