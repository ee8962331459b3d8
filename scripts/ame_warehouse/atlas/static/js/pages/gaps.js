// Luckor: the heat map of one measure. Arrow keys go from cell to cell; what is known of a cell stands beside it.
import {
  byId, day, decimalsOf, el, failed, here, load, measureTitle, missingMark, missingText, number, quantity, recalled, remember, t, titleLanguage,
} from "../core.js";
import {exportButtons} from "../export.js";
import {groupOptions, inGroup, measureOptions, options} from "../choices.js";
import {historyButton, sourceLine, vintageLine} from "../history.js";
import {sourceLines as monthlySource} from "../jobseekers.js";

const isGap = (cell) => cell !== null && typeof cell === "object";
const kindOf = (cell) => (cell === null ? "none" : isGap(cell) ? cell.kind ?? "other" : "known");

async function start() {
  const [{measures: listed}, yearly, places, groups, byMonth, {measures: ofMonths}] = await Promise.all(["gaps", "measures", "places", "groups", "gaps_monthly", "jobseekers"].map(load));
  const measures = {...yearly, ...ofMonths};
  const monthly = new Set(byMonth.map((row) => row.measure_id));
  const all = [...listed, ...byMonth];
  const counts = new Map(all.map((row) => [row.measure_id, row]));
  measureOptions(byId("measure"), all.map((row) => row.measure_id), measures, (id) => (counts.get(id).gaps ? ` (${number(counts.get(id).gaps)})` : ""));
  groupOptions(byId("group"), groups, t("word.all_municipalities"));
  const wanted = {measure: recalled("measure") ?? defaultMeasure(listed), group: recalled("group") ?? "", order: recalled("order") ?? "name"};
  for (const [name, value] of Object.entries(wanted)) options.choose(byId(name), value);
  const names = new Map(places.map((place) => [place.id, place]));
  const show = async () => {
    const chosen = {measure: byId("measure").value, group: byId("group").value, order: byId("order").value};
    const isMonthly = monthly.has(chosen.measure);
    const whole = await load(`${isMonthly ? "gaps_monthly" : "gaps"}/${chosen.measure}`);
    const data = isMonthly ? ofYear(whole, yearOf(whole)) : whole;
    byId("months").hidden = !isMonthly;
    remember({measure: chosen.measure, group: chosen.group, order: chosen.order === "name" ? null : chosen.order, year: isMonthly ? byId("year").value : null});
    const named = new Map([...Object.entries(data.names ?? {}).map(([id, name]) => [id, {id, name, hasNoPage: true}]), ...names]);
    await heatMap(data, {...chosen, isMonthly, measure: measures[chosen.measure], id: chosen.measure, measures, names: named, member: inGroup(groups, chosen.group)});
  };
  byId("controls").addEventListener("change", () => show().catch(failed));
  byId("controls").addEventListener("submit", (event) => event.preventDefault());
  await show();
}

/** Fill the list of years of a measure by month; return the one chosen, else that of the newest gap. */
function yearOf({years, places}) {
  const whole = [...new Set(years.map((month) => month.slice(0, 4)))].reverse();
  const newest = whole.find((year) => Object.values(places).some((cells) => cells.some((cell, i) => isGap(cell) && years[i].startsWith(year))));
  const wanted = byId("year").value || recalled("year");
  byId("year").replaceChildren(...whole.map((year) => el("option", {value: year}, year)));
  byId("year").value = whole.includes(wanted) ? wanted : newest;
  return byId("year").value;
}

/** Return the months of one year of a heat map by month. */
function ofYear(data, year) {
  const from = data.years.findIndex((month) => month.startsWith(year));
  const to = data.years.findLastIndex((month) => month.startsWith(year)) + 1;
  const places = Object.fromEntries(Object.entries(data.places).map(([id, cells]) => [id, cells.slice(from, to)]));
  return {...data, years: data.years.slice(from, to), places};
}

const defaultMeasure = (listed) => (listed.find((row) => row.measure_id === "referral_share_af") ?? listed[0])?.measure_id;

async function heatMap(data, view) {
  const {years, places, coverage} = data;
  const gapsOf = (id) => places[id].filter((cell) => isGap(cell) && cell.kind).length;
  const byName = (a, b) => view.names.get(a).name.localeCompare(view.names.get(b).name, "sv");
  const ids = Object.keys(places).filter(view.member).sort((a, b) => (view.order === "gaps" ? gapsOf(b) - gapsOf(a) : 0) || byName(a, b));
  const values = ids.flatMap((id) => places[id]).filter((cell) => typeof cell === "number");
  const decimals = decimalsOf(view.measure.unit, values);
  const title = measureTitle(view.id, view.measure);
  const covered = new Map(coverage.map((row) => [row.year, row]));
  const table = el("table.heat", {role: "grid"},
    el("caption.visually-hidden", {}, t("gaps.caption", {title})),
    el("thead", {},
      el("tr", {}, el("th", {scope: "col"}, t("word.municipality")), years.map((year) => el("th.num", {scope: "col"}, String(year)))),
      el("tr.coverage", {}, el("th", {scope: "row"}, t("gaps.coverage")), years.map((year) => coverageCell(covered.get(year))))),
    el("tbody", {}, ids.map((id) => el("tr", {},
      el("th", {scope: "row"}, placeLink(view.names.get(id), view.names.get(id).name)),
      places[id].map((cell, i) => heatCell(cell, {place: view.names.get(id), year: years[i], decimals, unit: view.measure.unit}))))));
  const cells = [...table.querySelectorAll("td.cell")];
  const details = (cell) => showDetails(cell, data, view, decimals);
  rove(table, cells, years.length, details);
  const shown = ids.length ? el("div.scroll", {}, table) : el("p.note", {}, t("gaps.nobody"));
  const source = (view.isMonthly ? monthlySource(data) : await yearlySource(view)).filter(Boolean);
  byId("map").replaceChildren(
    view.isMonthly ? el("p.note", {}, t("gaps.only_lacking")) : "",
    el("h2", {lang: titleLanguage(view.measure)}, title, el("span.unit", {}, t(`unit.name.${view.measure.unit}`))), shown, el("p.source", {}, source.join(" · ")), exportButtons(() => asTable(data, ids, view, source)));
  byId("details").replaceChildren(el("p.note", {}, t("gaps.hint")));
  shown.scrollLeft = shown.scrollWidth; // the newest first
}

const placeLink = (place, text, otherwise = text) => (place.hasNoPage ? otherwise : el("a", {href: `${here}kommun/${place.id}.html`}, text));

async function yearlySource(view) {
  const series = await load(`measure/${view.id}`);
  return [sourceLine(view.measure, view.measures), await vintageLine(Object.values(series).flatMap(({T}) => (T ? T.n.map((n) => ({vintage: n})) : [])))];
}

function coverageCell(row) {
  if (!row) return el("td");
  const bar = el("span.meter", {"aria-hidden": "true"}, el("span"));
  bar.firstChild.style.width = `${row.coverage_pct}%`;
  return el("td.num", {title: `${number(row.coverage_pct, 1)} %`}, `${number(row.n_reported)}/${number(row.n_expected)}`, bar);
}

function heatCell(cell, {place, year, decimals, unit}) {
  const kind = kindOf(cell);
  const node = el(`td.cell.${kind}`, {tabindex: "-1", role: "gridcell"});
  const mark = isGap(cell) ? missingMark(cell.reason) + (kind === "acknowledged" ? " ✓" : "") + (cell.incidents ? " !" : "") : "";
  node.append(kind === "known" ? number(cell, decimals) : mark);
  const words = kind === "known" ? quantity(cell, unit, decimals) : isGap(cell) ? `${missingText(cell.reason)}, ${t(`gaps.kind.${kind}`)}` : t("missing.not_expected");
  node.setAttribute("aria-label", `${place.name} ${year}: ${words}`);
  Object.assign(node, {cell, place, year});
  return node;
}

/** Let arrow keys, Home and End go from cell to cell; only one cell is in the order of the Tab key. */
function rove(table, cells, width, onFocus) {
  if (!cells.length) return;
  let current = 0;
  cells[0].tabIndex = 0;
  const steps = {ArrowRight: 1, ArrowLeft: -1, ArrowDown: width, ArrowUp: -width};
  const go = (index) => {
    if (index < 0 || index >= cells.length) return;
    cells[current].tabIndex = -1;
    current = index;
    cells[current].tabIndex = 0;
    cells[current].focus();
  };
  table.addEventListener("keydown", (event) => {
    if (!event.target.classList.contains("cell")) return;
    const column = current % width;
    const targets = {Home: current - column, End: current - column + width - 1};
    const step = steps[event.key];
    const isSideways = event.key === "ArrowRight" || event.key === "ArrowLeft";
    const target = step === undefined ? targets[event.key] : current + step;
    if (target === undefined) return;
    event.preventDefault();
    if (isSideways && Math.floor(target / width) !== Math.floor(current / width)) return;
    go(target);
  });
  table.addEventListener("focusin", (event) => {
    const index = cells.indexOf(event.target);
    if (index < 0) return;
    cells[current].tabIndex = -1;
    current = index;
    cells[current].tabIndex = 0;
    table.querySelector("[aria-selected]")?.removeAttribute("aria-selected");
    cells[current].setAttribute("aria-selected", "true");
    onFocus(cells[current]);
  });
  table.addEventListener("click", (event) => event.target.closest("td.cell")?.focus());
}

function showDetails({cell, place, year}, data, view, decimals) {
  const {unit} = view.measure;
  const lines = [];
  const say = (term, text) => { if (text) lines.push(el("dt", {}, term), el("dd", {}, text)); };
  if (typeof cell === "number") say(t("gaps.value"), quantity(cell, unit, decimals));
  else if (cell === null) say(t("gaps.value"), t("missing.not_expected"));
  else {
    say(t("gaps.value"), missingMark(cell.reason));
    say(t("word.reason"), missingText(cell.reason));
    if (cell.kind) say(t("gaps.kind"), t(`gaps.kind.${cell.kind}`));
    say(t("gaps.last"), cell.last_reported_year ? `${cell.last_reported_year}: ${quantity(cell.last_value, unit, decimals)}` : t("gaps.never"));
    say(t("gaps.since"), cell.first_seen_at && day(cell.first_seen_at));
    say(t("gaps.explained"), cell.note && t("gaps.explained_until", {note: cell.note, until: cell.acknowledged_until ?? t("gaps.no_end")}));
    say(t("quality.acknowledged"), cell.acknowledged_by && `${cell.acknowledged_by}, ${day(cell.acknowledged_on)}`);
    for (const id of cell.incidents ?? []) say(t("gaps.incident"), incidentText(data.incidents[id]));
  }
  byId("details").replaceChildren(el("h2", {}, `${place.name} ${year}`), el("dl", {}, lines), view.isMonthly ? "" : historyButton(view.id, place), " ", placeLink(place, t("gaps.to_municipality"), ""));
}

function incidentText(incident) {
  const state = incident.acknowledged_by ? t("gaps.incident_acknowledged", {by: incident.acknowledged_by, note: incident.note ?? "–"}) : t("gaps.incident_open");
  return el("span", {}, el("a", {href: `${here}kvalitet.html#${incident.incident_id}`}, incident.incident_id), ` (${t("gaps.opened", {day: day(incident.opened_at)})}): ${state}`);
}

function asTable(data, ids, view, source) {
  const keys = ["municipality_id", "municipality", "year", "value", "reason", "kind", "last_reported_year", "last_value", "first_seen_at", "note", "acknowledged_by", "acknowledged_on", "acknowledged_until", "incidents"];
  const rows = ids.flatMap((id) => data.places[id].map((cell, i) => ({
    municipality_id: id, municipality: view.names.get(id).name, year: data.years[i], value: typeof cell === "number" ? cell : null,
    ...(isGap(cell) ? {...cell, incidents: cell.incidents?.join(" ")} : {}), isNothing: cell === null,
  }))).filter((row) => !row.isNothing);
  return {columns: keys.map((key) => ({key, header: key})), rows, source, name: `luckor_${view.id}`};
}

start().catch(failed);
