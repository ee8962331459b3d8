// Tables that can be sorted by their headings and filtered by a word; the model is TanStack Table's.
import {
  columnFilteringFeature, constructTable, createFilteredRowModel, createSortedRowModel, globalFilteringFeature,
  rowSortingFeature, storeReactivityBindings, tableFeatures,
} from "../vendor/table.js";
import {el, language, t} from "./core.js";
import {exportButtons} from "./export.js";

const collator = new Intl.Collator(language, {numeric: true});
const features = tableFeatures({
  coreReactivityFeature: storeReactivityBindings(),
  rowSortingFeature,
  columnFilteringFeature,
  globalFilteringFeature,
  sortedRowModel: createSortedRowModel(),
  filteredRowModel: createFilteredRowModel(),
});

/** Order two values: numbers as numbers, texts by the language's alphabet; what is missing comes last in both directions. */
function compare(rowA, rowB, key, isDescending) {
  const [a, b] = [rowA.original[key], rowB.original[key]];
  const missing = [a, b].map((value) => value === null || value === undefined || value === "");
  if (missing[0] || missing[1]) return (missing[0] - missing[1]) * (isDescending ? -1 : 1);
  return typeof a === "number" && typeof b === "number" ? a - b : collator.compare(a, b);
}

/**
 * Show rows as a table and return its element.
 *
 * columns: [{key, header, isNumber, isHead, show: (row) => text or node, exportKeys: [{key, header}]}]; `isHead`
 * makes the cell the row's heading. options: caption, isCaptionHidden, name (of downloads), source: [lines], isFiltered, isSorted (default true), sortBy,
 * actions: buttons beside those of the downloads, rowAttributes: (row) => attributes. Without `source` there is no download.
 */
export function dataTable(columns, rows, options = {}) {
  const {caption, isCaptionHidden = false, name, source, isFiltered = false, isSorted = true, actions = [], rowAttributes = () => ({})} = options;
  let sorting = options.sortBy ?? [];
  const table = constructTable({
    features,
    data: rows,
    columns: columns.map(({key}) => ({
      id: key,
      accessorFn: (row) => row[key],
      sortDescFirst: false,
      sortFn: (a, b) => compare(a, b, key, sorting.some((s) => s.id === key && s.desc)),
    })),
    initialState: {sorting},
    globalFilterFn: (row, _column, words) => searchable(row.original, columns).includes(words.toLocaleLowerCase(language)),
    getColumnCanGlobalFilter: () => true,
  });
  const body = el("tbody");
  const status = el("p.visually-hidden", {role: "status"});
  const headings = columns.map((column) => heading(column, isSorted, () => sort(column)));

  function sort({key}) {
    const before = sorting.find((s) => s.id === key);
    sorting = [{id: key, desc: before ? !before.desc : false}];
    table.setSorting(sorting);
    fill();
  }

  function fill() {
    const shown = table.getRowModel().rows;
    body.replaceChildren(...shown.map(({original: row}) => el("tr", rowAttributes(row), columns.map((column) => cell(column, row)))));
    columns.forEach((column, i) => {
      const state = sorting.find((s) => s.id === column.key);
      if (state) headings[i].setAttribute("aria-sort", state.desc ? "descending" : "ascending");
      else headings[i].removeAttribute("aria-sort");
    });
    status.textContent = t("table.rows", {n: shown.length});
  }

  fill();
  const frame = el("div.table", {},
    isFiltered && rows.length > 8 ? filterBox((words) => { table.setGlobalFilter(words); fill(); }) : null,
    scrollFrame(caption, el("table", {}, el(isCaptionHidden ? "caption.visually-hidden" : "caption", {}, caption), el("thead", {}, el("tr", {}, headings)), body)),
    status,
    source ? el("p.source", {}, source.join(" · ")) : null,
    source ? exportButtons(() => ({columns: exportColumns(columns), rows: table.getRowModel().rows.map((r) => r.original), source, name}), actions) : null);
  return frame;
}

/** Return a frame in which a wide table scrolls; the Tab key stops at it only when there is something to scroll. */
export function scrollFrame(label, table) {
  const frame = el("div.scroll", {role: "group", "aria-label": label}, table);
  new ResizeObserver(() => {
    if (frame.scrollWidth > frame.clientWidth) frame.tabIndex = 0;
    else frame.removeAttribute("tabindex");
  }).observe(frame);
  return frame;
}

function searchable(row, columns) {
  return columns.map(({key}) => row[key] ?? "").join(" ").toLocaleLowerCase(language);
}

const exportColumns = (columns) => columns.flatMap((c) => c.exportKeys ?? (c.isLeftOut ? [] : [c]));

const classOf = (column) => (column.isNumber ? "num" : column.isLeftOut ? "screen-only" : null);

function heading(column, isSorted, onSort) {
  const attributes = {scope: "col", class: classOf(column)};
  if (!isSorted || column.isLeftOut) return el("th", attributes, column.header);
  return el("th", attributes, el("button.sort", {type: "button", onclick: onSort}, column.header));
}

function cell(column, row) {
  const content = column.show ? column.show(row) : row[column.key] ?? "–";
  if (column.isHead) return el("th", {scope: "row"}, content);
  return el("td", {class: classOf(column)}, content);
}

function filterBox(onInput) {
  const input = el("input", {type: "search", autocomplete: "off", oninput: () => onInput(input.value)});
  return el("label.filter", {}, el("span", {}, t("table.filter")), input);
}
