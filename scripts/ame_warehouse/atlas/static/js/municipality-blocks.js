// The blocks of a municipality's page: one measure against others, and the parts of a whole.
import {cells, decimalsOf, el, language, measureTitle, missingMark, number, shortTitle, signed, t, textOr, titleLanguage} from "./core.js";
import {breakMarks, lineChart} from "./chart.js";
import {dataTable} from "./table.js";
import {historyButton, sourceLine, valueNode, vintageLine} from "./history.js";

const genderOf = (series, gender) => (series?.[gender] ? gender : "T");

/** Return the cells of something to compare with: a place's series, or a group's mean where enough members report. */
function cellsAgainst(one, id, gender) {
  if (one.series) return cells(one.series[id]?.[gender]);
  const means = one.means?.[id]?.[gender];
  if (!means) return [];
  return means.y.map((year, i) => ({
    year, value: means.mean_unweighted[i], reason: null, reporting: means.n_reporting[i], members: means.n_members[i],
    isThin: means.is_thinly_reported[i],
  }));
}

/** Notes of the place about these measures that name years: a span on the time axis. */
function noteSpans(ids, view, years) {
  const isAbout = (note, measure) => measure && note.topic === measure.topic && (!note.category_id || note.category_id === measure.category_id);
  return view.data.notes.filter((note) => note.year_from && ids.some((id) => isAbout(note, view.measures[id])))
    .map((note) => ({from: Math.max(note.year_from, years[0]), to: Math.min(note.year_to ?? years.at(-1), years.at(-1)), title: note[`note_${language}`]}))
    .filter((span) => span.from <= span.to);
}

/** Events as marks, listed at the end of the page; breaks of these measures. */
const onAxis = (ids, view) => ({events: view.events, breaks: breakMarks(ids.map((id) => view.measures[id])), areEventsListed: false});

/** One measure: a chart with the comparisons, and the table of all of it. */
export async function measureBlock(id, view) {
  const measure = view.measures[id];
  const series = view.data.series[id];
  const gender = genderOf(series, view.gender);
  const loaded = loadedYears(cells(series[gender]), measure);
  const own = loaded.cells;
  const others = view.against.map((one) => ({...one, cells: cellsAgainst(one, id, gender).filter((cell) => !loaded.left.includes(cell.year))})).filter((one) => one.cells.some((cell) => cell.value !== null));
  const title = measureTitle(id, measure);
  const lines = [
    {name: view.place.name, cells: own, isMain: true},
    ...others.map((one) => ({name: nameOf(one), cells: one.cells.map((cell) => (cell.isThin ? {...cell, value: null} : cell))})),
  ].filter((line) => line.isMain || line.cells.some((cell) => cell.value !== null));
  const spans = own.length ? noteSpans([id], view, own.map((cell) => cell.year)) : [];
  const isDrawn = lines.some((line) => line.cells.filter((cell) => cell.value !== null).length > 1);
  const source = [sourceLine(measure, view.measures), await vintageLine(own), others.some((one) => one.kind === "group") && t("source.means")].filter(Boolean);
  const chart = isDrawn && lineChart(lines, {title: t("chart.by_year", {title: shortTitle(id, measure)}), unit: measure.unit, isTitled: false, spans, ...onAxis([id, ...(measure.inputs ?? [])], view)});
  return el("article.block", {"data-measure": id},
    el("h3", {lang: titleLanguage(measure)}, title, isDrawn ? null : el("span.unit", {}, t(`unit.name.${measure.unit}`))),
    gender !== view.gender ? el("p.note", {}, t("municipality.no_gender")) : null,
    textOr(`measure.caveat.${id}`, null) && el("p.note", {}, t(`measure.caveat.${id}`)),
    loaded.left.length ? el("p.note", {}, t("municipality.not_loaded", {years: yearsText(loaded.left), mark: missingMark("not_loaded")})) : null,
    el("div.side-by-side", {}, chart, numbersTable(id, own, others, view, {title, gender, source})));
}

/** Return the years of a measure of ours from the first to the last of which something is loaded, and those left out. */
function loadedYears(list, measure) {
  const isLoaded = (cell) => cell.reason !== "not_loaded";
  const first = list.findIndex(isLoaded);
  if (!measure.own || first <= 0 && isLoaded(list.at(-1))) return {cells: list, left: []};
  if (first < 0) return {cells: list.slice(-1), left: list.slice(0, -1).map((cell) => cell.year)};
  const kept = list.slice(first, list.findLastIndex(isLoaded) + 1);
  return {cells: kept, left: list.filter((cell) => !kept.includes(cell)).map((cell) => cell.year)};
}

/** Return years as people write them: 2017–2019, 2022. */
function yearsText(years) {
  const spans = [];
  for (const year of years) {
    if (spans.at(-1)?.[1] === year - 1) spans.at(-1)[1] = year;
    else spans.push([year, year]);
  }
  return spans.map(([from, to]) => (from === to ? String(from) : `${from}–${to}`)).join(", ");
}

/** The table of one measure: a row per year, a column per place or mean, and the differences that the marts have. */
function numbersTable(id, own, others, view, {title, gender, source}) {
  const {unit} = view.measures[id];
  const decimals = decimalsOf(unit, own.map((cell) => cell.value));
  const fine = unit === "percent" ? 1 : decimals;
  const lists = [
    {name: view.place.name, cells: own, show: (cell) => valueNode(cell, unit, decimals, true)},
    ...others.map((one) => ({name: nameOf(one), cells: one.cells, isMean: one.kind === "group", show: (cell) => meanNode(cell, unit, one.kind === "group" ? fine : decimals)})),
    ...differences(id, gender, view),
  ];
  const years = [...new Set(lists.flatMap((list) => list.cells.map((cell) => cell.year)))].sort();
  const rows = years.map((year) => {
    const found = lists.map((list) => list.cells.find((cell) => cell.year === year));
    return {year, found, reason: found[0]?.reason ?? null, ...Object.fromEntries(found.flatMap((cell, i) => [[`c${i}`, cell?.value ?? null], [`n${i}`, cell?.reporting ?? null], [`m${i}`, cell?.members ?? null]]))};
  });
  const columns = [
    {key: "year", header: t("word.year"), isHead: true},
    ...lists.map((list, i) => ({
      key: `c${i}`, header: list.name, isNumber: true, show: ({found}) => (found[i] ? list.show(found[i]) : ""),
      exportKeys: [
        {key: `c${i}`, header: list.name}, ...(i ? [] : [{key: "reason", header: t("word.reason")}]),
        ...(list.isMean ? [{key: `n${i}`, header: `${list.name}: ${t("referrals.reporting")}`}, {key: `m${i}`, header: `${list.name}: ${t("referrals.members")}`}] : []),
      ],
    })),
  ];
  return dataTable(columns, rows, {caption: title, isCaptionHidden: true, name: `${view.place.id}_${id}_${gender}`, source, isSorted: false, actions: [historyButton(id, view.place)]});
}

const nameOf = (one) => (one.kind === "group" ? t("municipality.mean", {name: one.name}) : one.name);

function row(name, list, show) {
  const made = {name, nodes: {}};
  for (const cell of list) {
    made[`y${cell.year}`] = cell.value;
    made.nodes[cell.year] = () => show(cell);
  }
  return made;
}

function meanNode(cell, unit, decimals) {
  if (cell.members === undefined) return valueNode(cell, unit, decimals, true);
  const text = t("municipality.reporting", {n: cell.reporting, members: cell.members});
  return el("span", {}, cell.value === null ? "–" : number(cell.value, decimals), " ", el(cell.isThin ? "small.thin" : "small", {title: text}, `${cell.reporting}/${cell.members}`));
}

/** The differences that the marts have: against the other of the pair, and against riket. */
function differences(id, gender, view) {
  const list = (name, found = []) => {
    if (!found.length) return [];
    const isPoints = found[0][2] !== null;
    const made = found.map(([year, difference, points]) => ({year, value: isPoints ? points : difference}));
    const decimals = made.every((cell) => Number.isInteger(cell.value)) ? 0 : 1;
    return [{name: isPoints ? `${name}, ${t("unit.short.percentage_points")}` : name, cells: made, show: (cell) => signed(cell.value, decimals)}];
  };
  return [
    ...list(t("municipality.against_pair"), view.data.pair[id]?.[gender]),
    ...list(t("municipality.against_riket"), view.data.riket[id]?.[gender]),
  ];
}

/** The parts of a whole: a chart of the parts by year, and the table with sums and the latest comparisons. */
export async function compositionBlock(topic, title, ids, view) {
  const gender = genderOf(view.data.series[ids[0]], view.gender);
  const parts = ids.map((id) => ({id, measure: view.measures[id], cells: cells(view.data.series[id][gender])})).filter((part) => part.cells.length);
  if (!parts.length) return el("p.note", {}, t("municipality.no_gender"));
  const years = [...new Set(parts.flatMap((part) => part.cells.map((cell) => cell.year)))].sort();
  const latest = years.at(-1);
  const spans = noteSpans(ids, view, years);
  const isDrawn = spans.length > 0 || parts.some((part) => part.cells.filter((cell) => cell.value !== null).length > 1);
  const chart = isDrawn && lineChart(
    parts.map((part) => ({name: shortTitle(part.id, part.measure), cells: part.cells})),
    {title: t("chart.by_year", {title}), unit: "percent", height: 300, missing: allMissing(parts, years), spans, ...onAxis(ids, view)});
  const source = [...new Set(parts.map((part) => part.measure.original_source))].length === 1
    ? [t("source.line", {id: parts.map((part) => part.measure.kpi_id).join(", "), original: parts[0].measure.original_source ?? "–"})]
    : parts.map((part) => sourceLine(part.measure, view.measures));
  const dated = [...source, await vintageLine(parts.flatMap((part) => part.cells)), t("source.means")].filter(Boolean);
  return el("article.block", {"data-composition": topic},
    gender !== view.gender ? el("p.note", {}, t("municipality.no_gender")) : null,
    chart, partsTable(topic, title, parts, years, latest, gender, view, dated, isDrawn));
}

/** The years in which no part has a value, with the reason. */
function allMissing(parts, years) {
  return years.flatMap((year) => {
    const found = parts.map((part) => part.cells.find((cell) => cell.year === year)).filter(Boolean);
    return found.every((cell) => cell.value === null) ? [{year, reason: found[0].reason}] : [];
  });
}

function partsTable(topic, title, parts, years, latest, gender, view, source, isDrawn) {
  const against = view.against.filter((one) => parts.some((part) => cellsAgainst(one, part.id, gender).some((cell) => cell.year === latest && cell.value !== null)));
  const rows = parts.map((part) => {
    const made = row(shortTitle(part.id, part.measure), part.cells, (cell) => valueNode(cell, "percent", decimalsOf("percent", part.cells.map((c) => c.value)), true));
    against.forEach((one, i) => { made[`a${i}`] = cellsAgainst(one, part.id, gender).find((cell) => cell.year === latest)?.value ?? null; });
    return {...made, id: part.id};
  });
  const columns = [
    {key: "name", header: title, isHead: true},
    ...years.map((year) => ({key: `y${year}`, header: String(year), isNumber: true, show: (one) => one.nodes[year]?.() ?? ""})),
    ...against.map((one, i) => ({
      key: `a${i}`, header: `${nameOf(one)} ${latest}`, isNumber: true,
      show: (part) => againstNode(one, part, latest, gender),
    })),
    {key: "id", header: t("history.open"), isLeftOut: true, show: (one) => (one.id ? historyButton(one.id, view.place) : "")},
  ];
  const sums = view.data.compositions.filter((one) => one.topic === topic);
  const sumRow = gender === "T" && sums.length ? [{name: t("municipality.sum"), nodes: Object.fromEntries(sums.map((one) => [one.year, () => sumNode(one)])), ...Object.fromEntries(sums.map((one) => [`y${one.year}`, one.sum]))}] : [];
  return dataTable(columns, [...rows, ...sumRow], {caption: `${title}, ${t("unit.name.percent")}`, isCaptionHidden: isDrawn, name: `${view.place.id}_${topic}_${gender}`, source, isSorted: false});
}

function againstNode(one, part, latest, gender) {
  if (!part.id) return "";
  const cell = cellsAgainst(one, part.id, gender).find((found) => found.year === latest);
  return cell ? meanNode(cell, "percent", one.kind === "group" ? 1 : 0) : "";
}

function sumNode({status, sum}) {
  if (sum === null) return el("abbr", {title: t(`composition.title.${status}`)}, t(`composition.${status}`));
  return el("span", {class: status === "sum_not_100" ? "missing" : null}, number(sum, 0), status === "sum_not_100" ? el("small", {}, ` ${t("composition.sum_not_100")}`) : null);
}
