// Lists to choose from: measures by topic, groups by kind.
import {el, measureTitle, t, textOr, titleLanguage} from "./core.js";

export const options = {
  /** Choose a value when the list has it. */
  choose(select, value) {
    if ([...select.options].some((option) => option.value === value)) select.value = value;
  },
};

/** Fill a list with measures under the headings of their topics; `suffix(id)` is put after a title. */
export function measureOptions(select, ids, measures, suffix = () => "") {
  const topics = new Map();
  for (const id of ids) {
    const measure = measures[id];
    const topic = measure.own ? t("word.own_calculations") : textOr(`topic.${measure.topic}`, measure.topic_sv);
    if (!topics.has(topic)) topics.set(topic, []);
    topics.get(topic).push(el("option", {value: id, lang: titleLanguage(measure)}, measureTitle(id, measure) + suffix(id)));
  }
  select.replaceChildren(...[...topics].map(([topic, list]) => el("optgroup", {label: topic}, list)));
}

/** Fill a list with the groups; the first line stands for no group. */
export function groupOptions(select, groups, first) {
  select.replaceChildren(el("option", {value: ""}, first), ...groups.map((group) => el("option", {value: group.id}, `${group.name} (${group.members.length})`)));
}

/** Return a test of a municipality's id: is it in the group ("" = any)? */
export function inGroup(groups, groupId) {
  const group = groups.find((one) => one.id === groupId);
  const members = new Set(group?.members);
  return (id) => !group || members.has(id);
}
