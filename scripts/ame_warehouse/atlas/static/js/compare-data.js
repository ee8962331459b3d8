// What a comparison is made of: one list of cells per place or mean, differences between them, one row per number.
import {cells, day, decimalsOf, load, missingText, t} from "./core.js";

export const RIKET = "0000";
const NO_ARITHMETIC = new Set(["ordinal", "boolean"]);

/** Return the unit of a difference: shares differ by percentage points; an order has no differences. */
export function differenceUnit(unit) {
  if (NO_ARITHMETIC.has(unit)) return null;
  return unit === "percent" ? "percentage_points" : unit;
}

const within = (view) => (cell) => cell.year >= view.from && cell.year <= view.to;
const stable = (value) => Number(value.toFixed(6));

/** Return what is compared: `{id, name, cells, place | group}`, the places first, then the mean of a group. */
export async function comparedLists(view) {
  const series = await load(`measure/${view.measureId}`);
  const dated = await vintagesOfOwn(view);
  const lists = view.places.map((place) => ({
    id: place.id, name: place.name, place,
    cells: cells(series[place.id]?.[view.gender]).filter(within(view)).map((cell) => ({...cell, vintages: dated ? dated(place.id, cell.year) : [cell.vintage].filter((n) => n !== null && n !== undefined)})),
  }));
  const means = view.group && (await load(`group/${view.group.id}`))[view.measureId]?.[view.gender];
  return means ? [...lists, {id: view.group.id, name: t("municipality.mean", {name: view.group.name}), group: view.group, cells: meanCells(means).filter(within(view))}] : lists;
}

function meanCells(means) {
  return means.y.map((year, i) => ({
    year, value: means.mean_unweighted[i], reason: null, reporting: means.n_reporting[i], members: means.n_members[i], isThin: means.is_thinly_reported[i],
    missing: (means.missing_municipality_ids[i] || "").split(",").filter(Boolean), vintages: [],
  }));
}

/** For a measure of our own: the vintages of what it is made of, by place and year; null for one of the source. */
async function vintagesOfOwn(view) {
  if (!view.measure.own) return null;
  const inputs = await Promise.all(view.measure.inputs.filter((id) => view.measures[id]).map((id) => load(`measure/${id}`)));
  return (placeId, year) => [...new Set(inputs.flatMap((series) => cells(series[placeId]?.T).filter((cell) => cell.year === year).map((cell) => cell.vintage)))].filter((n) => n !== null && n !== undefined);
}

/** Return the change of a list from the first to the last year chosen; null where either is missing, and for a mean of other members. */
export function change(list, view) {
  const [first, last] = [view.from, view.to].map((year) => list.cells.find((cell) => cell.year === year));
  const isKnown = [first, last].every((cell) => cell && cell.value !== null);
  if (!isKnown || view.from === view.to || first.missing?.join() !== last.missing?.join()) return null;
  return stable(last.value - first.value);
}

/** Return the differences of the first two lists year by year: `{year, value, reason}`. */
export function differences([one, other]) {
  return one.cells.flatMap((cell) => {
    const against = other.cells.find(({year}) => year === cell.year);
    if (!against) return [];
    const isKnown = cell.value !== null && against.value !== null;
    return [{year: cell.year, value: isKnown ? stable(cell.value - against.value) : null, reason: isKnown ? null : cell.reason ?? against.reason, vintages: [...new Set([...cell.vintages, ...against.vintages])]}];
  });
}

/** Return the breaks between the years chosen: a change across one does not compare the same thing. */
export const breaksWithin = (view) => (view.measure.breaks ?? []).filter((one) => !one.is_bridged && one.year > view.from && one.year <= view.to);

/** Return whether a list is given by the source, or calculated by us. */
export const sourceOf = (list, view) => (view.measure.own || list.group || list.isDifference ? t("compare.source_own") : t("compare.source_raw"));

/** Return one row per number, as the download has them: numbers as numbers, nothing where nothing is, and why. */
export function longRows(lists, view, vintages) {
  return lists.flatMap((list) => list.cells.map((cell) => {
    const known = cell.vintages.map((n) => vintages[n]);
    const days = (key) => [...new Set(known.map((one) => one[key] && day(one[key])).filter(Boolean))].sort().join(", ");
    return {
      place_id: list.id, place: list.name, year: cell.year, gender: view.gender, measure_id: view.measureId, measure: view.title,
      value: cell.value, unit: list.isDifference ? differenceUnit(view.measure.unit) : view.measure.unit,
      missing_reason: cell.reason, reason_text: cell.reason ? missingText(cell.reason) : "",
      state: cell.isPreliminary ? t("word.preliminary") : "", source: sourceOf(list, view), kpi_id: view.measure.kpi_id ?? view.measure.inputs.map((id) => view.measures[id]?.kpi_id ?? id).join(", "),
      vintage: days("vintage"), retrieved_at: days("fetched_at"), origin: [...new Set(known.map((one) => one.origin).filter(Boolean))].join(", "),
      n_reporting: cell.reporting ?? null, n_members: cell.members ?? null, missing_municipality_ids: cell.missing?.join(",") ?? "", list,
    };
  }));
}

/** Return the lists without the first and last years in which nobody has a value. */
export function withoutEmptyEnds(lists) {
  const known = lists.flatMap((list) => list.cells.filter((cell) => cell.value !== null).map((cell) => cell.year));
  const [first, last] = [Math.min(...known), Math.max(...known)];
  return lists.map((list) => ({...list, cells: list.cells.filter((cell) => cell.year >= first && cell.year <= last)}));
}

export const decimalsFor = (lists, unit) => decimalsOf(unit, lists.filter((list) => list.place).flatMap((list) => list.cells.map((cell) => cell.value)));
