// Kvalitet: what is published, what is wrong, what changed, which checks were made.
import {byId, day, el, failed, language, load, number, root, t, textOr} from "../core.js";
import {dataTable} from "../table.js";

const moment = (time) => (time ? `${time.slice(0, 10)} ${time.slice(11, 16)}` : "–");
const own = () => [t("source.own_register")];
const inEnglish = language === "en" ? null : "en"; // the words of the checks themselves

async function show() {
  const [quality, status] = await Promise.all([load("quality"), load("status")]);
  facts(quality, status);
  byId("incident-list").append(...incidents(quality.incidents));
  byId("change-list").append(changes(quality.changes));
  byId("check-counts").append(counts(quality.counts));
  byId("check-list").append(...checks(quality));
  byId("run-list").append(fetches(status.sources), versions(quality.versions));
  if (location.hash) document.querySelector(location.hash)?.scrollIntoView();
}

function facts({incidents: all, counts: list}, status) {
  if (status.stale) {
    byId("stale").hidden = false;
    byId("stale").textContent = t("quality.stale", {since: day(status.stale_since), reason: status.stale_reason});
  }
  const n = (test) => list.filter(test).reduce((sum, row) => sum + row.n, 0);
  const open = all.filter((one) => !one.resolved_at);
  const shown = {
    built: day(status.built_at), as_of: day(status.as_of), checks: number(n(() => true)), passed: number(n((row) => row.status === "passed")),
    failing: number(n((row) => row.status !== "passed")), open: number(open.length),
  };
  byId("facts").append(...Object.entries(shown).map(([name, text]) => el(open.length && name === "open" ? "div.attention" : "div", {"data-fact": name}, el("dt", {}, t(`quality.fact.${name}`)), el("dd", {}, text))));
}

const tag = (text, kind) => el(`span.tag.${kind}`, {}, text);
const severity = (row) => tag(t(`severity.${row.severity}`), row.severity);

function incidents(all) {
  const open = all.filter((one) => !one.resolved_at);
  const past = all.filter((one) => one.resolved_at);
  const columns = [
    {key: "incident_id", header: t("gaps.incident"), isHead: true},
    {key: "severity", header: t("word.severity"), show: severity},
    {key: "summary", header: t("quality.what"), show: (row) => el("div.words", {}, el("p", {lang: inEnglish}, row.summary), el("p.note", {}, `${t("quality.do")} (${textOr(`owner.${row.owner}`, row.owner)}): `, el("span", {lang: inEnglish}, row.action)))},
    {key: "opened_at", header: t("quality.opened"), show: (row) => day(row.opened_at)},
    {key: "times_seen", header: t("quality.seen"), isNumber: true},
    {key: "acknowledged_by", header: t("quality.acknowledged"), show: (row) => (row.acknowledged_by ? `${row.acknowledged_by}: ${row.note ?? ""}` : t("word.no"))},
  ];
  const options = (name) => ({name, source: own(), isFiltered: true, rowAttributes: (row) => ({id: row.incident_id})});
  return [
    open.length ? dataTable(columns, open, {...options("arenden"), caption: t("quality.open_incidents")}) : el("p", {}, t("quality.no_incidents")),
    past.length ? el("details.numbers", {}, el("summary", {}, t("quality.past_incidents", {n: past.length})),
      dataTable([...columns, {key: "resolved_at", header: t("quality.resolved"), show: (row) => day(row.resolved_at)}], past, {...options("losta_arenden"), caption: t("quality.past_incidents", {n: past.length})})) : "",
  ];
}

function changes(found) {
  if (!found) return el("p.note", {}, t("quality.changes_unknown"));
  if (!found.rows.length) return el("p", {}, t("quality.no_changes"));
  const side = (row, name) => row[`text_${name}`] ?? (row[`value_${name}`] === null ? "–" : number(row[`value_${name}`], Number.isInteger(row[`value_${name}`]) ? 0 : 1));
  const plain = (key, header) => ({key, header});
  const columns = [
    {key: "change", header: t("quality.what"), isHead: true, show: (row) => textOr(`change.${row.change}`, row.change)},
    {key: "subject", header: t("word.measure"), show: (row) => el("div.words", {}, row.subject ?? row.subject_id, row.field ? `: ${row.field}` : "")},
    {key: "municipality", header: t("word.municipality")},
    {key: "period", header: t("word.year")},
    {key: "gender", header: t("word.gender"), show: (row) => (row.gender ? textOr(`gender.${row.gender}`, row.gender) : "–")},
    {key: "value_before", header: t("quality.before"), isNumber: true, show: (row) => side(row, "before"), exportKeys: [plain("value_before", "value_before"), plain("text_before", "text_before")]},
    {key: "value_after", header: t("quality.after"), isNumber: true, show: (row) => side(row, "after"), exportKeys: [plain("value_after", "value_after"), plain("text_after", "text_after")]},
    {key: "n", header: t("quality.number"), isNumber: true, show: (row) => number(row.n)},
    {key: "version", header: t("word.version")},
  ];
  return el("div", {}, el("p", {}, t("quality.changes_shown", {n: number(found.rows.length), total: number(found.total)})),
    dataTable(columns, found.rows, {caption: t("quality.changes"), name: "andringar", source: own(), isFiltered: true}));
}

function counts(list) {
  const stages = [...new Set(list.map((row) => row.stage))];
  const statuses = [...new Set(list.map((row) => row.status))].sort();
  const rows = stages.flatMap((stage) => ["error", "warning", "info"].map((level) => ({stage: t(`stage.${stage}`), level: t(`severity.${level}`), ...Object.fromEntries(statuses.map((status) => [status, list.find((row) => row.stage === stage && row.severity === level && row.status === status)?.n ?? 0]))}))).filter((row) => statuses.some((status) => row[status]));
  const columns = [
    {key: "stage", header: t("word.stage"), isHead: true}, {key: "level", header: t("word.severity")},
    ...statuses.map((status) => ({key: status, header: t(`status.${status}`), isNumber: true, show: (row) => number(row[status])})),
  ];
  return dataTable(columns, rows, {caption: t("quality.counts"), name: "kontroller_antal", source: own()});
}

function checks({failing}) {
  const place = el("div");
  const button = el("button", {type: "button", onclick: () => load("checks").then((all) => { button.remove(); place.replaceChildren(checkTable(all, t("quality.all_checks"), "kontroller")); }).catch(failed)}, t("quality.show_all"));
  return [failing.length ? checkTable(failing, t("quality.failing"), "kontroller_ej_godkanda") : el("p", {}, t("quality.none_failing")), button, place];
}

function checkTable(rows, caption, name) {
  const columns = [
    {key: "check_id", header: t("word.check"), isHead: true, show: (row) => (row.docs_page ? el("a", {href: root + row.docs_page}, row.check_id) : row.check_id)},
    {key: "status", header: t("word.state"), show: (row) => tag(t(`status.${row.status}`), row.status)},
    {key: "severity", header: t("word.severity"), show: (row) => t(`severity.${row.severity}`)},
    {key: "message", header: t("quality.meaning"), show: (row) => el("div.words", {lang: inEnglish}, row.message)},
    {key: "found", header: t("quality.found"), show: (row) => el("div.words", {lang: inEnglish}, row.found ?? "–")},
    {key: "failing_rows", header: t("quality.rows"), isNumber: true, show: (row) => number(row.failing_rows)},
  ];
  return dataTable(columns, rows, {caption, name, source: own(), isFiltered: true});
}

/** The latest fetch of each source. */
function fetches(sources) {
  const rows = Object.entries(sources).map(([id, source]) => ({...source, source: textOr(`source.${id}`, id)}));
  const columns = [
    {key: "source", header: t("start.source"), isHead: true},
    {key: "retrieved_at", header: t("start.retrieved"), show: (row) => moment(row.retrieved_at)},
    {key: "fetched_at", header: t("start.state_of"), show: (row) => day(row.fetched_at)},
    {key: "fetches", header: t("start.fetches"), isNumber: true, show: (row) => number(row.fetches)},
  ];
  return dataTable(columns, rows, {caption: t("start.sources_caption"), name: "hamtningar", source: own()});
}

function versions(list) {
  const columns = [
    {key: "version", header: t("word.version"), isHead: true, show: (row) => (row.published ? el("strong", {}, row.version) : row.version)},
    {key: "published", header: t("word.state"), show: (row) => t(row.published ? "quality.is_published" : "quality.is_kept")},
    {key: "built_at", header: t("quality.fact.built"), show: (row) => moment(row.built_at)},
    {key: "as_of", header: t("quality.fact.as_of"), show: (row) => day(row.as_of)},
    {key: "rows", header: t("quality.rows"), isNumber: true, show: (row) => number(row.rows)},
  ];
  return dataTable(columns, list, {caption: t("quality.versions"), name: "versioner", source: own()});
}

show().catch(failed);
