// A dry run: what the functions would do with a request. Nothing leaves the gateway.

import { ask } from "./api.js";
import { diff } from "./diff.js";
import { field, h, show } from "./dom.js";
import { PHASES, withoutPlace } from "./gateway.js";

const METHODS = ["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"];

/// The request that was tried last, for all functions.
const given = { method: "GET", path: "/", headers: "", body: "", status: "", response: "", answer: "" };

/// A form for a request, and what comes of it; `functions()` gives what is tried, `path` is one that reaches
/// them, `go(phase, number, line)` shows it.
export function tryPanel({ functions, path: usual, go }) {
  if (given.path === "/") given.path = usual;
  const bound = (name, element) => {
    element.value = given[name];
    element.name = name;
    element.addEventListener("input", () => { given[name] = element.value; });
    return element;
  };
  const area = (name, rows) => bound(name, h("textarea", { rows, spellcheck: "false", class: "code" }));
  const method = bound("method", h("select", {}, METHODS.map((one) => h("option", { value: one }, one))));
  const path = bound("path", h("input", { class: "code", required: true, autocomplete: "off" }));
  const status = bound("status", h("input", { inputmode: "numeric", pattern: "[1-9][0-9][0-9]", placeholder: "200" }));
  const outcome = h("div", { class: "outcome" });
  const summary = h("p", { class: "summary", role: "status" });
  const submit = (event) => {
    event.preventDefault();
    run();
  };
  const form = h("form", { class: "trial", on: { submit } },
    h("div", { class: "pair" }, field("Method", method), field("Path", path)),
    field("Headers", area("headers", 2), "Name: value, one a line."), field("Body", area("body", 2)),
    h("details", {}, h("summary", {}, "What the service answers"),
      h("p", { class: "faint" }, "With what it was asked, if nothing is said here."),
      field("Status", status), field("Headers of the response", area("response", 2)), field("Body of the response", area("answer", 2))),
    h("div", { class: "buttons" }, h("button", { class: "primary", id: "run" }, "Run")));

  async function run() {
    const tried = Object.fromEntries(PHASES.map((phase) => [phase, functions()[phase]]).filter(([, texts]) => texts?.length));
    outcome.setAttribute("aria-busy", "true");
    const request = { method: given.method, path: given.path, headers: head(given.headers), body: given.body };
    const isSaid = given.status || given.response.trim() || given.answer;
    const upstream = isSaid ? { status: Number(given.status) || 200, headers: head(given.response), body: given.answer } : undefined;
    try {
      const answer = await ask("POST", "/debug/try", { functions: tried, request, upstream });
      const failed = answer.phases.flatMap((phase) => phase.functions).filter((one) => one.error).length;
      summary.className = `summary ${failed ? "bad" : "good"}`;
      summary.textContent = `${answer.forwarded ? "Sent on and answered" : "Answered without the service"}: ${answer.response?.status}${failed ? `, ${failed} failed` : ""}`;
      show(outcome, told(answer, request, upstream, go));
    } catch (error) {
      const isOff = error.status === 404;
      summary.className = `summary ${isOff ? "" : "bad"}`;
      summary.textContent = isOff ? "Functions are tried by gateways that are started with --debug: this one is not." : error.message;
      show(outcome);
    }
    outcome.removeAttribute("aria-busy");
  }

  return { title: "Try", element: h("div", {}, form, summary, outcome), run };
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
  const lines = Object.entries(headers ?? {}).flatMap(([name, values]) => [values].flat().map((value) => `${name.toLowerCase()}: ${value}`));
  return lines.sort().join("\n");
}

const text = (first, of) => `${first}\n${written(of.headers)}\n\n${of.body ?? ""}`.trimEnd();

function told({ phases, forwarded, response, logs, plugins_left_out: others }, request, upstream, go) {
  const path = forwarded && forwarded.url.replace(/^\w+:\/\/[^/]*/, "");
  return [
    phases.map((phase) => [phase.functions.map((one) => ran(phase.phase, one, go)), changes(phase)]),
    forwarded && message("What goes on to the service", text(`${forwarded.method} ${path}`, forwarded), text(`${request.method} ${request.path}`, request)),
    response && message("What the client gets", text(response.status, response), forwarded && upstream ? text(upstream.status, upstream) : ""),
    others?.length > 0 && h("p", { class: "faint" }, `Left out: ${others.join(", ")}`),
    !phases.length && logs?.length > 0 && logged(logs),
  ];
}

/// A message, as a difference to what it was before.
function message(name, now, before) {
  const shown = before && diff(before, now, name);
  return h("section", {}, h("h3", {}, name), shown || [before && h("p", { class: "faint" }, "It stays as it is."), h("pre", { tabindex: "0" }, now)]);
}

/// What the functions of a phase have changed.
function changes({ phase, changes: list }) {
  if (!list?.length) return null;
  const line = (sign, change, value) => h("div", { class: sign === "+" ? "added" : "removed" }, h("span", { class: "sign" }, sign),
    h(sign === "+" ? "ins" : "del", {}, `${change.message} ${change.part}${change.name ? ` ${change.name}` : ""}: ${value}`));
  return [h("h4", {}, `Changed in ${phase}`), h("div", { class: "diff", role: "group", tabindex: "0", "aria-label": `Changed in ${phase}` },
    list.flatMap((change) => [...change.before.map((value) => line("-", change, value)), ...change.after.map((value) => line("+", change, value))]))];
}

const micros = (us) => (us >= 1000 ? `${(us / 1000).toFixed(1)} ms` : `${us} µs`);
const bytes = (count) => (count >= 10240 ? `${(count / 1024).toFixed(1)} KiB` : `${count} bytes`);

function ran(phase, one, go) {
  const costs = [micros(one.wall_us), `${micros(one.cpu_us)} CPU`, one.waited_us > 0 && `${micros(one.waited_us)} waited`, bytes(one.allocated)];
  const number = one.function ?? 1;
  return h("section", { class: "ran" },
    h("h3", {}, h("button", { class: "link", on: { click: () => go(phase, number, one.error?.line ?? 1) } }, `${phase} ${number}`),
      h("span", { class: "faint" }, ` ${costs.filter(Boolean).join(" · ")}${one.outcome === "exited" ? " · ended the request" : ""}`)),
    one.error && failed(phase, number, one.error, go),
    one.calls.length > 0 && h("ol", { class: "calls" }, one.calls.map(called)),
    one.calls_left_out > 0 && h("p", { class: "faint" }, `and ${one.calls_left_out} more`),
    one.logs.length > 0 && logged(one.logs));
}

function called({ name, arguments: values, result, error }) {
  return h("li", {}, h("code", {}, values ? `${name}(${values.join(", ")})` : name),
    result?.length > 0 && h("code", { class: "faint" }, ` → ${result.join(", ")}`), error && h("code", { class: "bad" }, ` ${error}`));
}

/// A line of the log without the beginning of the function, which stands beside it.
const readable = (message) => message.replace(/^\[kong\] \[string "[^]*?"\]:(\d+) \[[\w-]+\] /, "line $1: ");

const logged = (logs) => h("ul", { class: "logs" }, logs.map((log) => h("li", {}, h("span", { class: "badge" }, log.level), ` ${readable(log.message)}`)));

function failed(phase, number, error, go) {
  return h("div", { class: "failure" }, h("p", { class: "message" }, withoutPlace(error.message)),
    error.line && h("p", {}, h("button", { class: "link", on: { click: () => go(phase, number, error.line) } }, `Line ${error.line}`)),
    error.traceback && h("details", {}, h("summary", {}, "Traceback"), h("pre", { tabindex: "0" }, error.traceback)));
}
