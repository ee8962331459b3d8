// What every page needs: its language, texts, data, numbers and a way to make elements.

const html = document.documentElement;
export const language = html.lang;
export const root = html.dataset.root;
export const here = html.dataset.here;
export const pageVersion = html.dataset.version;

const MINUS = "\u2212";
const THIN = "\u202f";
const loading = new Map();

/** Load `data/<path>.json` once and return its body; a page of an older version says that it should be reloaded. */
export function load(path) {
  if (!loading.has(path)) loading.set(path, fetchData(path));
  return loading.get(path);
}

async function fetchData(path) {
  const address = `${root}data/${path}.json`;
  const answer = await fetch(address, {credentials: "same-origin"});
  if (!answer.ok) throw new Error(`${address}: ${answer.status}`);
  const {version, body} = await answer.json();
  if (version !== pageVersion) document.getElementById("newer-notice").hidden = false;
  return body;
}

const texts = await load(`texts.${language}`);

/** Return a text in the page's language; `{names}` are filled in. A key that nobody wrote is an error. */
export function t(key, values = {}) {
  const text = texts[key];
  if (text === undefined) throw new Error(`no text for ${key}`);
  return text.replace(/\{(\w+)\}/g, (whole, name) => (name in values ? values[name] : whole));
}

/** Return a text, or undefined when there is none. */
export const textOr = (key, other) => texts[key] ?? other;

/** Make an element: `el("p.note", {id: "x", onclick: f}, "text", child, …)`; null children are left out. */
export function el(selector, attributes = {}, ...children) {
  const [tag, ...classes] = selector.split(".");
  const node = document.createElement(tag);
  if (classes.length) node.className = classes.join(" ");
  for (const [name, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) continue;
    if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
    else node.setAttribute(name, value === true ? "" : value);
  }
  node.append(...children.flat().filter((child) => child !== null && child !== undefined && child !== false));
  return node;
}

export const byId = (id) => document.getElementById(id);

/** Return a number as people write it: 1 234,5 in Swedish, 1,234.5 in English. */
export function number(value, decimals = 0) {
  if (value === null || value === undefined) return "–";
  const rounded = Math.abs(value).toFixed(decimals);
  const [whole, part] = rounded.split(".");
  const grouped = whole.replace(/\B(?=(\d{3})+$)/g, language === "sv" ? THIN : ",");
  const sign = value < 0 && Number(rounded) !== 0 ? MINUS : "";
  return sign + grouped + (part ? (language === "sv" ? "," : ".") + part : "");
}

const DECIMALS = {percent: 1, fte: 1, ratio: 2, persons_per_km2: 1, km2: 0, percentage_points: 1};

/** Return how many decimals a value of this unit has, unless it is a whole number anyway. */
export function decimalsOf(unit, values = []) {
  const most = DECIMALS[unit] ?? 0;
  return values.length && values.every((v) => v === null || Number.isInteger(v)) ? 0 : most;
}

/** Return a value with its unit as people write it. */
export function quantity(value, unit, decimals = DECIMALS[unit] ?? 0) {
  if (unit === "boolean") return value === null ? "–" : t(value ? "word.yes" : "word.no");
  return `${number(value, decimals)}${textOr(`unit.suffix.${unit}`, "")}`;
}

/** Return a difference with its sign. */
export const signed = (value, decimals = 1) => (value > 0 ? "+" : "") + number(value, decimals);

/** Return how a missing value is shown ("i.u.", "." …) and what the reason is in words. */
export const missingMark = (reason) => textOr(`missing.mark.${reason}`, "–");
export const missingText = (reason) => textOr(`missing.text.${reason}`, reason);

/** Return the date of an ISO time. */
export const day = (time) => (time ? time.slice(0, 10) : "–");

/** Return a series of `queries.py` as a list of cells. */
export function cells(series) {
  if (!series) return [];
  return series.y.map((year, i) => ({
    year, value: series.v[i], reason: series.r[i], vintage: series.n[i], isPreliminary: Boolean(series.p?.[i]),
  }));
}

/** Return the cell of one year, undefined when the series has none. */
export const cellOf = (series, year) => cells(series).find((cell) => cell.year === year);

/** Return the name of a measure: its official title, or ours for what we calculate. */
export const measureTitle = (id, measure) => (measure?.own ? t(`measure.${id}`) : tidyTitle(measure?.title ?? id));
/** Return the language of a measure's name where it is not the page's: official titles are in Swedish. */
export const titleLanguage = (measure) => (language !== "sv" && !measure?.own ? "sv" : null);
const tidyTitle = (title) => title.replace(/\s+/g, " ").trim();

/** Return a short name of a measure, for legends and headings of columns. */
export function shortTitle(id, measure) {
  const category = measure?.category_id && textOr(`category.${measure.topic}.${measure.category_id}`);
  return category || textOr(`measure.short.${id}`) || measureTitle(id, measure);
}

/** Put `name=value` pairs into the address without loading anything; null removes one. */
export function remember(values) {
  const address = new URL(location.href);
  for (const [name, value] of Object.entries(values)) {
    if (value === null || value === "") address.searchParams.delete(name);
    else address.searchParams.set(name, value);
  }
  history.replaceState(null, "", address);
  const other = document.querySelector("a.language");
  if (other) other.href = other.getAttribute("href").split("?")[0] + address.search;
}

/** Return a value from the address. */
export const recalled = (name) => new URL(location.href).searchParams.get(name);

/** Say in the page that something could not be shown, and let the console know why. */
export function failed(error) {
  byId("content").append(el("p.notice.fault", {role: "alert"}, t("site.failed")));
  throw error;
}

if (location.search) remember({});
