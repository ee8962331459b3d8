// Line charts over years or months, drawn with Observable Plot: missing years are marks of their own, never zero, never a joined line.
import {axisX, axisY, dot, gridY, line, plot, rect, ruleX, ruleY, text} from "../vendor/plot.js";
import {decimalsOf, el, language, missingMark, missingText, number, quantity, t} from "./core.js";

export const COLOURS = ["#17494d", "#b3541e", "#5b4b8a", "#8a6d00", "#2f6f9f", "#8c2f57", "#4f6f2f"];
const DASHES = [null, "6 3", "2 3", "8 3 2 3", "4 2", "1 3", "10 4"];
const WIDEST = 680;
const LABEL_WIDTH = 42;
const MARK_WIDTH = 30;

/**
 * Return a figure: the chart, its legend, and what is drawn on the time axis, in words.
 *
 * lines: [{name, cells: [{year, value, reason}], isMain, colour}]; options: title, unit, height, events: [{year, title}],
 * breaks: [{year, title}], spans: [{from, to, title}] (notes of some years), missing: [{year, reason}] (default: those of the main line), isTitled (false: a heading says
 * it already), perYear (12: cells are months, their year is 2021 + 1/12 … and their label "2021-02"), areEventsListed (false: the page lists them, by their `label`), description (for screen readers; the
 * table beside holds the numbers).
 */
export function lineChart(lines, options) {
  const {unit, title, events = [], breaks = [], spans = [], height = 260, areEventsListed = true, isTitled = true, perYear = 1} = options;
  const drawn = lines.filter(({cells}) => cells.length).map((one, i) => ({
    ...one, colour: one.colour ?? COLOURS[i % COLOURS.length], dash: one.isMain ? null : DASHES[i % DASHES.length],
  }));
  const years = allYears(drawn, perYear);
  if (!years.length) return el("p.note", {}, t("chart.nothing"));
  const points = drawn.flatMap(({cells, ...one}) => wholeYears(cells, years, perYear).map((cell) => ({...cell, ...one})));
  const known = points.filter((point) => point.value !== null);
  const missing = options.missing ?? points.filter((point) => point.isMain && point.value === null && point.reason);
  const decimals = decimalsOf(unit, known.map((p) => p.value));
  const within = (mark) => mark.year >= years[0] && mark.year <= years.at(-1);
  const margin = 0.3 / perYear;
  const width = Math.min(WIDEST, Math.max(320, document.documentElement.clientWidth - 36));
  const onAxis = numbered([...breaks.map((b) => ({...b, isBreak: true})), ...events].filter(within));
  const rows = labelRows(onAxis, (width - 80) / (years.at(-1) - years[0] + 2 * margin));
  const svg = plot({
    width, height, marginLeft: 56, marginRight: 24, marginTop: onAxis.length ? 17 + 13 * rows.length : 14, marginBottom: 30,
    style: {fontFamily: "inherit", fontSize: "13px"},
    x: {type: "linear", domain: [years[0] - margin, years.at(-1) + margin]},
    y: {zero: true, nice: true, ...(known.length ? {} : {domain: [0, 1], ticks: []})},
    marks: [
      rect(spans, {x1: (s) => s.from - margin, x2: (s) => s.to + margin, fill: "#5b4b8a", fillOpacity: 0.1}),
      gridY({ticks: 5, stroke: "#17494d", strokeOpacity: 0.12}),
      axisX(labelledYears(years, width), {tickFormat: String, tickSize: 0, label: null}),
      axisY({ticks: 5, tickSize: 0, label: null, tickFormat: (v) => number(v, Number.isInteger(v) ? 0 : Math.max(decimals, 1))}),
      ruleY([0], {stroke: "#51605f"}),
      ruleX(onAxis, {x: "year", stroke: (d) => (d.isBreak ? "#b3541e" : "#6b7776"), strokeDasharray: "3 3"}),
      ...rows.map((row, i) => text(row, {x: "year", text: "label", frameAnchor: "top", dy: -18 - 13 * i, fill: (d) => (d.isBreak ? "#9a4212" : "#4c5958"), fontWeight: 600})),
      ...drawn.map((one) => line(points.filter((p) => p.name === one.name), {
        x: "year", y: (p) => p.value ?? NaN, stroke: one.colour, strokeWidth: one.isMain ? 2.8 : 1.8, strokeDasharray: one.dash,
      })),
      ...drawn.map((one) => dot(known.filter((p) => p.name === one.name), {
        x: "year", y: "value", r: (one.isMain ? 4 : 2.6) / Math.sqrt(perYear), fill: one.colour,
        title: (p) => `${p.name} ${p.label ?? p.year}: ${quantity(p.value, unit, decimals)}`,
      })),
      text(missing, {x: "year", y: 0, dy: -9, text: (p) => (perYear > 1 ? "×" : missingMark(p.reason)), title: (p) => `${p.label ?? p.year}: ${missingText(p.reason)}`, fill: "#9a4212", fontStyle: "italic", fontWeight: 600}),
    ],
  });
  for (const style of svg.querySelectorAll("style")) style.remove(); // its rules stand in atlas.css: the policy allows no inline styles
  for (const part of svg.querySelectorAll("[aria-label]")) part.removeAttribute("aria-label"); // the picture has one name; its parts have none
  svg.setAttribute("role", "img");
  svg.setAttribute("aria-label", `${title}. ${options.description ?? t("chart.in_table")}`);
  return el("figure.chart", {}, el("figcaption", {}, el(isTitled ? "span" : "span.visually-hidden", {}, title), el("span.unit", {}, t(`unit.name.${unit}`))), legend(drawn), el("div.plot-frame", {}, svg), axisNotes(onAxis, spans, areEventsListed),
    missing.length && perYear > 1 ? el("p.note", {}, t("chart.cross")) : null);
}

/** Return the events of the reform calendar as marks of the time axis. */
export const eventMarks = (events) => events.map((event) => ({year: event.year, title: event[`title_${language}`]}));

/** Return the breaks of some measures as marks of the time axis, each once. */
export function breakMarks(measures) {
  const marks = measures.flatMap((measure) => measure?.breaks ?? []).map((one) => ({year: one.year, title: one[`note_${language}`]}));
  return [...new Map(marks.map((mark) => [`${mark.year} ${mark.title}`, mark])).values()];
}

/** Return every year (or month, as a part of a year) from the first to the last of the lines. */
function allYears(lines, perYear) {
  const found = lines.flatMap(({cells}) => cells.map((cell) => Math.round(cell.year * perYear)));
  if (!found.length) return [];
  const [first, last] = [Math.min(...found), Math.max(...found)];
  return Array.from({length: last - first + 1}, (_, i) => (first + i) / perYear);
}

/** Return one cell per year, so that a year without a record breaks the line. */
function wholeYears(cells, years, perYear) {
  const byYear = new Map(cells.map((cell) => [Math.round(cell.year * perYear), cell]));
  return years.map((year) => byYear.get(Math.round(year * perYear)) ?? {year, value: null, reason: null});
}

/** Return marks in one row, or in two by turns where their labels would touch each other. */
function labelRows(marks, pixelsPerYear) {
  const isCrowded = marks.some((mark, i) => i > 0 && (mark.year - marks[i - 1].year) * pixelsPerYear < MARK_WIDTH);
  return isCrowded ? [0, 1].map((row) => marks.filter((_, i) => i % 2 === row)) : [marks];
}

/** Return the years that the axis names: all whole ones, or as many as there is room for. */
function labelledYears(years, width) {
  const whole = years.filter(Number.isInteger);
  const step = Math.ceil((whole.length * LABEL_WIDTH) / (width - 80));
  return whole.filter((year) => (whole.at(-1) - year) % step === 0);
}

/** Give what stands on the time axis its labels: letters for breaks, figures for events; one mark per year. */
function numbered(marks) {
  const letters = [...new Set(marks.filter((mark) => mark.isBreak).map((mark) => mark.year))].sort();
  const placed = new Map();
  let events = 0;
  for (const mark of [...marks].sort((a, b) => a.year - b.year)) {
    const one = {...mark, own: mark.isBreak ? String.fromCharCode(65 + letters.indexOf(mark.year)) : mark.label ?? String(++events)};
    if (!placed.has(mark.year)) placed.set(mark.year, {year: mark.year, isBreak: false, marks: []});
    placed.get(mark.year).marks.push(one);
    placed.get(mark.year).isBreak ||= Boolean(mark.isBreak);
  }
  return [...placed.values()].map((place) => ({...place, label: [...new Set(place.marks.map((mark) => mark.own))].join(" ")}));
}

function legend(lines) {
  return el("ul.legend", {}, lines.map((one) => el("li", {}, swatch(one), one.name)));
}

function swatch({colour, dash, isMain}) {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  for (const [name, value] of Object.entries({width: 28, height: 10, "aria-hidden": "true"})) svg.setAttribute(name, value);
  const path = document.createElementNS("http://www.w3.org/2000/svg", "line");
  const strokes = {x1: 0, x2: 28, y1: 5, y2: 5, stroke: colour, "stroke-width": isMain ? 3 : 2, ...(dash ? {"stroke-dasharray": dash} : {})};
  for (const [name, value] of Object.entries(strokes)) path.setAttribute(name, value);
  svg.append(path);
  return svg;
}

function axisNotes(places, spans, areEventsListed) {
  const listed = places.flatMap((place) => place.marks).filter((mark) => mark.isBreak || areEventsListed);
  const numbers = places.flatMap((place) => place.marks).filter((mark) => !mark.isBreak);
  if (!listed.length && !numbers.length && !spans.length) return null;
  return el("ul.axis-notes", {}, listed.map((mark) => el(mark.isBreak ? "li.break" : "li", {},
    el("b", {}, `${mark.own} `), `${mark.when ?? mark.year} ${t(mark.isBreak ? "chart.break" : "chart.event")}: ${mark.title}`)),
  spans.map((span) => el("li.span", {}, el("b", {}, `${span.from === span.to ? span.from : `${span.from}–${span.to}`} `), `${t("chart.note")}: ${span.title}`)),
  numbers.length && !areEventsListed ? el("li", {}, t("chart.events_below", {numbers: numbers.map((mark) => mark.own).join(", ")})) : null);
}
