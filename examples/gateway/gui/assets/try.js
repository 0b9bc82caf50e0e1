// A dry run: what the functions would do with a request. Nothing leaves the gateway.

import { ask } from "./api.js";
import { diff } from "./diff.js";
import { field, h, show } from "./dom.js";
import { PHASES } from "./gateway.js";

const METHODS = ["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"];

/// The request that was tried last, for all functions.
const given = { method: "GET", path: "/", headers: "Host: example.com", body: "", status: "200", response: "Content-Type: application/json", answer: "{}" };

/// A form for a request, and what comes of it; `functions()` gives what is tried, `go(phase, number, line)` shows it.
export function tryPanel({ functions, go }) {
  const bound = (name, element) => {
    element.value = given[name];
    element.name = name;
    element.addEventListener("input", () => { given[name] = element.value; });
    return element;
  };
  const area = (name, rows) => bound(name, h("textarea", { rows, spellcheck: "false", class: "code" }));
  const method = bound("method", h("select", {}, METHODS.map((one) => h("option", { value: one }, one))));
  const path = bound("path", h("input", { class: "code", required: true, autocomplete: "off" }));
  const headers = area("headers", 2);
  const body = area("body", 2);
  const status = bound("status", h("input", { inputmode: "numeric", pattern: "[1-5][0-9][0-9]", size: 3 }));
  const outcome = h("div", { class: "outcome", role: "status" });
  const submit = (event) => {
    event.preventDefault();
    run();
  };
  const form = h("form", { class: "trial", on: { submit } },
    h("div", { class: "pair" }, field("Method", method), field("Path", path)),
    field("Headers", headers, "One a line."), field("Body", body),
    h("details", {}, h("summary", {}, "What the service answers"), field("Status", status), field("Headers of the response", area("response", 2)), field("Body of the response", area("answer", 2))),
    h("div", { class: "buttons" }, h("button", { class: "primary", id: "run" }, "Run")));

  async function run() {
    const tried = Object.fromEntries(PHASES.map((phase) => [phase, functions()[phase]]).filter(([, texts]) => texts?.length));
    if (tried.functions) tried.access = [...(tried.access ?? []), ...tried.functions];
    delete tried.functions;
    outcome.setAttribute("aria-busy", "true");
    const request = { method: given.method, path: given.path, headers: head(given.headers), body: given.body };
    const upstream = { status: Number(given.status) || 200, headers: head(given.response), body: given.answer };
    try {
      const answer = await ask("POST", "/debug/try", { functions: tried, request, upstream });
      show(outcome, told(answer, request, upstream, go));
    } catch (error) {
      const isOff = error.status === 404;
      show(outcome, h("p", { class: isOff ? "" : "bad" }, isOff ? "Trying functions is for gateways that are started with --debug: this one is not." : error.message));
    }
    outcome.removeAttribute("aria-busy");
  }

  return { title: "Try", element: h("div", {}, form, outcome), run };
}

/// Headers that are written one a line; those that come several times as a list.
function head(text) {
  const headers = {};
  for (const line of text.split("\n")) {
    const at = line.indexOf(":");
    if (at < 1) continue;
    const name = line.slice(0, at).trim();
    const value = line.slice(at + 1).trim();
    headers[name] = name in headers ? [headers[name], value].flat() : value;
  }
  return headers;
}

/// Headers as lines, in the order of their names.
function written(headers) {
  const entries = Array.isArray(headers) ? headers : Object.entries(headers ?? {});
  const lines = entries.flatMap(([name, values]) => [values].flat().map((value) => `${name.toLowerCase()}: ${value}`));
  return lines.sort().join("\n");
}

const body = (of) => (of.body === undefined || of.body === null ? "" : typeof of.body === "string" ? of.body : JSON.stringify(of.body));
const requestText = (of) => `${of.method} ${of.uri ?? of.path}\n${written(of.headers)}\n\n${body(of)}`;
const responseText = (of) => `${of.status}\n${written(of.headers)}\n\n${body(of)}`;

function told(answer, request, upstream, go) {
  const { phases = [], forwarded, response } = answer;
  return [
    message("What goes on to the service", forwarded && requestText(forwarded), requestText(request), forwarded ? "" : "Nothing: a function has answered."),
    message("What the client gets", response && responseText(response), forwarded ? responseText(upstream) : "", ""),
    phases.flatMap((phase) => (phase.functions ?? []).map((one, i) => ran(phase, one, i, go))),
  ];
}

/// A message, as a difference to what it was before.
function message(name, now, before, instead) {
  return h("section", {}, h("h3", {}, name),
    now ? diff(before, now, name) ?? [h("p", { class: "faint" }, "It stays as it is."), h("pre", { tabindex: "0" }, now)] : h("p", {}, instead));
}

const micros = (us) => (us >= 1000 ? `${(us / 1000).toFixed(1)} ms` : `${Math.round(us)} µs`);
const bytes = (count) => (count >= 10240 ? `${(count / 1024).toFixed(1)} KiB` : `${count} bytes`);
const value = (of) => (typeof of === "string" ? JSON.stringify(of) : of === undefined ? "nil" : JSON.stringify(of));

function ran(phase, one, i, go) {
  const costs = [one.wall_us !== undefined && micros(one.wall_us), one.cpu_us !== undefined && `${micros(one.cpu_us)} CPU`, one.allocated !== undefined && bytes(one.allocated)];
  const calls = one.calls ?? [];
  const logs = one.logs ?? [];
  return h("section", { class: "ran" },
    h("h3", {}, h("button", { class: "link", on: { click: () => go(phase.phase, i + 1, one.error?.line ?? 1) } }, `${phase.phase} ${i + 1}`),
      h("span", { class: "faint" }, ` ${costs.filter(Boolean).join(" · ")}`)),
    one.error && failed(phase, one.error, i, go),
    calls.length > 0 && h("ol", { class: "calls" }, calls.map((call) => h("li", {},
      h("code", {}, `${call.name}(${[call.arguments ?? []].flat().map(value).join(", ")})`), call.result !== undefined && call.result !== null && h("code", { class: "faint" }, ` → ${[call.result].flat().map(value).join(", ")}`)))),
    logs.length > 0 && h("ul", { class: "logs" }, logs.map((log) => h("li", {}, h("span", { class: "badge" }, log.level ?? "log"), ` ${log.message ?? log}`))));
}

function failed(phase, error, i, go) {
  const text = typeof error === "string" ? error : error.message;
  return h("div", { class: "failure" }, h("p", { class: "message" }, text),
    error.line && h("p", {}, h("button", { class: "link", on: { click: () => go(phase.phase, i + 1, error.line) } }, `Line ${error.line}`)),
    error.traceback && h("details", {}, h("summary", {}, "Traceback"), h("pre", { tabindex: "0" }, error.traceback)));
}
