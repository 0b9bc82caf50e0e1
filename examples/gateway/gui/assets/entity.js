// A service, a route, or all requests: what they are, and the functions on them.

import { ask } from "./api.js";
import { addFunction, addRoute, remove, routeFields, serviceFields } from "./dialogs.js";
import { attempt, h, say, show } from "./dom.js";
import { functionsOf, gateway, label, pluginsOf, route, routesOf, service, title, url } from "./gateway.js";

/// Shows one in `main`; `changed(hash)` is called when the gateway has something else, and where to go then.
export function entityView(main, kind, id, changed) {
  const of = { services: service, routes: route }[kind]?.(id);
  if (kind !== "all" && !of) return show(main, h("p", { class: "empty" }, "There is no such thing any more."));
  const kindName = { services: "Service", routes: "Route", all: "Functions for" }[kind];
  const add = async () => {
    const made = await addFunction(kind, id);
    if (made) await changed(`#/plugins/${made.plugin.id}/${made.phase}/${made.number}`);
  };
  return show(main, h("div", { class: "entity" },
    h("header", { class: "heading" }, h("h1", {}, h("span", { class: "faint" }, `${kindName} `), of ? label(of) : "every request")),
    h("section", { class: "card", "aria-labelledby": "functions-title" },
      h("div", { class: "card-head" }, h("h2", { id: "functions-title" }, "Functions"),
        h("button", { class: "primary", id: "add-function", disabled: gateway.readOnly, on: { click: add } }, "+ Function")),
      functionList(kind, id)),
    kind === "services" && routeList(of, changed),
    of && form(kind, of, changed)));
}

function functionList(kind, id) {
  const entries = pluginsOf(kind, id).flatMap((plugin) => {
    const functions = functionsOf(plugin.config);
    return functions.map((one) => {
      const { name, about } = title(one, functions);
      return h("li", {}, h("a", { href: `#/plugins/${plugin.id}/${one.phase}/${one.number}` }, `${plugin.name} · ${name}`),
        h("span", { class: "faint" }, ` ${about}`), !plugin.enabled && h("span", { class: "badge" }, "off"));
    });
  });
  return entries.length ? h("ul", { class: "links" }, entries) : h("p", { class: "faint" }, "There are none yet.");
}

function routeList(of, changed) {
  const routes = routesOf(of.id);
  const add = async () => {
    const made = await addRoute(of.id);
    if (made) await changed(`#/routes/${made.id}`);
  };
  return h("section", { class: "card", "aria-labelledby": "routes-title" },
    h("div", { class: "card-head" }, h("h2", { id: "routes-title" }, "Routes"),
      h("button", { id: "add-route", disabled: gateway.readOnly, on: { click: add } }, "+ Route")),
    routes.length ? h("ul", { class: "links" }, routes.map((route) => h("li", {}, h("a", { href: `#/routes/${route.id}` }, label(route)),
      h("span", { class: "faint" }, ` ${(route.methods ?? []).join(" ")} ${(route.hosts ?? []).join(" ")} ${(route.paths ?? []).join(" ")}`))))
      : h("p", { class: "faint" }, "There are none yet: no request reaches the service."));
}

function form(kind, of, changed) {
  const fields = kind === "services" ? serviceFields({ name: of.name, url: url(of) }) : routeFields(of);
  const wrong = h("p", { class: "bad", role: "alert" });
  const submit = async (event) => {
    event.preventDefault();
    show(wrong);
    try {
      await ask("PATCH", `/${kind}/${of.id}`, fields.read());
      await changed(location.hash);
      say("Saved: it is in force");
    } catch (error) {
      show(wrong, error.message);
    }
  };
  const drop = async () => {
    if (await remove(`/${kind}/${of.id}`, `Delete ${label(of)}?`)) await attempt(() => changed("#/"));
  };
  return h("section", { class: "card", "aria-labelledby": "settings-title" }, h("h2", { id: "settings-title" }, "Settings"),
    h("form", { on: { submit } }, fields.elements, wrong,
      h("div", { class: "buttons" }, h("button", { type: "button", class: "danger", disabled: gateway.readOnly, on: { click: drop } }, "Delete"),
        h("button", { class: "primary", disabled: gateway.readOnly }, "Save"))));
}
