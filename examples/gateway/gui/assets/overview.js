// What there is at first: how all functions do, and what has failed lately.

import { h, show } from "./dom.js";
import { failuresPanel } from "./failures.js";
import { figuresPanel } from "./figures.js";
import { functionsOf, gateway } from "./gateway.js";

export function overview(main) {
  const [failures, figures] = [failuresPanel({}), figuresPanel({})];
  const functions = gateway.plugins.reduce((sum, plugin) => sum + functionsOf(plugin.config).length, 0);
  const count = (number, word) => h("li", {}, h("strong", {}, String(number)), ` ${word}${number === 1 ? "" : "s"}`);
  const isEmpty = !gateway.services.length && !functions;
  show(main, h("div", { class: "entity" },
    h("header", { class: "heading" }, h("h1", {}, "Overview")),
    h("ul", { class: "counts" }, count(gateway.services.length, "service"), count(gateway.routes.length, "route"), count(functions, "function")),
    isEmpty && h("section", { class: "card" }, h("h2", {}, "Nothing is here yet"),
      h("p", {}, "A service is where requests go, a route says which requests. Functions are put on either, or on every request. Begin with “+ Service”.")),
    h("section", { class: "card", "aria-labelledby": "failures-title" }, h("h2", { id: "failures-title" }, "Failures"), failures.element),
    h("section", { class: "card", "aria-labelledby": "figures-title" }, h("h2", { id: "figures-title" }, "Functions"), figures.element)));
  failures.open();
  figures.open();
  return { close() { failures.close(); figures.close(); } };
}
