// Downloads: CSV (UTF-8, semicolon, numbers with a dot) and XLSX, each with its source line.
import {el, t} from "./core.js";

/** Return the buttons that give `{columns: [{key, header, isNumber}], rows, source: [lines], name}` to a file, and others after them. */
export function exportButtons(makeTable, others = []) {
  return el("p.exports", {},
    el("button", {type: "button", "data-export": "csv", onclick: () => saveCsv(makeTable())}, t("export.csv")),
    el("button", {type: "button", "data-export": "xlsx", onclick: () => saveXlsx(makeTable())}, t("export.xlsx")), others);
}

const quoted = (text) => (/[";\n\r]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text);
/** Return a text as it is typed in a spreadsheet: what would be taken for a formula begins with an apostrophe. */
const harmless = (text) => (/^[=+\-@\t\r]/.test(text) && Number.isNaN(Number(text)) ? `'${text}` : text);
const asText = (value) => (value === null || value === undefined ? "" : harmless(String(value)));

/** Return the table as CSV text. */
export function csvText({columns, rows, source}) {
  const lines = [columns.map((c) => harmless(c.header)), ...rows.map((row) => columns.map((c) => asText(row[c.key])))];
  const notes = source.map((line) => [harmless(line)]);
  return "\ufeff" + [...lines, [], ...notes].map((line) => line.map((v) => quoted(v)).join(";")).join("\r\n") + "\r\n";
}

function saveCsv(table) {
  save(new Blob([csvText(table)], {type: "text/csv;charset=utf-8"}), `${table.name}.csv`);
}

async function saveXlsx({columns, rows, source, name}) {
  const {default: writeExcelFile} = await import("../vendor/xlsx.js");
  const head = columns.map((c) => ({value: c.header, fontWeight: "bold"}));
  const body = rows.map((row) => columns.map((c) => {
    const value = row[c.key];
    if (value === null || value === undefined || value === "") return null;
    return typeof value === "number" ? {type: Number, value} : {type: String, value: String(value)};
  }));
  const notes = source.map((line) => [{type: String, value: line}]);
  const file = await writeExcelFile([head, ...body, [], ...notes]).toBlob();
  save(file, `${name}.xlsx`);
}

function save(blob, name) {
  const address = URL.createObjectURL(blob);
  const link = el("a", {href: address, download: name});
  document.body.append(link);
  link.click();
  link.remove();
  setTimeout(() => URL.revokeObjectURL(address), 10_000);
}
