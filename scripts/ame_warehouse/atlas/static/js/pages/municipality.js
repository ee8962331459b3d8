// Kommun: one municipality against its groups, its pair and riket, topic by topic.
import {
  byId, cells, decimalsOf, el, failed, language, load, missingMark, missingText, quantity, recalled, remember, shortTitle, t, textOr,
} from "../core.js";
import {options} from "../choices.js";
import {jobseekersSection} from "../jobseekers.js";
import {compositionBlock, measureBlock} from "../municipality-blocks.js";

const TOPICS = [
  "participants", "referrals", "enrolment_length", "time_without_work", "education", "age", "costs", "unemployment",
  "long_term_unemployment", "social_assistance", "sorting_key", "population",
];
const COMPOSED = new Set(["referrals", "enrolment_length", "time_without_work", "education", "age"]);
const OWN_TOPICS = {
  own_participants_share_of_population_pct: "participants", own_participants_change_pct: "participants",
  own_referral_share_af_total: "referrals", own_net_cost_sek_per_participant: "costs",
};
const FACTS = [
  "ame_participants_total", "own_participants_share_of_population_pct", "own_referral_share_af_total", "lmp_net_cost_per_inhabitant",
  "own_net_cost_sek_per_participant",
];
const RIKET = "0000";
const YET_TO_COME = new Set(["not_loaded", "not_yet_published"]);

async function start() {
  const {id, name, jobseekers} = byId("place").dataset;
  const [place, measures, places, groups, events] = await Promise.all(["place/" + id, "measures", "places", "groups", "events"].map(load));
  const own = groups.filter((group) => group.members.includes(id));
  const skr = own.find((group) => group.id === places.find((one) => one.id === id).skr_group_id);
  const pair = own.find((group) => group.kind === "matched_pair");
  const partner = places.find((one) => one.id !== id && pair?.members.includes(one.id));
  const others = own.filter((group) => group !== skr && group !== pair);
  byId("group").replaceChildren(...others.map((group) => el("option", {value: group.id}, group.name)), el("option", {value: ""}, t("municipality.no_group")));
  options.choose(byId("group"), recalled("group") ?? others.find((group) => group.kind === "region")?.id ?? others[0]?.id ?? "");
  chooseGender(recalled("gender"));
  const shared = {place: {id, name}, partner, hasJobseekers: Boolean(jobseekers), data: place, measures, events: numberEvents(events)};
  const [skrMeans, partnerData, riketData] = await Promise.all([
    skr && load(`group/${skr.id}`), partner && load(`place/${partner.id}`), places.some((one) => one.id === RIKET) && load(`place/${RIKET}`),
  ]);
  facts(place.series, measures);
  notes(place.notes.filter((note) => !TOPICS.includes(note.topic)));
  const show = async () => {
    const group = groups.find((one) => one.id === byId("group").value);
    const gender = document.querySelector("[name=gender]:checked").value;
    remember({group: byId("group").value, gender: gender === "T" ? null : gender});
    const means = group && (await load(`group/${group.id}`));
    const against = [
      group && {kind: "group", name: group.name, means},
      skr && {kind: "group", name: skr.name, means: skrMeans},
      partner && {kind: "pair", name: partner.name, series: partnerData.series},
      riketData && {kind: "riket", name: t("word.riket"), series: riketData.series},
    ].filter(Boolean);
    await sections({...shared, gender, against});
  };
  byId("controls").addEventListener("change", () => show().catch(failed));
  byId("controls").addEventListener("submit", (event) => event.preventDefault());
  await show();
}

function chooseGender(gender) {
  const input = document.querySelector(`[name=gender][value="${gender === "K" || gender === "M" ? gender : "T"}"]`);
  input.checked = true;
}

/** Give the events of the reform calendar their numbers and list them. */
function numberEvents(events) {
  const marks = events.map((event, i) => ({year: event.year, title: event[`title_${language}`], label: String(i + 1), date: event.event_date, precision: event.date_precision}));
  const shown = (mark) => (mark.precision === "year" ? String(mark.year) : mark.precision === "month" ? mark.date.slice(0, 7) : mark.date);
  byId("event-list").replaceChildren(...marks.map((mark) => el("li", {}, `${shown(mark)}: ${mark.title}`)));
  return marks;
}

/** The latest figures: value and year, or what is shown when that year has none; years that are yet to come are passed over. */
function facts(series, measures) {
  byId("facts").replaceChildren(...FACTS.filter((id) => series[id]?.T).map((id) => {
    const all = cells(series[id].T);
    const cell = all.findLast((one) => !YET_TO_COME.has(one.reason)) ?? all.at(-1);
    const shown = cell.value === null ? el("abbr.missing", {title: missingText(cell.reason)}, missingMark(cell.reason)) : quantity(cell.value, measures[id].unit, decimalsOf(measures[id].unit, [cell.value]));
    return el("div", {"data-measure": id}, el("dt", {}, textOr(`fact.${id}`, shortTitle(id, measures[id]))), el("dd", {}, shown, " ", el("small", {}, String(cell.year))));
  }));
}

function notes(list) {
  byId("notes").replaceChildren(...list.map(noteBox));
}

const noteBox = (note) => el("p.notice.calm", {}, note[`note_${language}`], " ", el("span.note", {}, `(${note.source})`));

async function sections(view) {
  const byTopic = new Map();
  for (const id of Object.keys(view.data.series)) {
    const topic = OWN_TOPICS[id] ?? view.measures[id].topic;
    if (!byTopic.has(topic)) byTopic.set(topic, []);
    byTopic.get(topic).push(id);
  }
  const order = [...TOPICS.filter((topic) => byTopic.has(topic)), ...[...byTopic.keys()].filter((topic) => !TOPICS.includes(topic))];
  const title = (topic) => textOr(`topic.${topic}`, view.measures[byTopic.get(topic)[0]].topic_sv);
  byId("contents").replaceChildren(el("ul", {}, [...order.map((topic) => [topic, title(topic)]), ...(view.hasJobseekers ? [["jobseekers", t("topic.jobseekers")]] : [])].map(([topic, name]) => el("li", {}, el("a", {href: `#${topic}`}, name)))));
  const made = [...order.map((topic) => section(topic, title(topic), byTopic.get(topic), view)), ...(view.hasJobseekers ? [jobseekersSection(view, view.partner)] : [])];
  byId("sections").replaceChildren(...await Promise.all(made));
  if (location.hash) document.querySelector(location.hash)?.scrollIntoView();
}

async function section(topic, title, ids, view) {
  const parts = COMPOSED.has(topic) ? ids.filter((id) => view.measures[id].category_id) : [];
  const singles = ids.filter((id) => !parts.includes(id)).sort((a, b) => (view.measures[a].own ? 1 : 0) - (view.measures[b].own ? 1 : 0) || a.localeCompare(b));
  const blocks = [
    ...(parts.length ? [compositionBlock(topic, title, parts, view)] : []),
    ...singles.map((id) => measureBlock(id, view)),
  ];
  return el("section.topic", {"aria-labelledby": topic},
    el("h2", {id: topic}, title),
    textOr(`topic.caveat.${topic}`, null) && el("p.note", {}, t(`topic.caveat.${topic}`)),
    view.data.notes.filter((note) => note.topic === topic).map(noteBox),
    await Promise.all(blocks));
}

start().catch(failed);
