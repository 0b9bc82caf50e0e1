// What is offered at a place in a function, and what the name there is: of the types that the gateway has.

import { tokens, WORDS } from "./lua.js";

let types = null;

/// Gets the types, once.
export async function loadTypes() {
  types ??= await (await fetch("/completions.json")).json();
}

/// A member of a class, its own or its parents'.
function member(name, of) {
  if (of?.startsWith("*")) return { of: of.slice(1) };
  const known = types?.classes[of];
  if (!known) return null;
  if (Object.hasOwn(known.members, name)) return known.members[name];
  for (const parent of known.parents ?? []) {
    const found = member(name, parent);
    if (found) return found;
  }
  return known.others ? { of: known.others } : null;
}

function members(of) {
  const known = types?.classes[of];
  if (!known) return {};
  return Object.assign({}, ...(known.parents ?? []).map(members), known.members);
}

/// Strings without their quotes.
const inside = (text) => text.replace(/^(\[=*\[|["'])|(\]=*\]|["'])$/g, "");

/// Where the expression begins that ends at the token `end`, as in `a.b(1):c`.
function beginning(list, end) {
  let i = end;
  for (;;) {
    while (list[i]?.text === ")" || list[i]?.text === "]" || list[i]?.kind === "string") {
      if (list[i].kind === "string") { i -= 1; continue; }
      let depth = 0;
      for (; i >= 0; i -= 1) {
        if (")]}".includes(list[i].text)) depth += 1;
        if ("([{".includes(list[i].text)) depth -= 1;
        if (depth === 0) break;
      }
      i -= 1;
    }
    if (list[i]?.kind !== "name") return -1;
    if (list[i - 1]?.text !== "." && list[i - 1]?.text !== ":") return i;
    i -= 2;
  }
}

/// The class of the expression from the token `start` up to `end`, and the member that it ends with.
function resolve(list, start, end, depth = 0) {
  const root = list[start]?.text;
  let i = start + 1;
  let of = null;
  let last = null;
  if (root === "require") {
    const named = list[i]?.text === "(" ? list[i + 1] : list[i];
    of = named?.kind === "string" ? types.modules[inside(named.text)] ?? null : null;
    i += list[i]?.text === "(" ? 3 : 1;
  } else {
    of = local(list, root, start, depth) ?? (types.classes[root] ? root : null);
  }
  while (i <= end) {
    const token = list[i];
    if (token.text === "." || token.text === ":") {
      last = { name: list[i + 1]?.text, of, is: member(list[i + 1]?.text, of) };
      i += 2;
      const isCalled = i <= end && (list[i].text === "(" || list[i].kind === "string" || list[i].text === "{");
      of = (isCalled ? last.is?.gives : last.is?.of) ?? null;
    } else if (token.text === "(" || token.text === "[" || token.text === "{") {
      if (!last && token.text === "(") of = types.classes[of]?.called ?? of;
      if (token.text === "[") of = of?.startsWith("*") ? of.slice(1) : null;
      let open = 0;
      for (; i <= end; i += 1) {
        if ("([{".includes(list[i].text)) open += 1;
        if (")]}".includes(list[i].text)) open -= 1;
        if (open === 0) break;
      }
      i += 1;
    } else if (token.kind === "string") {
      i += 1;
    } else {
      break;
    }
  }
  return { of, last };
}

/// The class of the variable `name`, as the last `local name = …` before a token says.
function local(list, name, before, depth) {
  if (depth > 6) return null;
  for (let i = before - 1; i > 0; i -= 1) {
    if (list[i].text !== name || list[i - 1].text !== "local") continue;
    let at = i + 1;
    while (list[at]?.text === "," || (list[at]?.kind === "name" && list[at - 1]?.text === ",")) at += 1;
    if (list[at]?.text !== "=") return null;
    if (list[at + 1]?.text === "assert" && list[at + 2]?.text === "(") at += 2;
    return resolve(list, at + 1, before - 1, depth + 1).of;
  }
  return null;
}

/// The names that a text gives to variables.
function variables(list) {
  const names = new Set();
  list.forEach((token, i) => {
    if (token.kind !== "name") return;
    const before = list[i - 1]?.text;
    if (before === "local" || before === "for" || before === "function" || before === "," || before === "(") names.add(token.text);
  });
  return names;
}

/// What is offered before `caret`: `{ start, entries }`, or null. All names, not only those that are begun, where
/// it `isAsked` for.
export function offers(text, caret, phase, isAsked) {
  if (!types) return null;
  const whole = tokens(text.slice(0, caret));
  const list = whole.filter((token) => token.kind !== "space" && token.kind !== "comment");
  if (whole.at(-1)?.kind === "comment") return null;
  const last = list.at(-1);
  if (last?.kind === "string" && last.start + last.text.length === caret) {
    const isRequired = list.at(-2)?.text === "require" || (list.at(-2)?.text === "(" && list.at(-3)?.text === "require");
    if (!isRequired || /^(["']).*\1$/.test(last.text)) return null;
    const entries = Object.keys(types.modules).map((name) => ({ name, kind: "module", insert: name }));
    return among(entries, last.start + 1, text.slice(last.start + 1, caret), phase);
  }
  const isPartial = (last?.kind === "name" || last?.kind === "keyword" || last?.kind === "constant") && last.start + last.text.length === caret;
  const partial = isPartial ? last.text : "";
  const end = list.length - (isPartial ? 2 : 1);
  const separator = list[end]?.text;
  const start = caret - partial.length;
  if (separator === "." || separator === ":") {
    const from = beginning(list, end - 1);
    const of = from < 0 ? null : resolve(list, from, end - 1).of;
    const known = Object.entries(members(of ?? (separator === ":" ? "string" : null)));
    const wanted = known.filter(([, is]) => separator === "." || is.method || !of);
    return among(wanted.map(([name, is]) => entry(name, is)), start, partial, phase);
  }
  if (last?.kind === "number" || (!partial && !isAsked)) return null;
  const names = [...variables(list.slice(0, end + 1))].map((name) => ({ name, kind: "variable", insert: name }));
  const tables = types.tables.map((name) => ({ name, kind: "table", insert: name }));
  const globals = types.globals.map((name) => ({ name, kind: name.startsWith("_") ? "value" : "function", insert: name }));
  const words = WORDS.map((name) => ({ name, kind: "keyword", insert: name }));
  return among([...names, ...tables, ...globals, ...words], start, partial, phase);
}

function entry(name, is) {
  const isFunction = is.arguments !== undefined;
  return { name, kind: isFunction ? "function" : is.of ? "table" : "value", is, insert: name };
}

/// Those of `entries` that begin with, or have in them, what is there; those of other phases last.
function among(entries, start, partial, phase) {
  const lower = partial.toLowerCase();
  const seen = new Set();
  const rank = (entry) => {
    const name = entry.name.toLowerCase();
    const fits = name.startsWith(lower) ? 0 : 2;
    return fits + (isFor(entry.is, phase) ? 0 : 1);
  };
  const found = entries.filter((entry) => {
    if (seen.has(entry.name) || !entry.name.toLowerCase().includes(lower)) return false;
    seen.add(entry.name);
    return true;
  });
  found.sort((one, other) => rank(one) - rank(other));
  const isWhole = found.length === 1 && found[0].name === partial;
  return found.length && !isWhole ? { start, end: start + partial.length, entries: found.slice(0, 60) } : null;
}

/// How a function is called that is known by `name`; nothing for what is none.
export const signature = (name, is) => is?.arguments === undefined ? "" : `${name}(${is.arguments})${is.results ? `: ${is.results}` : ""}`;

/// Whether something may be used in a phase.
export function isFor(is, phase) {
  return !is?.phases || is.phases.split(", ").includes(phase === "functions" ? "access" : phase);
}

/// What the name at `caret` is, or the function that is called there: its path and what is said of it.
export function described(text, caret) {
  if (!types) return null;
  const list = tokens(text).filter((token) => token.kind !== "space" && token.kind !== "comment");
  let at = list.findIndex((token) => token.start <= caret && caret <= token.start + token.text.length && token.kind === "name");
  if (at < 0 || !["." , ":"].includes(list[at - 1]?.text)) at = called(list, caret);
  if (at < 0) return null;
  const from = beginning(list, at);
  if (from < 0) return null;
  const { last } = resolve(list, from, at);
  return last?.is ? { path: text.slice(list[from].start, list[at].start + list[at].text.length).replace(/\s+/g, " "), is: last.is } : null;
}

/// The name of the function in whose arguments `caret` is.
function called(list, caret) {
  let depth = 0;
  for (let i = list.length - 1; i > 0; i -= 1) {
    if (list[i].start >= caret) continue;
    if (")".includes(list[i].text)) depth += 1;
    if (list[i].text === "(" && depth === 0) return list[i - 1].kind === "name" ? i - 1 : -1;
    if (list[i].text === "(") depth -= 1;
    if (list[i].kind === "keyword" && list[i].text !== "not" && list[i].text !== "and" && list[i].text !== "or") return -1;
  }
  return -1;
}
