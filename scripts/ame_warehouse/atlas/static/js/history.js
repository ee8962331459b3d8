// Where a number comes from and what it said before: the source line, and the dialog with every version.
import {day, decimalsOf, el, load, measureTitle, missingMark, missingText, number, quantity, t} from "./core.js";
import {dataTable} from "./table.js";

/** Return the source line of a measure: "Källa: Kolada …" where raw, "Egen beräkning …" where ours. */
export function sourceLine(measure, measures) {
  if (!measure.own) return t("source.line", {id: measure.kpi_id, original: measure.original_source ?? "–"});
  const from = measure.inputs.map((id) => measures[id]?.kpi_id ?? id).join(", ");
  return t("source.own", {from});
}

/** Return the line that says as of when: vintages and dates of retrieval of the cells that are shown. */
export async function vintageLine(cells) {
  const vintages = await load("vintages");
  const used = [...new Set(cells.map((cell) => cell.vintage))].filter((n) => n !== null && n !== undefined);
  if (!used.length) return null;
  const days = [...new Set(used.map((n) => vintages[n].vintage))].sort();
  const printed = used.some((n) => vintages[n].origin === "as_printed");
  return t(printed ? "source.vintage_printed" : "source.vintage", {days: days.join(", ")});
}

/** Return a button that opens the history of a measure in a place. */
export function historyButton(measureId, place, label = t("history.open")) {
  return el("button.link.history", {
    type: "button", "aria-haspopup": "dialog", "data-measure": measureId, onclick: () => openHistory(measureId, place),
  }, label);
}

/** Open the dialog with every version of a measure's values in a place ({id, name}). */
export async function openHistory(measureId, place) {
  const [measures, versions] = await Promise.all([load("measures"), load(`history/${place.id}`)]);
  const measure = measures[measureId];
  const ids = measure.own ? measure.inputs : [measureId];
  const dialog = el("dialog.history-dialog", {"aria-labelledby": "history-heading"},
    el("form", {method: "dialog"}, el("button.close", {"aria-label": t("history.close")}, "×")),
    el("h2", {id: "history-heading"}, `${place.name}: ${t("history.heading")}`),
    measure.own ? el("p", {}, t("history.own", {title: measureTitle(measureId, measure)})) : null,
    ids.map((id) => versionsTable(id, measures[id] ?? {title: id}, versions[id] ?? [], place)));
  dialog.addEventListener("close", () => dialog.remove());
  dialog.addEventListener("click", (event) => { if (event.target === dialog) dialog.close(); });
  document.body.append(dialog);
  dialog.showModal();
}

function versionsTable(id, measure, versions, place) {
  const decimals = decimalsOf(measure.unit, versions.map((v) => v[4]));
  const rows = versions.map(([gender, year, from, to, value, reason, vintage, isPreliminary, origin]) => ({
    year, gender: t(`gender.${gender}`), value, reason: reason ? missingText(reason) : "", vintage, from: day(from),
    to: to ? day(to) : "", state: isPreliminary ? t("word.preliminary") : "", origin, shown: value === null ? missingMark(reason) : null,
  }));
  const changed = new Set(duplicates(rows.map((row) => `${row.year} ${row.gender}`)));
  const columns = [
    {key: "year", header: t("word.year"), isNumber: true, isHead: true},
    {key: "gender", header: t("word.gender")},
    {key: "value", header: t(`unit.name.${measure.unit}`), isNumber: true, show: (row) => row.shown ?? number(row.value, decimals)},
    {key: "reason", header: t("word.reason")},
    ...[["vintage", "word.vintage"], ["from", "history.from"], ["to", "history.to"]].map(([key, header]) => ({
      key, header: t(header), show: (row) => el("span.nowrap", {}, row[key]),
    })),
    {key: "state", header: t("word.state")},
  ];
  const title = measureTitle(id, measure);
  return el("section", {},
    el("p.source", {}, changed.size ? t("history.changed", {n: changed.size}) : t("history.unchanged")),
    dataTable(columns, rows, {
      caption: title, name: `historik_${id}_${place.id}`, source: [measure.kpi_id ? sourceLine(measure, {}) : title],
      sortBy: [{id: "year", desc: true}],
      rowAttributes: (row) => ({class: changed.has(`${row.year} ${row.gender}`) ? "changed" : null}),
    }));
}

const duplicates = (keys) => keys.filter((key, i) => keys.indexOf(key) !== i);

/** Return the text of a value (bare: without its unit) or the mark of what is missing, with the reason in words. */
export function valueNode(cell, unit, decimals, isBare = false) {
  if (!cell) return el("span.absent", {title: t("missing.not_expected")}, "");
  if (cell.value === null) return el("abbr.missing", {title: missingText(cell.reason)}, missingMark(cell.reason));
  const shown = isBare && unit !== "boolean" ? number(cell.value, decimals) : quantity(cell.value, unit, decimals);
  return cell.isPreliminary ? el("abbr.preliminary", {title: t("word.preliminary")}, `${shown}*`) : shown;
}
