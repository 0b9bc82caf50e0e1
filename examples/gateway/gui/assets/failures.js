// The last failures of functions.

import { find } from "./api.js";
import { h, show, unfolded } from "./dom.js";
import { every } from "./panels.js";
import { plugin as known, scope, withoutPlace } from "./gateway.js";

const when = (seconds) => new Date(seconds * 1000).toLocaleString();

/// Those of a plugin, or of all if there is none; `go(phase, number, line)` shows where one was.
export function failuresPanel({ plugin, go }) {
  const summary = h("p", { role: "status" }, "");
  const list = h("ul", { class: "failures" });
  const element = h("div", {}, summary, list);
  let shown = "";

  async function look() {
    const answer = await find(plugin ? `/functions/failures?plugin=${plugin}` : "/functions/failures").catch(() => undefined);
    if (answer === undefined) return;
    const failures = answer?.data ?? [];
    const now = JSON.stringify(failures);
    if (now === shown) return;
    shown = now;
    const open = unfolded(list);
    summary.textContent = !answer ? "This gateway does not keep failures." : failures.length ? `${failures.length} failure${failures.length === 1 ? "" : "s"}, newest first` : "Nothing has failed.";
    show(list, failures.map((failure) => entry(failure, go, open)));
  }

  const timer = every(4, look);
  return { title: "Failures", element, open: timer.start, close: timer.stop };
}

function entry(failure, go, open) {
  const of = `${failure.request_id} ${failure.at}`;
  const number = failure.function ?? 1;
  const place = `${failure.phase} ${number}${failure.line ? `, line ${failure.line}` : ""}`;
  const its = known(failure.plugin?.id);
  const link = go
    ? h("button", { class: "link", on: { click: () => go(failure.phase, number, failure.line ?? 1) } }, place)
    : its ? h("a", { href: `#/plugins/${its.id}/${failure.phase}/${number}` }, `${failure.plugin_name} · ${place}, ${scope(its)}`) : `${failure.plugin_name} ${place}`;
  return h("li", { class: "failure" },
    h("p", { class: "message" }, withoutPlace(failure.message)),
    h("p", { class: "faint" }, link, failure.count > 1 && h("span", { class: "badge bad" }, `${failure.count} times`), h("br"),
      h("time", { datetime: new Date(failure.at * 1000).toISOString() }, when(failure.at)),
      failure.request_id && [" · request ", h("code", { class: "id" }, failure.request_id)]),
    failure.traceback && h("details", { "data-of": of, open: open.has(of) }, h("summary", {}, "Traceback"), h("pre", { tabindex: "0" }, failure.traceback)));
}
