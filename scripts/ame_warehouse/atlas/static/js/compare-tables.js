// The tables of a comparison: years side by side, and every number with where it comes from.
import {el, here, missingMark, missingText, number, quantity, signed, t} from "./core.js";
import {breaksWithin, change, decimalsFor, differenceUnit, longRows} from "./compare-data.js";
import {exportButtons} from "./export.js";
import {historyButton, openHistory} from "./history.js";
import {dataTable, scrollFrame} from "./table.js";

const FILE_COLUMNS = [
  "place_id", "place", "year", "gender", "measure_id", "measure", "value", "unit", "missing_reason", "state", "source", "kpi_id", "vintage", "retrieved_at", "origin",
  "n_reporting", "n_members", "missing_municipality_ids",
];

/** Years side by side; each number is a button that opens its history. */
export function wideTable(lists, view, vintages, source) {
  const years = [...new Set(lists.flatMap((list) => list.cells.map((cell) => cell.year)))].sort();
  const unit = differenceUnit(view.measure.unit);
  const decimals = decimalsFor(lists, view.measure.unit);
  const hasChange = unit !== null && view.from < view.to;
  const heading = hasChange ? t("compare.change", {from: view.from, to: view.to, unit: t(`unit.name.${unit}`)}) : null;
  const file = () => ({columns: FILE_COLUMNS.map((key) => ({key, header: key})), rows: longRows(lists, view, vintages), source, name: `jamfor_${view.measureId}`});
  return el("div.table", {},
    scrollFrame(view.title,
      el("table.years", {},
        el("caption.visually-hidden", {}, view.title),
        el("thead", {}, el("tr", {}, el("th", {scope: "col"}, t("compare.place")), years.map((year) => el("th.num", {scope: "col"}, String(year))), heading && el("th.num.change", {scope: "col"}, heading))),
        el("tbody", {}, lists.map((list) => el("tr", {class: list.isDifference ? "difference" : null},
          el("th", {scope: "row"}, nameNode(list)),
          years.map((year) => el("td.num", {}, cellNode(list.cells.find((cell) => cell.year === year), list, view, vintages, decimals))),
          hasChange && el("td.num.change", {}, list.isDifference ? "" : changeNode(list, view, decimals))))))),
    el("p.source", {}, source.join(" · ")),
    exportButtons(file));
}

function nameNode(list) {
  if (list.place && list.place.kind === "kommun") return el("a", {href: `${here}kommun/${list.id}.html`}, list.name);
  return list.name;
}

function cellNode(cell, list, view, vintages, decimals) {
  if (!cell) return el("span.absent", {title: t("missing.not_expected")}, "");
  if (list.isDifference) return cell.value === null ? "–" : signed(cell.value, decimals);
  const places = list.group ? Math.max(decimals, 1) : decimals;
  const shown = cell.value === null ? (cell.reason ? el("span.missing", {}, missingMark(cell.reason)) : "–") : `${number(cell.value, places)}${cell.isPreliminary ? "*" : ""}`;
  if (list.group) return el("span", {}, shown, " ", el(cell.isThin ? "small.thin" : "small", {title: t("municipality.reporting", {n: cell.reporting, members: cell.members})}, `${cell.reporting}/${cell.members}`));
  const [row] = longRows([{...list, cells: [cell]}], view, vintages);
  const about = [cell.reason ? missingText(cell.reason) : null, row.source, row.kpi_id, row.vintage && t("compare.vintage", {days: row.vintage}), row.retrieved_at && t("source.vintage", {days: row.retrieved_at}), row.state].filter(Boolean).join(" · ");
  return el("button.link.figure", {type: "button", title: about, "aria-haspopup": "dialog", onclick: () => openHistory(view.measureId, list.place)}, shown, el("span.visually-hidden", {}, ` ${list.name} ${cell.year}, ${t("compare.figure_history")}`));
}

function changeNode(list, view, decimals) {
  const value = change(list, view);
  return value === null ? "–" : `${signed(value, list.group ? Math.max(decimals, 1) : decimals)}${breaksWithin(view).length ? " †" : ""}`;
}

/** One row per number: value, reason, source, vintage, date of retrieval, history. */
export function longTable(lists, view, vintages) {
  const decimals = decimalsFor(lists, view.measure.unit);
  const rows = longRows(lists, view, vintages);
  const columns = [
    {key: "place", header: t("compare.place"), isHead: true},
    {key: "year", header: t("word.year"), isNumber: true},
    {key: "value", header: t("compare.value"), isNumber: true, show: (row) => (row.list.isDifference ? differenceNode(row, decimals) : valueNode(row, row.list.group ? Math.max(decimals, 1) : decimals))},
    {key: "reason_text", header: t("word.reason"), show: (row) => row.reason_text},
    {key: "source", header: t("start.source"), show: (row) => `${row.source}, ${row.kpi_id}`},
    {key: "vintage", header: t("word.vintage"), show: (row) => row.vintage},
    {key: "retrieved_at", header: t("start.retrieved"), show: (row) => row.retrieved_at},
    {key: "state", header: t("word.state"), show: (row) => row.state},
    {key: "history", header: t("history.open"), isLeftOut: true, show: (row) => (row.list.place ? historyButton(view.measureId, row.list.place) : "")},
  ];
  return dataTable(columns, rows, {caption: t("compare.every_number"), isFiltered: true});
}

const valueNode = (row, decimals) => (row.value === null ? el("span.missing", {}, row.missing_reason ? missingMark(row.missing_reason) : "–") : quantity(row.value, row.unit, decimals));
const differenceNode = (row, decimals) => (row.value === null ? "–" : `${signed(row.value, decimals)} ${t(`unit.name.${row.unit}`)}`);
