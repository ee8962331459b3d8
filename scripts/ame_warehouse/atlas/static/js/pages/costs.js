// Kostnad: net cost per inhabitant beside net cost per participant; what is preliminary and what lacks is said by name.
import {
  byId, cellOf, cells, el, failed, here, load, missingMark, missingText, number, quantity, recalled, remember, shortTitle, t,
} from "../core.js";
import {groupOptions, inGroup, options} from "../choices.js";
import {breakMarks, eventMarks, lineChart} from "../chart.js";
import {historyButton, sourceLine, vintageLine} from "../history.js";
import {dataTable} from "../table.js";

const RAW = "lmp_net_cost_per_inhabitant";
const OWN = "own_net_cost_sek_per_participant";
const RIKET = "0000";

async function start() {
  const [{years}, measures, places, groups, events] = await Promise.all(["costs", "measures", "places", "groups", "events"].map(load));
  if (!years.length) {
    byId("table").replaceChildren(el("p.note", {}, t("costs.nothing")));
    return;
  }
  const names = new Map(places.map((place) => [place.id, place]));
  const [raw, own] = await Promise.all([RAW, OWN].map((id) => (measures[id] ? load(`measure/${id}`) : {})));
  byId("year").replaceChildren(...[...years].reverse().map((year) => el("option", {value: year}, String(year))));
  groupOptions(byId("group"), groups, t("word.all_municipalities"));
  const municipalities = places.filter((place) => place.kind === "kommun" && (raw[place.id] || own[place.id])).sort((a, b) => a.name.localeCompare(b.name, "sv"));
  byId("place").replaceChildren(...municipalities.map((place) => el("option", {value: place.id}, place.name)));
  const first = mostKnown(municipalities.map((place) => place.id), raw);
  for (const [id, otherwise] of [["year", ""], ["group", ""], ["place", first]]) options.choose(byId(id), recalled(id) ?? otherwise);
  const show = async () => {
    const view = {year: Number(byId("year").value), groupId: byId("group").value, place: names.get(byId("place").value), measures, names, events, raw, own};
    remember({year: byId("year").selectedIndex ? view.year : null, group: view.groupId, place: view.place && view.place.id !== first ? view.place.id : null});
    view.group = groups.find((group) => group.id === view.groupId);
    view.means = view.group && (await load(`group/${view.group.id}`))[RAW]?.T;
    const rows = (await load(`costs/${view.year}`)).filter((row) => row.municipality_id !== RIKET && names.get(row.municipality_id)?.kind === "kommun" && inGroup(groups, view.groupId)(row.municipality_id));
    facts(rows, view);
    byId("table").replaceChildren(await costTable(rows, view));
    charts(view);
  };
  byId("controls").addEventListener("change", () => show().catch(failed));
  byId("controls").addEventListener("submit", (event) => event.preventDefault());
  await show();
}

/** The first of the municipalities with most years that have a cost. */
function mostKnown(ids, raw) {
  const known = (id) => cells(raw[id]?.T).filter((cell) => cell.value !== null).length;
  return ids.reduce((best, id) => (known(id) > known(best) ? id : best), ids[0]);
}

/** Who has both figures, the group's means as the marts have them, and riket. */
function facts(rows, view) {
  const both = rows.filter((row) => row.net_cost_sek_per_participant !== null).length;
  const fact = (term, shown, small) => el("div", {}, el("dt", {}, term), el("dd", {}, shown, small ? el("small", {}, ` ${small}`) : ""));
  const at = view.means?.y.indexOf(view.year) ?? -1;
  const riket = cellOf(view.raw[RIKET]?.T, view.year);
  byId("facts").replaceChildren(...[
    fact(t("costs.with_both"), number(both), t("costs.of", {n: rows.length})),
    at >= 0 && fact(t("costs.mean_weighted"), quantity(view.means.mean_weighted[at], "sek_per_inhabitant"), `${view.means.n_reporting[at]}/${view.means.n_members[at]}`),
    at >= 0 && fact(t("costs.mean_unweighted"), quantity(view.means.mean_unweighted[at], "sek_per_inhabitant"), `${view.means.n_reporting[at]}/${view.means.n_members[at]}`),
    riket && riket.value !== null && fact(t("costs.riket"), quantity(riket.value, "sek_per_inhabitant")),
  ].filter(Boolean));
}

async function costTable(rows, view) {
  const named = rows.map((row) => ({...row, year: view.year, municipality: view.names.get(row.municipality_id).name, preliminary: row.is_preliminary ? t("word.preliminary") : "", inputs: inputNames(row.missing_inputs)}));
  const hasAny = (key) => named.some((row) => row[key] !== null);
  const longest = (key) => Math.max(1, ...named.map((row) => row[key] ?? 0));
  const barred = (key, reasonKey, header, kind, longestValue = longest(key)) => ({
    key, header, isNumber: true, show: (row) => barOrReason(row[key], row[reasonKey], row.is_preliminary, kind, longestValue),
    exportKeys: [{key, header: key}, {key: reasonKey, header: reasonKey}],
  });
  const plain = (key, reasonKey, header) => ({
    key, header, isNumber: true, show: (row) => (row[key] === null ? missing(row[reasonKey]) : number(row[key])),
    exportKeys: [{key, header: key}, {key: reasonKey, header: reasonKey}],
  });
  const columns = [
    {key: "municipality", header: t("word.municipality"), isHead: true, show: (row) => el("a", {href: `${here}kommun/${row.municipality_id}.html`}, row.municipality),
      exportKeys: ["municipality_id", "municipality", "year"].map((key) => ({key, header: key}))},
    barred("net_cost_sek_per_inhabitant", "net_cost_missing_reason", t("costs.per_inhabitant"), "raw"),
    barred("net_cost_sek_per_participant", "missing_reason", t("costs.per_participant"), "own"),
    plain("participants", "participants_missing_reason", t("costs.participants")),
    plain("population", "population_missing_reason", t("costs.population")),
    ...(hasAny("gross_cost_sek_per_inhabitant") ? [plain("gross_cost_sek_per_inhabitant", "gross_cost_missing_reason", t("costs.gross"))] : []),
    ...(hasAny("income_sek_per_inhabitant") ? [plain("income_sek_per_inhabitant", "income_missing_reason", t("costs.income"))] : []),
    {key: "inputs", header: t("costs.lacks"), show: (row) => row.inputs || "–", exportKeys: [{key: "missing_inputs", header: "missing_inputs"}, {key: "is_preliminary", header: "is_preliminary"}]},
    {key: "history", header: t("history.open"), isLeftOut: true, show: (row) => historyButton(OWN, view.names.get(row.municipality_id))},
  ];
  const used = named.map((row) => cellOf(view.raw[row.municipality_id]?.T, view.year)).filter(Boolean);
  const source = [sourceLine(view.measures[RAW], view.measures), await vintageLine(used), t("costs.own_source"), view.means && t("costs.means_own")].filter(Boolean);
  return el("div", {},
    dataTable(columns, named, {caption: t("costs.caption", {year: view.year}), name: `kostnad_${view.year}`, source, isFiltered: true, sortBy: [{id: "municipality", desc: false}]}),
    named.some((row) => row.is_preliminary) ? el("p.note", {}, t("costs.preliminary")) : null);
}

const inputNames = (ids) => (ids ? ids.split(",").map((id) => t(`costs.input.${id}`)).join(", ") : "");
const missing = (reason) => el("abbr.missing", {title: missingText(reason)}, missingMark(reason));

function barOrReason(value, reason, isPreliminary, kind, longest) {
  if (value === null) return missing(reason);
  const bar = el(`span.amount.${kind}`, {"aria-hidden": "true"}, el("span"));
  bar.firstChild.style.width = `${Math.max(0, (value / longest) * 100)}%`;
  const shown = number(value);
  return el("span.barred", {}, bar, isPreliminary ? el("abbr.preliminary", {title: t("word.preliminary")}, `${shown}*`) : shown);
}

/** The years of one municipality: per inhabitant beside per participant; one year alone is no chart. */
function charts(view) {
  const {place, means, measures} = view;
  const lists = {
    [RAW]: [
      {name: place?.name, cells: cells(view.raw[place?.id]?.T), isMain: true},
      ...(means ? [{name: t("municipality.mean", {name: view.group.name}), cells: means.y.map((year, i) => ({year, value: means.is_thinly_reported[i] ? null : means.mean_unweighted[i], reason: null}))}] : []),
      {name: t("word.riket"), cells: cells(view.raw[RIKET]?.T)},
    ],
    [OWN]: [{name: place?.name, cells: cells(view.own[place?.id]?.T), isMain: true, colour: "#b3541e"}],
  };
  byId("charts").replaceChildren(...Object.entries(lists).map(([id, lines]) => {
    const measure = measures[id];
    if (!place || !measure || lines[0].cells.filter((cell) => cell.value !== null).length < 2) {
      return el("p.note", {}, t("costs.one_year", {measure: measure ? shortTitle(id, measure) : id, place: place?.name ?? "–"}));
    }
    return el("div", {}, lineChart(lines, {title: `${shortTitle(id, measure)}, ${place.name}`, unit: measure.unit, events: eventMarks(view.events), breaks: breakMarks([measure])}), el("p.source", {}, sourceLine(measure, measures)));
  }));
}

start().catch(failed);
