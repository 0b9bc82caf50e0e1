// How functions do: calls, errors, latencies and CPU as small charts.

import { find } from "./api.js";
import { h, show, svg } from "./dom.js";
import { plugin as known, scope } from "./gateway.js";
import { every } from "./panels.js";

const KEPT = 60;
const SECONDS = 2;

/// What was measured of each function: `{ at, calls, errors, p50, p99, cpu }`, as long as the page is open.
const measured = new Map();
let isThere = true;

const total = (errors) => Object.values(errors).reduce((sum, one) => sum + one, 0);
const keyOf = (one) => `${one.plugin?.id ?? one.name} ${one.plugin_name} ${one.phase} ${one.function}`;

async function measure() {
  const answer = await find("/functions/metrics").catch(() => undefined);
  if (answer === undefined) return;
  isThere = answer !== null;
  const at = Date.now() / 1000;
  const list = answer?.data ?? [];
  for (const one of list) {
    const key = keyOf(one);
    const kept = measured.get(key) ?? { plugin: one.plugin?.id, phase: one.phase, number: one.function, name: one.name ?? one.plugin_name, samples: [] };
    const seconds = (us) => (us === null ? null : us / 1e6);
    kept.samples.push({
      at, calls: one.calls, errors: total(one.errors), kinds: one.errors,
      p50: seconds(one.wall_us.p50), p99: seconds(one.wall_us.p99), cpu: seconds(one.cpu_us.sum),
    });
    if (kept.samples.length > KEPT) kept.samples.shift();
    measured.set(key, kept);
  }
  // What is gone is told of no more.
  const there = new Set(list.map(keyOf));
  for (const key of measured.keys()) if (!there.has(key)) measured.delete(key);
}

/// What each sample adds to the one before, a second.
const rates = (samples, name) => samples.slice(1).map((sample, i) => Math.max(0, sample[name] - samples[i][name]) / (sample.at - samples[i].at));

const round = (number) => (number >= 100 ? Math.round(number) : Number(number.toPrecision(3))).toLocaleString();
const time = (seconds) => {
  if (seconds === undefined || seconds === null) return "–";
  if (seconds >= 1) return `${round(seconds)} s`;
  return seconds >= 1e-3 ? `${round(seconds * 1e3)} ms` : `${round(seconds * 1e6)} µs`;
};

const perSecond = (value) => `${round(value)} a second`;
const ofCore = (value) => `${round(value * 100)} % of a core`;

/// How many functions have charts at once: those that are called most.
const MOST = 50;

/// The charts of a plugin, or of all functions if there is none.
export function figuresPanel({ plugin }) {
  const list = h("div", { class: "figures" });
  const element = h("div", {}, list);

  /// What is there already stays where it is, with the focus that somebody has put on it.
  function draw(sections, more) {
    const there = [...list.children].filter((one) => sections.includes(one));
    if (there.length !== sections.length || there.some((one, i) => one !== sections[i])) show(list, sections, more);
  }

  async function look() {
    await measure();
    if (!isThere) return show(list, h("p", {}, "This gateway does not tell of its functions."));
    const own = [...measured.values()].filter((one) => !plugin || one.plugin === plugin);
    if (!own.length) return show(list, h("p", {}, "Nothing has been called yet."));
    if (!plugin) own.sort((one, other) => other.samples.at(-1).calls - one.samples.at(-1).calls);
    return draw(own.slice(0, MOST).map((one) => figure(one, !plugin)), own.length > MOST && h("p", { class: "faint" }, `${own.length - MOST} more are called less.`));
  }

  const timer = every(SECONDS, look);
  return { title: "Figures", element, open: timer.start, close: timer.stop };
}

function figure(of, hasName) {
  const { plugin, phase, number, name, samples } = of;
  const last = samples.at(-1);
  const [calls, cpu] = [rates(samples, "calls"), rates(samples, "cpu")];
  const its = known(plugin);
  const which = `${phase} ${number}`;
  const heading = !hasName ? which : its ? [h("a", { href: `#/plugins/${plugin}/${phase}/${number}` }, `${its.name} · ${which}`), h("span", { class: "faint" }, ` ${scope(its)}`)] : `${name} · ${which}`;
  const kinds = Object.entries(last.kinds).filter(([, count]) => count).map(([kind, count]) => `${kind} ${count.toLocaleString()}`).join(", ");
  const kept = hasName ? "listed" : "alone";
  of[kept] ??= h("section", { class: "figure" }, h("h3", {}, heading), h("dl", {}));
  show(of[kept].lastChild,
    chart("Calls", last.calls.toLocaleString(), calls, perSecond, perSecond(calls.at(-1) ?? 0)),
    chart("Errors", last.errors.toLocaleString(), rates(samples, "errors"), perSecond, kinds, last.errors ? "bad" : ""),
    chart("p50", time(last.p50), samples.map((sample) => sample.p50 ?? 0), time),
    chart("p99", time(last.p99), samples.map((sample) => sample.p99 ?? 0), time),
    chart("CPU", time(last.cpu), cpu, ofCore, ofCore(cpu.at(-1) ?? 0)));
  return of[kept];
}

/// A line of what `values` were, lately; what they are now is there in words.
function chart(label, now, values, words, more = "", kind = "") {
  const [width, height] = [120, 28];
  const most = Math.max(...values, 0);
  const x = (i) => (values.length < 2 ? width : i * width / (values.length - 1));
  const y = (value) => height - 2 - (most ? value / most * (height - 4) : 0);
  const points = values.map((value, i) => `${x(i).toFixed(1)},${y(value).toFixed(1)}`);
  const told = values.length ? `${label}: now ${words(values.at(-1))}, at most ${words(most)}` : `${label}: nothing yet`;
  return h("div", { class: `chart ${kind}` }, h("dt", {}, label), h("dd", {}, now),
    h("dd", {}, svg("svg", { viewBox: `0 0 ${width} ${height}`, role: "img", "aria-label": told, preserveAspectRatio: "none" },
      svg("title", {}, told),
      points.length > 1 && svg("polygon", { points: `0,${height} ${points.join(" ")} ${width},${height}` }),
      points.length > 1 && svg("polyline", { points: points.join(" "), "vector-effect": "non-scaling-stroke" }))),
    more && h("dd", { class: "faint rate" }, more));
}
