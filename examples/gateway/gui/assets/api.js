// The Admin API, which the page has below /api at its own address.

import { h } from "./dom.js";

const KEY = "admin-key";
const NAME = "changed-by";

/// An answer that is not what was asked for.
export class Refused extends Error {
  constructor(status, body) {
    const wrong = leaves(body?.fields).map(readable);
    super(wrong.length ? wrong.join("; ") : body?.message ?? `the gateway answers ${status}`);
    this.status = status;
    this.fields = body?.fields;
  }
}

/// The texts that are somewhere in `fields`, with the names that lead there.
function leaves(fields, path = "") {
  if (typeof fields === "string") return [path ? `${path}: ${fields}` : fields];
  if (!fields || typeof fields !== "object") return [];
  return Object.entries(fields).flatMap(([name, inside]) => {
    const step = Array.isArray(fields) ? String(Number(name) + 1) : name;
    return leaves(inside, path && step !== "@entity" ? `${path} ${step}` : step.replace("@entity", ""));
  });
}

/// Kong names a function by how its text begins; here it is known which one it is.
const readable = (text) => text.replace(/^config /, "").replace(/error parsing \S+ ?(\[string "[^]*?"\]:(\d+): )?/, (_, where, line) => (where ? `line ${line}: ` : ""));

let turns = 0;

/// Another number when something was changed from here meanwhile: what was read before may be of before, or of after.
export const changesMade = () => turns;

/// Asks the Admin API, and gives the JSON of its answer.
export async function ask(method, path, body) {
  if (method === "GET") return asked(method, path, body);
  turns += 1;
  try {
    return await asked(method, path, body);
  } finally {
    turns += 1;
  }
}

async function asked(method, path, body) {
  const headers = {};
  if (body !== undefined) headers["Content-Type"] = "application/json";
  const key = sessionStorage.getItem(KEY);
  if (key) headers["Kong-Admin-Token"] = key;
  const name = changedBy();
  // A header takes no more than ASCII.
  if (method !== "GET" && name) headers["X-Changed-By"] = /^[ -~]*$/.test(name) ? name : encodeURIComponent(name);
  let response;
  try {
    response = await fetch(`/api${path}`, { method, headers, body: body && JSON.stringify(body) });
  } catch {
    throw new Error("the gateway does not answer");
  }
  const text = await response.text();
  let json = null;
  try {
    json = text && JSON.parse(text);
  } catch {
    json = { message: text.slice(0, 500) };
  }
  if (response.status === 401 && await wantKey()) return asked(method, path, body);
  if (!response.ok) throw new Refused(response.status, json);
  return json;
}

export const get = (path) => ask("GET", path);

/// The same, and null where there is no such thing.
export async function find(path) {
  try {
    return await get(path);
  } catch (error) {
    if (error.status === 404 || error.status === 405) return null;
    throw error;
  }
}

/// All entities of a list, whatever number of pages it has.
export async function all(path) {
  const entities = [];
  let next = `${path}?size=1000`;
  while (next) {
    const page = await get(next);
    entities.push(...page.data);
    next = page.next;
  }
  return entities;
}

/// Who changes are said to be by.
export const changedBy = () => localStorage.getItem(NAME) ?? "";
export const setChangedBy = (name) => localStorage.setItem(NAME, name.trim());

let asking = null;

/// Asks the person for the key of the Admin API; false if there is none to be had.
function wantKey() {
  asking ??= new Promise((resolve) => {
    const input = h("input", { type: "password", autocomplete: "off", id: "admin-key", required: true });
    const done = (value) => {
      if (value) sessionStorage.setItem(KEY, value);
      asking = null;
      dialog.remove();
      resolve(Boolean(value));
    };
    const submit = (event) => {
      event.preventDefault();
      done(input.value);
    };
    const dialog = h("dialog", { "aria-labelledby": "key-title", on: { cancel: () => done("") } },
      h("form", { on: { submit } },
        h("h2", { id: "key-title" }, "The Admin API wants its key"),
        h("p", { class: "faint" }, "It was given to the gateway as --admin-key, and is kept until this tab is closed."),
        h("div", { class: "field" }, h("label", { for: "admin-key" }, "Key"), input),
        h("div", { class: "buttons" }, h("button", { class: "primary" }, "Use it"))));
    document.body.append(dialog);
    dialog.showModal();
  });
  return asking;
}
