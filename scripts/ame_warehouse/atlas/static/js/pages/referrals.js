// Anvisningar: shares by municipality and year with their classes, and the means of a group year by year.
import {
  byId, cells, decimalsOf, el, failed, here, language, load, missingMark, missingText, number, recalled, remember, shortTitle, t,
} from "../core.js";
import {groupOptions, inGroup, options} from "../choices.js";
import {breakMarks, eventMarks, lineChart} from "../chart.js";
import {exportButtons} from "../export.js";
import {historyButton, sourceLine, vintageLine} from "../history.js";
import {dataTable, scrollFrame} from "../table.js";

const LINES = ["referral_share_af", "referral_share_social_services"];
const MEANS = {unweighted: "mean_unweighted", weighted: "mean_weighted", constant_panel: "mean_constant_panel"};
const RIKET = "0000";

async function start() {
  const [sources, measures, places, groups, events] = await Promise.all(["referrals", "measures", "places", "groups", "events"].map(load));
  const names = new Map(places.map((place) => [place.id, place]));
  byId("source").replaceChildren(...sources.map(({id}) => el("option", {value: id}, t(`referrals.from.${id}`))));
  groupOptions(byId("group"), groups, t("word.all_municipalities"));
  const region = groups.find((group) => group.kind === "region") ?? groups[0];
  options.choose(byId("source"), recalled("source") ?? "af");
  options.choose(byId("group"), recalled("group") ?? region?.id ?? "");
  const mean = document.querySelector(`[name=mean][value="${CSS.escape(recalled("mean") ?? "")}"]`);
  if (mean) mean.checked = true;
  const show = async () => {
    const chosen = {source: byId("source").value, group: byId("group").value, mean: document.querySelector("[name=mean]:checked").value};
    remember({source: chosen.source, group: chosen.group, mean: chosen.mean === "unweighted" ? null : chosen.mean});
    const view = {...chosen, names, measures, events, member: inGroup(groups, chosen.group), group: groups.find((one) => one.id === chosen.group)};
    await Promise.all([sharesTable(sources.find(({id}) => id === chosen.source), view), means(view)]);
  };
  for (const id of ["controls", "mean-controls"]) {
    byId(id).addEventListener("change", () => show().catch(failed));
    byId(id).addEventListener("submit", (event) => event.preventDefault());
  }
  await show();
}

async function sharesTable({id, measure_id: measureId}, view) {
  const [{years, places}, series] = await Promise.all([load(`referrals/${id}`), view.measures[measureId] && load(`measure/${measureId}`)]);
  const byName = (a, b) => view.names.get(a).name.localeCompare(view.names.get(b).name, "sv");
  const ids = Object.keys(places).filter((place) => place !== RIKET && view.names.has(place) && view.member(place)).sort(byName);
  const title = t("referrals.caption", {source: t(`referrals.from.${id}`)});
  const decimals = decimalsOf("percent", ids.flatMap((place) => places[place]).map((cell) => cell?.value ?? null));
  const notes = ids.flatMap((place) => places[place].map((cell, i) => cell?.note && `${view.names.get(place).name} ${years[i]}: ${cell.note}`)).filter(Boolean);
  const measure = view.measures[measureId];
  const shownCells = series ? ids.flatMap((place) => cells(series[place]?.T)) : [];
  const source = [measure && sourceLine(measure, view.measures), await vintageLine(shownCells), t("referrals.classes_own")].filter(Boolean);
  const table = el("table.heat.classes", {},
    el("caption", {}, title, el("span.unit", {}, t("unit.name.percent"))),
    el("thead", {}, el("tr", {}, el("th", {scope: "col"}, t("word.municipality")), years.map((year) => el("th.num", {scope: "col"}, String(year))), el("th", {scope: "col"}, el("span.visually-hidden", {}, t("history.open"))))),
    el("tbody", {}, ids.map((place) => el("tr", {},
      el("th", {scope: "row"}, el("a", {href: `${here}kommun/${place}.html`}, view.names.get(place).name)),
      places[place].map((cell) => shareCell(cell, decimals)),
      el("td.aside", {}, measure ? historyButton(measureId, view.names.get(place)) : "")))));
  byId("table").replaceChildren(
    ids.length ? scrollFrame(title, table) : el("p.note", {}, t("gaps.nobody")),
    notes.length ? el("ul.note", {}, notes.map((note) => el("li", {}, `† ${note}`))) : "",
    el("p.source", {}, source.join(" · ")),
    exportButtons(() => sharesFile(id, {years, places}, ids, view, source)));
}

/** A share in the colour of its class; a missing one in the class that it borrows, with the year that gives it. */
function shareCell(cell, decimals) {
  if (!cell) return el("td.share.none", {title: t("missing.not_expected")}, el("span.visually-hidden", {}, t("missing.not_expected")));
  const isMissing = cell.value === undefined;
  const words = [cell.class && t(`referrals.class.${cell.class}`), isMissing && missingText(cell.reason), isMissing && cell.rule && t(`referrals.rule.${cell.rule}`, {year: cell.class_year}), cell.note, cell.is_unclear && !cell.note && t("referrals.unclear")].filter(Boolean).join("; ");
  const lender = isMissing && cell.rule ? el("small", {"aria-hidden": "true"}, cell.rule === "next_year" ? ` →\u00a0${cell.class_year}` : ` ←\u00a0${cell.class_year}`) : null;
  return el("td.share", {class: ["share", cell.class ? `class-${cell.class}` : "other", isMissing ? "borrowed" : ""].join(" ").trim(), title: words},
    isMissing ? el("span.missing", {}, missingMark(cell.reason)) : number(cell.value, decimals), lender,
    cell.note ? " †" : cell.is_unclear ? " ?" : null, el("span.visually-hidden", {}, ` (${words})`));
}

function sharesFile(id, {years, places}, ids, view, source) {
  const keys = ["municipality_id", "municipality", "year", "referral_source", "share_pct", "missing_reason", "share_class", "class_rule", "class_year", "explanation"];
  const rows = ids.flatMap((place) => places[place].flatMap((cell, i) => (cell ? [{
    municipality_id: place, municipality: view.names.get(place).name, year: years[i], referral_source: id, share_pct: cell.value, missing_reason: cell.reason,
    share_class: cell.class, class_rule: cell.rule, class_year: cell.class_year, explanation: cell.note,
  }] : [])));
  return {columns: keys.map((key) => ({key, header: key})), rows, source, name: `anvisningar_${id}`};
}

async function means(view) {
  if (!view.group) {
    byId("chart").replaceChildren(el("p.note", {}, t("referrals.choose_group")));
    byId("means-table").replaceChildren();
    return;
  }
  const [summary, ...series] = await Promise.all([load(`group/${view.group.id}`), ...LINES.map((id) => (view.measures[id] ? load(`measure/${id}`) : null))]);
  const ids = LINES.filter((id) => summary[id]?.T);
  const lines = ids.flatMap((id) => {
    const means = summary[id].T;
    const column = means[MEANS[view.mean]];
    const cellsOf = means.y.map((year, i) => ({year, value: means.is_thinly_reported[i] ? null : column[i], reason: null}));
    const riket = cells(series[LINES.indexOf(id)]?.[RIKET]?.T);
    const name = shortTitle(id, view.measures[id]);
    return [
      {name, cells: cellsOf, isMain: true, colour: id === LINES[0] ? "#17494d" : "#b3541e"},
      ...(riket.some((cell) => cell.value !== null) ? [{name: `${name}, ${t("word.riket")}`, cells: riket}] : []),
    ];
  });
  const hasRiket = lines.length > ids.length;
  const undrawn = ids.filter((id) => !lines.some((line) => line.name === shortTitle(id, view.measures[id]) && line.cells.some((cell) => cell.value !== null)));
  const title = t("referrals.chart_title", {group: view.group.name, mean: t(`mean.${view.mean}`).toLocaleLowerCase(language)});
  byId("chart").replaceChildren(
    lineChart(lines, {title, unit: "percent", height: 320, events: eventMarks(view.events), breaks: breakMarks(ids.map((id) => view.measures[id]))}),
    undrawn.length ? el("p.note", {}, t("referrals.undrawn", {names: undrawn.map((id) => shortTitle(id, view.measures[id])).join(", ")})) : "",
    hasRiket ? "" : el("p.note", {}, t("referrals.no_riket")));
  const used = ids.flatMap((id) => view.group.members.flatMap((place) => cells(series[LINES.indexOf(id)]?.[place]?.T)));
  const source = [...ids.map((id) => sourceLine(view.measures[id], view.measures)), await vintageLine(used), t("source.means")].filter(Boolean);
  byId("means-table").replaceChildren(meansTable(ids, summary, view, source));
}

function meansTable(ids, summary, view, source) {
  const nameOf = (id) => view.names.get(id)?.name ?? id;
  const rows = ids.flatMap((id) => {
    const means = summary[id].T;
    return means.y.map((year, i) => ({
      measure: shortTitle(id, view.measures[id]), year, mean_unweighted: means.mean_unweighted[i], mean_weighted: means.mean_weighted[i], mean_constant_panel: means.mean_constant_panel[i],
      panel_n: means.panel_n[i], n_reporting: means.n_reporting[i], n_members: means.n_members[i], isThin: means.is_thinly_reported[i],
      missing: (means.missing_municipality_ids[i] || "").split(",").filter(Boolean).map(nameOf).sort((a, b) => a.localeCompare(b, "sv")).join(", "),
    }));
  });
  const mean = (key, name) => ({key, header: t(`mean.${name}`), isNumber: true, show: (row) => number(row[key], 1)});
  const columns = [
    {key: "measure", header: t("referrals.from"), isHead: true},
    {key: "year", header: t("word.year"), isNumber: true},
    mean("mean_unweighted", "unweighted"), mean("mean_weighted", "weighted"),
    {...mean("mean_constant_panel", "constant_panel"), show: (row) => (row.mean_constant_panel === null ? "–" : el("span", {}, number(row.mean_constant_panel, 1), " ", el("small", {title: t("referrals.panel_n", {n: row.panel_n})}, `(${row.panel_n})`))),
      exportKeys: [{key: "mean_constant_panel", header: t("mean.constant_panel")}, {key: "panel_n", header: t("referrals.panel")}]},
    {key: "n_reporting", header: t("referrals.reporting"), isNumber: true, show: (row) => el(row.isThin ? "span.thin" : "span", {}, `${row.n_reporting}/${row.n_members}`),
      exportKeys: [{key: "n_reporting", header: t("referrals.reporting")}, {key: "n_members", header: t("referrals.members")}]},
    {key: "missing", header: t("referrals.missing"), show: (row) => row.missing || t("referrals.nobody_missing")},
  ];
  return dataTable(columns, rows, {caption: t("referrals.means_caption", {group: view.group.name}), name: `anvisningar_medel_${view.group.id}`, source, sortBy: []});
}

start().catch(failed);
