// What stands beside the editor, one at a time.

import { h } from "./dom.js";

/// Tabs over `all`: `{ title, element, open(), close() }`, of which the last two may be missing.
export function panels(all) {
  const tabs = all.map((panel, i) => h("button", { role: "tab", id: `side-${i}`, "aria-controls": `side-panel-${i}`, on: { click: () => choose(panel) } }, panel.title));
  const bodies = all.map((panel, i) => h("div", { role: "tabpanel", id: `side-panel-${i}`, "aria-labelledby": `side-${i}`, tabindex: "0", hidden: true }, h("h2", { class: "hidden" }, panel.title), panel.element));
  const list = h("div", { class: "tabs", role: "tablist", "aria-label": "Beside the function", on: { keydown: turn } }, tabs);
  const element = h("aside", { class: "side", "aria-label": "Try, failures, figures and history" }, list, bodies);
  let current = null;

  function choose(panel) {
    if (panel === current) return;
    current?.close?.();
    current = panel;
    all.forEach((one, i) => {
      tabs[i].setAttribute("aria-selected", String(one === panel));
      tabs[i].tabIndex = one === panel ? 0 : -1;
      bodies[i].hidden = one !== panel;
    });
    panel.open?.();
  }

  function turn(event) {
    const at = tabs.indexOf(document.activeElement);
    const to = { ArrowRight: at + 1, ArrowLeft: at - 1, Home: 0, End: tabs.length - 1 }[event.key];
    if (to === undefined) return;
    event.preventDefault();
    const i = (to + tabs.length) % tabs.length;
    choose(all[i]);
    tabs[i].focus();
  }

  choose(all[0]);
  return { element, choose, close: () => current?.close?.() };
}

/// Does something now and every `seconds`, until it is stopped. Nothing is done while nobody looks.
export function every(seconds, action) {
  let timer = 0;
  return {
    start() {
      clearInterval(timer);
      action();
      timer = setInterval(() => { if (!document.hidden) action(); }, seconds * 1000);
    },
    stop() { clearInterval(timer); },
  };
}
