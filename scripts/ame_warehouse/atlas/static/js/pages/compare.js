// Jämför: what is chosen stands in the address, so that a comparison can be shared.
import {byId, el, failed, language, load, measureTitle, recalled, remember, t, titleLanguage} from "../core.js";
import {groupOptions, measureOptions, options} from "../choices.js";
import {breakMarks, eventMarks, lineChart} from "../chart.js";
import {breaksWithin, comparedLists, differenceUnit, differences, RIKET, withoutEmptyEnds} from "../compare-data.js";
import {longTable, wideTable} from "../compare-tables.js";
import {sourceLine, vintageLine} from "../history.js";

const MOST_LINES = 7;
const NOBODY = "-"; // in the address: all were taken away
const FIRST_MEASURE = "ame_participants_total";

async function start() {
  const [measures, places, groups, events, vintages] = await Promise.all(["measures", "places", "groups", "events", "vintages"].map(load));
  const names = new Map(places.map((place) => [place.id, place]));
  const state = {places: firstPlaces(groups, names), turn: 0};
  const known = {measures, places, groups, events, vintages, names};
  measureOptions(byId("measure"), Object.keys(measures), measures);
  groupOptions(byId("mean"), groups, t("municipality.no_group"));
  groupOptions(byId("add-group"), groups, t("compare.choose_group"));
  byId("all-places").replaceChildren(...places.map((place) => el("option", {value: nameOf(place)})));
  options.choose(byId("measure"), recalled("measure") ?? FIRST_MEASURE);
  options.choose(byId("mean"), recalled("mean") ?? "");
  chooseGender(recalled("gender"));
  await yearOptions({from: recalled("from"), to: recalled("to")});
  const show = () => showAll(state, known).catch(failed);
  const setPlaces = (ids) => {
    state.places = [...new Set(ids)].filter((id) => names.has(id));
    return show();
  };
  listen(state, known, show, setPlaces);
  await show();
}

const nameOf = (place) => (place.id === RIKET ? t("word.riket") : place.name);

/** The places of the address; else those of the first pair, else the first two. */
function firstPlaces(groups, names) {
  const asked = recalled("places");
  if (asked !== null) return asked.split(",").filter((id) => names.has(id));
  const pair = groups.find((group) => group.kind === "matched_pair" && group.members.every((id) => names.has(id)));
  return pair?.members ?? [...names.keys()].filter((id) => id !== RIKET).slice(0, 2);
}

function chooseGender(gender) {
  document.querySelector(`[name=gender][value="${gender === "K" || gender === "M" ? gender : "T"}"]`).checked = true;
}

/** Fill the lists of years with those of the measure; keep what is chosen when they have come, where the measure has it. */
async function yearOptions(asked = {}) {
  const series = await load(`measure/${byId("measure").value}`);
  const years = [...new Set(Object.values(series).flatMap((genders) => Object.values(genders).flatMap(({y}) => y)))].sort((a, b) => a - b);
  for (const [id, other] of [["from", years[0]], ["to", years.at(-1)]]) {
    const year = asked[id] ?? byId(id).value;
    byId(id).replaceChildren(...years.map((one) => el("option", {value: one}, String(one))));
    byId(id).value = String(other);
    options.choose(byId(id), String(year));
  }
}

function listen(state, known, show, setPlaces) {
  const say = (text) => { byId("said").textContent = text; };
  const add = () => {
    const wanted = byId("add-place").value.trim().toLocaleLowerCase(language);
    const place = known.places.find((one) => nameOf(one).toLocaleLowerCase(language) === wanted || one.id === wanted);
    if (!place) return wanted && say(t("compare.unknown_place", {name: byId("add-place").value}));
    byId("add-place").value = "";
    say(t("compare.added", {name: nameOf(place)}));
    return setPlaces([...state.places, place.id]);
  };
  byId("controls").addEventListener("submit", (event) => { event.preventDefault(); add(); });
  byId("controls").addEventListener("change", async (event) => {
    if (event.target.id === "add-place") return add();
    if (event.target.id === "add-group") {
      const members = known.groups.find((group) => group.id === event.target.value)?.members ?? [];
      event.target.value = "";
      return setPlaces([...state.places, ...members]);
    }
    if (event.target.id === "measure") await yearOptions();
    if (Number(byId("from").value) > Number(byId("to").value)) byId(event.target.id === "from" ? "to" : "from").value = event.target.value;
    return show();
  });
  byId("clear").addEventListener("click", () => { say(t("compare.cleared")); setPlaces([]); });
  byId("chosen").addEventListener("click", (event) => {
    const id = event.target.closest("button")?.dataset.place;
    if (!id) return;
    say(t("compare.removed", {name: nameOf(known.names.get(id))}));
    setPlaces(state.places.filter((one) => one !== id));
    (byId("chosen").querySelector("button") ?? byId("add-place")).focus();
  });
}

function chosenView(state, known) {
  const measureId = byId("measure").value;
  const measure = known.measures[measureId];
  const places = state.places.map((id) => ({...known.names.get(id), name: nameOf(known.names.get(id))}));
  return {
    measureId, measure, title: measureTitle(measureId, measure), measures: known.measures, places, gender: document.querySelector("[name=gender]:checked").value,
    from: Number(byId("from").value), to: Number(byId("to").value), group: known.groups.find((group) => group.id === byId("mean").value),
  };
}

async function showAll(state, known) {
  const turn = ++state.turn;
  const view = chosenView(state, known);
  choices(state, view);
  const series = await load(`measure/${view.measureId}`);
  const hasGender = view.gender === "T" || view.places.some((place) => series[place.id]?.[view.gender]);
  if (!hasGender) view.gender = "T";
  const lists = await comparedLists(view);
  const used = lists.flatMap((list) => list.cells.flatMap((cell) => cell.vintages.map((vintage) => ({vintage}))));
  const dated = await vintageLine(used);
  if (turn !== state.turn) return; // another choice was made meanwhile
  const shown = lists.filter((list) => list.cells.length);
  byId("result").textContent = view.title;
  byId("result").lang = titleLanguage(view.measure) ?? "";
  notes(view, lists, hasGender);
  byId("chart").replaceChildren(view.places.length ? chart(shown, view, known) : "");
  byId("numbers").hidden = !shown.length;
  if (!shown.length) {
    byId("table").replaceChildren(view.places.length ? "" : el("p.note", {}, t("compare.nobody")));
    return;
  }
  const two = shown.filter((list) => list.place);
  const unit = differenceUnit(view.measure.unit);
  const rows = two.length === 2 && view.places.length === 2 && unit ? [...shown, {id: "difference", isDifference: true, name: t("compare.difference", {one: two[0].name, other: two[1].name, unit: t(`unit.name.${unit}`)}), cells: differences(two)}] : shown;
  const source = [sourceLine(view.measure, view.measures), dated, ...ownLines(rows, unit, view)].filter(Boolean);
  byId("table").replaceChildren(wideTable(rows, view, known.vintages, source));
  byId("long").replaceChildren(longTable(rows, view, known.vintages));
}

/** Show what is chosen as buttons that take it away, and keep it in the address. */
function choices(state, view) {
  remember({
    measure: view.measureId, places: state.places.join(",") || NOBODY, gender: view.gender === "T" ? null : view.gender,
    from: byId("from").selectedIndex ? view.from : null, to: byId("to").selectedIndex < byId("to").options.length - 1 ? view.to : null, mean: view.group?.id ?? null,
  });
  const ids = state.places.join(",");
  if (byId("chosen").dataset.ids === ids) return; // a button that has the focus stays
  byId("chosen").dataset.ids = ids;
  byId("chosen").replaceChildren(...view.places.map((place) => el("li", {}, el("button", {type: "button", "data-place": place.id, "aria-label": t("compare.remove", {name: place.name})}, place.name, el("span", {"aria-hidden": "true"}, " ×")))));
}

/** What we calculate from the source's figures is said beside its name. */
function ownLines(rows, unit, view) {
  return [
    rows.some((list) => list.group) && t("source.means"),
    unit && (view.from < view.to || rows.some((list) => list.isDifference)) && !view.measure.own && t("compare.own_differences"),
  ];
}

function notes(view, lists, hasGender) {
  const absent = lists.filter((list) => !list.cells.length).map((list) => list.name);
  const broken = breaksWithin(view);
  byId("notes").replaceChildren(...[
    hasGender ? null : el("p.note", {}, t("compare.no_gender")),
    absent.length ? el("p.note", {}, t("compare.absent", {names: absent.join(", ")})) : null,
    broken.length ? el("p.notice", {}, t("compare.break", {years: [...new Set(broken.map((one) => one.year))].join(", ")})) : null,
    view.measure.unit === "ordinal" ? el("p.note", {}, t("compare.ordinal")) : null,
  ].filter(Boolean));
}

function chart(lists, view, known) {
  const means = lists.filter((list) => list.group);
  const drawn = [...lists.filter((list) => list.place).slice(0, MOST_LINES - means.length), ...means];
  const lines = withoutEmptyEnds(drawn).map((list, i) => ({name: list.name, isMain: i === 0, cells: list.cells.map((cell) => ({...cell, value: cell.isThin ? null : cell.value}))}));
  return el("div", {},
    lineChart(lines, {title: t("chart.by_year", {title: view.title}), isTitled: false, unit: view.measure.unit, height: 320, events: eventMarks(known.events), breaks: breakMarks([view.measure])}),
    drawn.length < lists.length ? el("p.note", {}, t("compare.most_lines", {n: drawn.length})) : null);
}

start().catch(failed);
