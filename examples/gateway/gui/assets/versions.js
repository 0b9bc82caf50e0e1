// What the functions of a plugin were before.

import { ask, changedBy, find, setChangedBy } from "./api.js";
import { canary } from "./canary.js";
import { confirmed } from "./dialogs.js";
import { differences } from "./diff.js";
import { attempt, field, h, say, show, unfolded } from "./dom.js";
import { gateway, isOtherwise } from "./gateway.js";

/// The versions of `plugin()`, and its canary, which is made of `draft()`; `restored()` is called when another is in force.
export function versionsPanel({ plugin, draft, restored }) {
  const other = canary({ plugin, draft, restored });
  const summary = h("p", { role: "status" });
  const list = h("ol", { class: "versions" });
  const name = h("input", { value: changedBy(), autocomplete: "name", on: { change: () => setChangedBy(name.value) } });
  const element = h("div", {}, field("Your name", name, "Changes that you make here are kept with it."), other.element, summary, list);
  let isOpen = false;
  let looks = 0;

  async function look() {
    other.look();
    looks += 1;
    const turn = looks;
    const answer = await attempt(() => find(`/plugins/${plugin().id}/versions`));
    // An answer to what was asked before may come after that.
    if (answer === undefined || turn !== looks) return;
    const versions = answer?.data ?? [];
    summary.textContent = answer ? `${versions.length} version${versions.length === 1 ? "" : "s"}, newest first` : "This gateway keeps no versions.";
    const open = unfolded(list);
    const sorted = [...versions].sort((one, other) => other.version - one.version);
    show(list, sorted.map((version, i) => entry(version, sorted[i + 1], open)));
  }

  function entry(version, before, shown) {
    const who = [readable(version.by?.name), version.by?.address].filter(Boolean).join(", ");
    const changes = h("div", {});
    const open = (event) => {
      if (event.target.open && !changes.childNodes.length) show(changes, differences(before?.config ?? {}, version.config ?? {}, before ? null : "the first version that is kept"));
    };
    const now = h("div", {});
    const compare = (event) => {
      if (event.target.open && !now.childNodes.length) show(now, differences(plugin().config, version.config ?? {}));
    };
    const details = (name, label, toggle, inside) => {
      const of = `${name} ${version.version}`;
      return h("details", { "data-of": of, open: shown.has(of), on: { toggle } }, h("summary", {}, label), inside);
    };
    return h("li", { class: version.current ? "current" : null, "data-version": version.version },
      h("p", {}, h("strong", {}, `Version ${version.version}`), version.current && h("span", { class: "badge good" }, "in force"),
        h("br"), h("span", { class: "faint" }, `${new Date(version.at * 1000).toLocaleString()}${who ? ` · ${who}` : ""} · `, h("code", {}, String(version.digest ?? "").replace(/^sha256[:-]?/, "").slice(0, 12)))),
      details("changed", "What it has changed", open, changes),
      !version.current && details("back", "What going back to it changes", compare, now),
      !version.current && h("button", { class: "rollback", disabled: gateway.readOnly, on: { click: () => back(version) } }, `Go back to version ${version.version}`));
  }

  async function back(version) {
    const lost = isOtherwise(draft(), plugin().config) ? " What is not saved is lost." : "";
    if (!await confirmed(`Put version ${version.version} in force again?${lost}`, "Go back", "primary")) return;
    await attempt(async () => {
      await ask("POST", `/plugins/${plugin().id}/rollback`, { version: version.version });
      await restored();
      say(`Version ${version.version} is in force again`);
    });
  }

  const update = () => { if (isOpen) look(); };
  return { title: "History", element, update, open() { isOpen = true; look(); }, close() { isOpen = false; } };
}

/// A name that was sent encoded, as one that is not ASCII is.
function readable(name) {
  try {
    return name && decodeURIComponent(name);
  } catch {
    return name;
  }
}
