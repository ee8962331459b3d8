// Kommun: what Arbetsförmedlingen says month by month. Numbers of persons, shares by denominator, the newest month, density.
import {day, decimalsOf, el, load, number, quantity, shortTitle, t} from "./core.js";
import {lineChart} from "./chart.js";
import {valueNode} from "./history.js";
import {dataTable} from "./table.js";

const COUNTS = ["af_jobseekers", "af_jobseekers_over_6_months", "af_jobseekers_over_12_months", "af_jobseekers_over_24_months"];
const SHARES = ["af_jobseekers_share_bas", "af_jobseekers_share_rams"];
const RIKET = "0000";
const shortName = (id) => t(`measure.short.${id}`);

/** Return the months of a measure as cells: the year as a number (2021 + 1/12 is February), its name as the label. */
function monthCells(data, id, gender) {
  const series = data.series[id]?.[gender];
  if (!series) return [];
  return data.months.map((month, i) => ({
    label: month, year: Number(month.slice(0, 4)) + (Number(month.slice(5)) - 1) / 12, value: series.v[i], reason: series.r[i],
  })).filter((cell) => cell.value !== null || cell.reason !== null);
}

const yearCells = (data, id, gender) => (data.years[id]?.[gender]?.y ?? []).map((year, i) => {
  const {v, r, months} = data.years[id][gender];
  return {year, value: v[i], reason: r[i], months: months[i]};
});

/** Return the section, or null where there are no monthly figures of the municipality. */
export async function jobseekersSection(view, partner) {
  const {measures, places} = await load("jobseekers");
  const others = [partner, {id: RIKET, name: t("word.riket")}].filter((one) => one && places.includes(one.id));
  const [data, ...othersData] = await Promise.all([view.place, ...others].map(({id}) => load(`jobseekers/${id}`)));
  const source = sourceLines(data);
  const shown = {...view, data, measures, source, others: others.map((one, i) => ({...one, data: othersData[i]}))};
  return el("section.topic", {"aria-labelledby": "jobseekers"},
    el("h2", {id: "jobseekers"}, t("topic.jobseekers")),
    isMadeUp(data) ? el("p.notice", {}, t("jobseekers.synthetic")) : null,
    el("p.note", {}, t("jobseekers.definition"), " ", ages(measures[COUNTS[0]])),
    counts(shown), shares(shown), latest(shown), density(shown), months(shown));
}

const isMadeUp = (data) => data.fetched.some((one) => one.origin === "synthetic");

/** Return the source, when its figures were retrieved, and that they are made up where they are. */
export function sourceLines(data) {
  const days = [...new Set(data.fetched.map((one) => day(one.fetched_at)))].sort();
  const when = days.length > 2 ? `${days[0]} – ${days.at(-1)}` : days.join(", ");
  return [t("jobseekers.source"), t("source.vintage", {days: when}), isMadeUp(data) && t("jobseekers.synthetic_short")].filter(Boolean);
}

/** Say which ages are counted from when. */
const ages = (measure) => t("jobseekers.ages", {spans: (measure?.spans ?? []).map((one) => t("jobseekers.age_from", {span: one.age_span.replace("-", "–"), month: one.month})).join(", ")});

/** Events and breaks of some measures on an axis of months. */
function onAxis(ids, {measures, events}) {
  const at = (month) => Number(month.slice(0, 4)) + (Number(month.slice(5, 7)) - 1) / 12;
  const breaks = ids.flatMap((id) => (measures[id]?.spans ?? []).filter((one) => one.is_series_break)).map((one) => ({
    year: at(one.month), when: one.month, title: one.has_same_ages === false ? t("jobseekers.break.ages", {span: one.age_span.replace("-", "–")}) : t("jobseekers.break.denominator"),
  }));
  const placed = events.map((event) => ({...event, year: event.precision === "year" ? event.year : at(event.date)}));
  return {events: placed, breaks: [...new Map(breaks.map((one) => [`${one.when} ${one.title}`, one])).values()], areEventsListed: false, perYear: 12};
}

function counts(view) {
  const ids = COUNTS.filter((id) => view.data.series[id]);
  if (!ids.length) return null;
  const lines = ids.map((id, i) => ({name: shortName(id), isMain: i === 0, cells: monthCells(view.data, id, view.gender)}));
  const columns = ids.map((id) => ({name: shortName(id), unit: "persons", cells: yearCells(view.data, id, view.gender)}));
  return block("counts", t("jobseekers.counts"), null, lines, columns, {unit: "persons", ...onAxis(ids, view)}, view);
}

/** Shares by their denominator: two measures that never make one line; beside the pair's and riket's by the newest denominator. */
function shares(view) {
  const ids = SHARES.filter((id) => view.data.series[id]);
  if (!ids.length) return null;
  const compared = view.others.filter((one) => one.data.series[ids[0]]?.[view.gender]);
  const named = [
    ...ids.map((id) => ({name: shortName(id), data: view.data, id})),
    ...compared.map((one) => ({name: `${one.name}, ${shortName(ids[0])}`, data: one.data, id: ids[0]})),
  ];
  const lines = named.map(({name, data, id}, i) => ({name, isMain: i === 0, cells: monthCells(data, id, view.gender)}));
  const columns = named.map(({name, data, id}) => ({name, unit: "percent", cells: yearCells(data, id, view.gender)}));
  return block("shares", t("jobseekers.shares"), t("jobseekers.shares_text"), lines, columns, {unit: "percent", ...onAxis(ids, view)}, view);
}

/** A chart by month beside the means of the years, as the marts have them. */
function block(name, title, text, lines, columns, options, view) {
  const years = [...new Set(columns.flatMap((column) => column.cells.map((cell) => cell.year)))].sort();
  const rows = years.map((year) => {
    const found = columns.map((column) => column.cells.find((cell) => cell.year === year));
    return {year, found, ...Object.fromEntries(found.flatMap((cell, i) => [[`c${i}`, cell?.value ?? null], [`r${i}`, cell?.reason ?? null], [`n${i}`, cell?.months ?? null]]))};
  });
  const table = dataTable([
    {key: "year", header: t("word.year"), isHead: true},
    ...columns.map((column, i) => ({
      key: `c${i}`, header: column.name, isNumber: true, show: ({found}) => (found[i] ? valueNode(found[i], column.unit, decimalsOf(column.unit), true) : ""),
      exportKeys: [{key: `c${i}`, header: column.name}, {key: `r${i}`, header: `${column.name}: ${t("word.reason")}`}, {key: `n${i}`, header: `${column.name}: ${t("jobseekers.n_months")}`}],
    })),
  ], rows, {caption: t("jobseekers.years", {title}), name: `${view.place.id}_arbetsformedlingen_${name}_${view.gender}`, source: [t("jobseekers.years_own"), ...view.source], isSorted: false});
  return el("article.block", {"data-af": name},
    el("h3", {}, title),
    text && el("p.note", {}, text),
    el("div.side-by-side", {}, lineChart(lines, {title: t("chart.by_month", {title}), isTitled: false, description: t("jobseekers.in_table"), ...options}), table));
}

/** The newest month by age, birth and education, women and men beside each other. */
function latest(view) {
  const rows = new Map();
  for (const one of view.data.latest) {
    const key = one.age_group === "total" ? one.measure_id : `${one.measure_id} ${one.age_group}`;
    const name = one.age_group === "total" ? shortTitle(one.measure_id, view.measures[one.measure_id]) : t("jobseekers.age", {ages: one.age_group.replace("-", "–")});
    if (!rows.has(key)) rows.set(key, {key, name, measure_id: one.measure_id, age_group: one.age_group, month: one.month});
    rows.get(key)[one.gender] = one.value;
    rows.get(key)[`reason${one.gender}`] = one.reason;
  }
  if (!rows.size) return null;
  const list = [...rows.values()];
  const title = t("jobseekers.latest", {month: list[0].month});
  const columns = [
    {key: "key", header: t("jobseekers.who"), isHead: true, show: (row) => row.name, exportKeys: ["month", "measure_id", "age_group"].map((key) => ({key, header: key}))},
    ...["T", "K", "M"].map((gender) => ({
      key: gender, header: t(`gender.${gender}`), isNumber: true, show: (row) => (row[gender] === undefined ? "" : valueNode({value: row[gender], reason: row[`reason${gender}`]}, "persons", 0, true)),
      exportKeys: [{key: gender, header: gender}, {key: `reason${gender}`, header: `missing_reason_${gender}`}],
    })),
  ];
  return el("article.block", {"data-af": "latest"}, el("h3", {}, title, el("span.unit", {}, t("unit.name.persons"))),
    dataTable(columns, list, {caption: title, isCaptionHidden: true, name: `${view.place.id}_arbetsformedlingen_${list[0].month}`, source: view.source, isSorted: false}));
}

function density(view) {
  const found = view.data.density;
  if (!found) return null;
  const fact = (term, value, reason, unit) => el("div", {}, el("dt", {}, t(term)), el("dd", {}, value === null ? valueNode({value, reason}) : quantity(value, unit, unit === "percent" ? 1 : 2)));
  const main = found.is_main_municipality ? t("jobseekers.density.is_main") : null;
  return el("article.block", {"data-af": "density"},
    el("h3", {}, t("jobseekers.density", {month: found.month})),
    el("dl.figures", {},
      fact("jobseekers.density.per_km2", found.jobseekers_per_km2, found.density_missing_reason, "ratio"),
      found.riket_jobseekers_per_km2 === null ? null : fact("jobseekers.density.riket", found.riket_jobseekers_per_km2, null, "ratio"),
      fact("jobseekers.density.share", found.share_of_county_pct, found.share_missing_reason, "percent")),
    [found.density_class && t(`jobseekers.density.class.${found.density_class}`), main].filter(Boolean).map((text) => el("p.note", {}, text)),
    el("p.source", {}, [t("jobseekers.density_own"), ...view.source].join(" · ")));
}

/** Every month as a table, newest first. */
function months(view) {
  const ids = [...COUNTS, ...SHARES].filter((id) => view.data.series[id]?.[view.gender]);
  const series = ids.map((id) => view.data.series[id][view.gender]);
  const rows = view.data.months.map((month, i) => ({month, i, ...Object.fromEntries(ids.flatMap((id, n) => [[id, series[n].v[i]], [`${id}_reason`, series[n].r[i]]]))})).reverse();
  const columns = [
    {key: "month", header: t("word.month"), isHead: true, show: (row) => el("span.nowrap", {}, row.month)},
    ...ids.map((id) => ({
      key: id, header: shortName(id), isNumber: true, exportKeys: [{key: id, header: id}, {key: `${id}_reason`, header: `${id}_missing_reason`}],
      show: (row) => (row[id] === null && !row[`${id}_reason`] ? "" : valueNode({value: row[id], reason: row[`${id}_reason`]}, SHARES.includes(id) ? "percent" : "persons", SHARES.includes(id) ? 1 : 0, true)),
    })),
  ];
  return el("details.numbers.screen-only", {"data-af": "months"}, el("summary", {}, t("jobseekers.months", {n: number(rows.length)})),
    dataTable(columns, rows, {caption: t("jobseekers.months_caption"), name: `${view.place.id}_arbetsformedlingen_manader_${view.gender}`, source: view.source}));
}
