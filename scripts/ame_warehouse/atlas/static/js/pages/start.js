// The start page: how complete each measure's latest year is.
import {byId, el, failed, here, load, number, t, titleLanguage} from "../core.js";
import {dataTable} from "../table.js";

async function show() {
  const {coverage} = await load("start");
  const columns = [
    {key: "title", header: t("word.measure"), isHead: true},
    {key: "year", header: t("word.latest_year"), isNumber: true},
    {key: "n_reported", header: t("coverage.reported"), isNumber: true, show: (row) => number(row.n_reported)},
    {key: "n_expected", header: t("coverage.expected"), isNumber: true, show: (row) => number(row.n_expected)},
    {key: "coverage_pct", header: t("coverage.pct"), isNumber: true, show: (row) => number(row.coverage_pct, 1)},
  ];
  columns[0].show = (row) => el("a", {href: `${here}luckor.html?measure=${row.measure_id}`, lang: titleLanguage()}, row.title);
  byId("coverage-table").append(dataTable(columns, coverage, {
    caption: t("start.coverage"), name: "tackning", source: [t("source.own_count")], isFiltered: true,
  }));
}

show().catch(failed);
