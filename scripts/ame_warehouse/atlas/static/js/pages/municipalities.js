// The list of municipalities: filter, sort, go.
import {byId, el, failed, here, load, number, t} from "../core.js";
import {dataTable} from "../table.js";

async function show() {
  const columns = [
    {key: "name", header: t("word.municipality"), isHead: true, show: (row) => el("a", {href: `${here}kommun/${row.id}.html`}, row.name)},
    {key: "id", header: t("word.code")},
    {key: "county", header: t("word.county")},
    {key: "skr_group", header: t("municipality.skr")},
    {key: "gaps", header: t("municipalities.gaps"), isNumber: true, show: (row) => number(row.gaps)},
  ];
  byId("choice").append(dataTable(columns, await load("choice"), {
    caption: t("municipalities.caption"), name: "kommuner", source: [t("source.own_count")], isFiltered: true,
  }));
}

show().catch(failed);
