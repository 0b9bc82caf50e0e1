// The functions of one plugin: written, looked at, saved.

import { ask, get } from "./api.js";
import { checker } from "./check.js";
import { confirmed, phaseSelect, remove, template } from "./dialogs.js";
import { attempt, complain, h, hush, say, show } from "./dom.js";
import { editor } from "./editor.js";
import { failuresPanel } from "./failures.js";
import { figuresPanel } from "./figures.js";
import { PHASES, fileOf, functionsOf, gateway, route, routesOf, scope, title } from "./gateway.js";
import { panels } from "./panels.js";
import { tryPanel } from "./try.js";
import { versionsPanel } from "./versions.js";

/// What has been written, by plugin, and what it was written from: `{ texts, base }`.
const drafts = new Map();

const copy = (config) => Object.fromEntries(PHASES.map((phase) => [phase, [...(config[phase] ?? [])]]));
const same = (one, other) => JSON.stringify(copy(one)) === JSON.stringify(copy(other));

/// A path of requests that a plugin is for.
function pathTo(plugin) {
  const its = plugin.route ? route(plugin.route.id) : plugin.service ? routesOf(plugin.service.id)[0] : null;
  const path = its?.paths?.[0] ?? "/";
  return path.startsWith("/") ? path : "/";
}

/// Whether something would be lost.
export const isUnsaved = () => [...drafts].some(([id, draft]) => !same(draft.texts, draft.base) && gateway.plugins.some((one) => one.id === id));

/// What is to be edited of a plugin: what it is, unless there is something that has not been saved.
function begin(plugin) {
  const draft = drafts.get(plugin.id);
  if (!draft || same(draft.texts, draft.base)) drafts.set(plugin.id, { texts: copy(plugin.config), base: plugin.config });
}

/// Shows a plugin in `main`; `changed(hash)` is called when the gateway has something else.
export function pluginView(main, plugin, changed) {
  let saved = plugin;
  let at = { phase: "access", number: 1 };
  begin(plugin);
  const draft = () => drafts.get(plugin.id).texts;
  const functions = () => functionsOf(draft());
  const isChanged = () => !same(draft(), saved.config);

  const code = editor({ phase: () => at.phase, changed: write, save, attempt: tryIt });
  let findings = [];
  const found = checker({
    functions: () => Object.fromEntries(Object.entries(draft()).filter(([, texts]) => texts.length)),
    found: (all) => { findings = all; mark(); },
    go: (finding) => go(finding.phase, finding.function, finding.line, finding.column),
  });
  const tabs = h("div", { class: "tabs functions", role: "tablist", "aria-label": "Functions", on: { keydown: turn } });
  const add = phaseSelect({ "aria-label": "Phase of a new function", id: "new-phase" });
  const state = h("span", { class: "state" });
  const saveButton = h("button", { class: "primary", id: "save", on: { click: save } }, "Save");
  const revert = h("button", { id: "revert", on: { click: undo } }, "Undo changes");
  const enabled = h("input", { type: "checkbox", id: "enabled", checked: plugin.enabled, disabled: gateway.readOnly, on: { change: enable } });
  const toTry = tryPanel({ functions: () => draft(), path: pathTo(plugin), go });
  const history = versionsPanel({ plugin: () => saved, draft, restored });
  const side = panels([toTry, failuresPanel({ plugin: plugin.id, go }), figuresPanel({ plugin: plugin.id }), history]);

  const panel = h("section", { class: "work", id: "function-panel", role: "tabpanel", tabindex: "-1" }, code.element);
  show(main, h("div", { class: "plugin" },
    h("header", { class: "heading" }, h("h1", {}, plugin.name, h("span", { class: "faint" }, ` ${scope(plugin)}`)), h("span", { class: "grow" }),
      h("label", { class: "inline" }, enabled, " in force"),
      h("button", { class: "quiet danger", disabled: gateway.readOnly, on: { click: drop } }, "Delete")),
    h("div", { class: "desk" },
      h("div", { class: "left" },
        h("div", { class: "tab-row" }, tabs, h("span", { class: "grow" }), add,
          h("button", { id: "add-to-plugin", on: { click: append } }, "+ Function")),
        panel,
        h("div", { class: "actions" }, saveButton, h("button", { id: "try", on: { click: tryIt } }, "Try"), revert, state, h("span", { class: "grow" }),
          h("button", { class: "quiet danger", id: "remove-function", on: { click: cut } }, "Remove this function")),
        found.element),
      side.element)));

  function write(text) {
    draft()[at.phase][at.number - 1] = text;
    hush();
    tell();
    found.soon();
  }

  function tell() {
    const file = fileOf(plugin, at.phase, at.number) ?? "a file";
    state.textContent = gateway.readOnly ? `read from ${file}: nothing can be saved here` : isChanged() ? "not saved" : "saved";
    state.className = `state ${isChanged() ? "warn" : "faint"}`;
    saveButton.disabled = gateway.readOnly || !isChanged();
    revert.disabled = !isChanged();
  }

  function mark() {
    const own = findings.filter((finding) => finding.phase === at.phase && finding.function === at.number);
    code.mark(own);
    for (const tab of tabs.children) {
      const [phase, number] = tab.dataset.at.split("/");
      const levels = findings.filter((one) => one.phase === phase && one.function === Number(number)).map((one) => one.level);
      tab.classList.toggle("error", levels.includes("error"));
      tab.classList.toggle("warning", !levels.includes("error") && levels.includes("warning"));
    }
  }

  function drawTabs() {
    show(tabs, functions().map((one) => {
      const isHere = one.phase === at.phase && one.number === at.number;
      const { name, about } = title(one, functions());
      return h("button", {
        role: "tab", "aria-selected": String(isHere), "aria-controls": "function-panel", tabindex: isHere ? 0 : -1, title: about || null,
        "data-at": `${one.phase}/${one.number}`, on: { click: () => go(one.phase, one.number) },
      }, name);
    }));
  }

  function turn(event) {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (!step) return;
    const all = [...tabs.children];
    const tab = all[(all.indexOf(document.activeElement) + step + all.length) % all.length];
    event.preventDefault();
    tab.click();
    tabs.querySelector("[aria-selected=true]").focus();
  }

  /// Shows a function of the plugin, the first if it has no such one.
  function open(phase, number) {
    const list = functions();
    const of = (field, place) => list.find((one) => one.phase === field && one.number === Number(place));
    // What runs in access may stand in the field that Kong had before there were phases.
    const old = phase === "access" && of("functions", number);
    const wanted = of(phase, number) ?? (old || (of(phase, 1) ?? list[0]));
    if (!wanted) {
      panel.hidden = true;
      drawTabs();
      return tell();
    }
    panel.hidden = false;
    at = { phase: wanted.phase, number: wanted.number };
    code.text = wanted.text;
    code.label = `Function ${wanted.phase} ${wanted.number}, in Lua`;
    drawTabs();
    mark();
    return tell();
  }

  function go(phase, number, line, column) {
    if (phase !== at.phase || number !== at.number) {
      open(phase, number);
      location.hash = `#/plugins/${plugin.id}/${at.phase}/${at.number}`;
    }
    if (line) code.go(line, column);
  }

  function append() {
    const list = draft()[add.value];
    list.push(template(add.value));
    go(add.value, list.length);
    found.look();
    code.focus();
  }

  function cut() {
    draft()[at.phase].splice(at.number - 1, 1);
    open(at.phase, Math.max(1, at.number - 1));
    found.look();
  }

  function undo() {
    drafts.delete(plugin.id);
    begin(saved);
    open(at.phase, at.number);
    found.look();
  }

  async function save() {
    if (gateway.readOnly || !isChanged()) return;
    await attempt(async () => {
      const now = await get(`/plugins/${plugin.id}`);
      if (!same(now.config, drafts.get(plugin.id).base) && !await confirmed("Somebody else has changed this plugin meanwhile. Replace what they have written?", "Replace")) return;
      const changes = PHASES.filter((phase) => JSON.stringify(draft()[phase]) !== JSON.stringify(now.config[phase] ?? []));
      const config = Object.fromEntries(changes.map((phase) => [phase, draft()[phase]]));
      saved = await ask("PATCH", `/plugins/${plugin.id}`, { config });
      drafts.get(plugin.id).base = saved.config;
      taken();
      say("Saved: it is in force");
    });
  }

  async function restored() {
    saved = await get(`/plugins/${plugin.id}`);
    undo();
    taken();
  }

  /// Shows what others have made of the plugin, unless there is something that has not been saved.
  function refresh(now) {
    if (!now || isChanged() || same(now.config, saved.config)) return;
    saved = now;
    undo();
    history.update();
  }

  function taken() {
    Object.assign(gateway.plugins.find((one) => one.id === plugin.id) ?? {}, saved);
    tell();
    drawTabs();
    mark();
    history.update();
    changed();
  }

  async function enable() {
    try {
      saved = await ask("PATCH", `/plugins/${plugin.id}`, { enabled: enabled.checked });
      taken();
      say(saved.enabled ? "It is in force" : "It is not in force any more");
    } catch (error) {
      enabled.checked = saved.enabled;
      complain(error);
    }
  }

  async function drop() {
    if (!await remove(`/plugins/${plugin.id}`, `Delete all functions of this ${plugin.name}?`)) return;
    drafts.delete(plugin.id);
    await changed("#/");
  }

  function tryIt() {
    side.choose(toTry);
    toTry.run();
  }

  found.look();
  return { id: plugin.id, open, refresh, get at() { return [at.phase, at.number]; }, close: () => side.close() };
}
