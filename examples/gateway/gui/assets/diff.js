// What is different between two texts, line by line.

import { h } from "./dom.js";
import { functionsOf } from "./gateway.js";

/// Above so many lines each, what is between the ends that are alike is told as a whole.
const MOST = 1500;

/// The lines of two texts: `{ sign: " " | "-" | "+", text }`.
export function lines(before, after) {
  const old = before.split("\n");
  const now = after.split("\n");
  let start = 0;
  while (start < old.length && start < now.length && old[start] === now[start]) start += 1;
  let end = 0;
  while (end < old.length - start && end < now.length - start && old.at(-1 - end) === now.at(-1 - end)) end += 1;
  const same = (text) => ({ sign: " ", text });
  const middle = between(old.slice(start, old.length - end), now.slice(start, now.length - end));
  return [...old.slice(0, start).map(same), ...middle, ...old.slice(old.length - end).map(same)];
}

/// By the longest common subsequence.
function between(old, now) {
  const gone = (text) => ({ sign: "-", text });
  const come = (text) => ({ sign: "+", text });
  if (old.length > MOST || now.length > MOST) return [...old.map(gone), ...now.map(come)];
  const width = now.length + 1;
  const length = new Uint16Array((old.length + 1) * width);
  for (let i = old.length - 1; i >= 0; i -= 1) {
    for (let j = now.length - 1; j >= 0; j -= 1) {
      length[i * width + j] = old[i] === now[j] ? length[(i + 1) * width + j + 1] + 1 : Math.max(length[(i + 1) * width + j], length[i * width + j + 1]);
    }
  }
  const found = [];
  let [i, j] = [0, 0];
  while (i < old.length || j < now.length) {
    if (i < old.length && j < now.length && old[i] === now[j]) {
      found.push({ sign: " ", text: old[i] });
      [i, j] = [i + 1, j + 1];
    } else if (i < old.length && (j === now.length || length[(i + 1) * width + j] >= length[i * width + j + 1])) {
      found.push(gone(old[i]));
      i += 1;
    } else {
      found.push(come(now[j]));
      j += 1;
    }
  }
  return found;
}

/// The difference to be looked at, with three lines around each; null where there is none.
export function diff(before, after, label) {
  const all = lines(before, after);
  if (all.every((line) => line.sign === " ")) return null;
  const isNear = (at) => all.slice(Math.max(0, at - 3), at + 4).some((line) => line.sign !== " ");
  const rows = [];
  let isLeft = false;
  all.forEach((line, at) => {
    if (!isNear(at)) {
      if (!isLeft) rows.push(h("div", { class: "left-out", "aria-hidden": "true" }, "⋯"));
      isLeft = true;
      return;
    }
    isLeft = false;
    const name = { "+": "ins", "-": "del", " ": "span" }[line.sign];
    const spoken = { "+": "added: ", "-": "removed: ", " ": "" }[line.sign];
    rows.push(h("div", { class: { "+": "added", "-": "removed", " ": "" }[line.sign] },
      h("span", { class: "sign", "aria-hidden": "true" }, line.sign), spoken && h("span", { class: "hidden" }, spoken), h(name, {}, line.text || " ")));
  });
  return h("div", { class: "diff", role: "group", tabindex: "0", "aria-label": label }, rows);
}

/// What is different between the functions of two configurations.
export function differences(before, after, instead) {
  const texts = (config) => new Map(functionsOf(config).map((one) => [`${one.phase} ${one.number}`, one.text]));
  const [old, now] = [texts(before), texts(after)];
  const names = [...new Set([...now.keys(), ...old.keys()])];
  const found = names.map((name) => {
    const shown = diff(old.get(name) ?? "", now.get(name) ?? "", `Changes of ${name}`);
    return shown && [h("h3", {}, name), shown];
  }).filter(Boolean);
  if (instead) found.unshift(h("p", { class: "faint" }, instead));
  return found.length ? found : h("p", { class: "faint" }, "The functions are the same.");
}
