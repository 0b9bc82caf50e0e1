// Services, routes and their functions as a tree, by WAI-ARIA's pattern: one stop for Tab, arrows inside.

import { h, settled, show } from "./dom.js";
import { failuresOf, functionsOf, gateway, label, pluginsOf, routesOf, title } from "./gateway.js";

/// How many services are shown at once; the filter finds the others.
const MOST = 200;

/// Up to so many are open at first.
const FEW = 12;

const open = new Set(["all"]);
let filter = "";
let current = "";
let hasMoved = false;

/// Fills `pane` with the tree, and a filter above it; `add` makes a service.
export function tree(pane, add) {
  if (gateway.services.length <= FEW) for (const service of gateway.services) open.add(`services/${service.id}`);
  const list = h("ul", { role: "tree", "aria-label": "Services, routes and functions", on: { keydown: press } });
  const draw = () => drawTree(list);
  const search = h("input", {
    type: "search", placeholder: "Filter", "aria-label": "Filter services and routes", value: filter,
    on: { input: settled(120, () => { filter = search.value.trim().toLowerCase(); draw(); }) },
  });
  const button = h("button", { class: "quiet", id: "add-service", disabled: gateway.readOnly, on: { click: add } }, "+ Service");
  show(pane, h("div", { class: "tree-head" }, search, button), list);
  draw();
  return draw;
}

/// Marks what is shown in the page, and opens what it is in.
export function select(path, parents) {
  hasMoved ||= current !== path;
  current = path;
  for (const parent of parents) open.add(parent);
}

function drawTree(list) {
  const focused = list.contains(document.activeElement) ? document.activeElement.dataset.path : null;
  const matches = gateway.services.filter(isWanted);
  const nodes = [node("all", "Every request", "#/all", functionNodes("all"), "global")];
  const shown = matches.filter((service, i) => i < MOST || open.has(`services/${service.id}`));
  for (const service of shown) nodes.push(serviceNode(service));
  for (const route of routesOf().filter(isWanted)) nodes.push(routeNode(route));
  if (matches.length > shown.length) nodes.push(h("li", { class: "faint more", role: "none" }, `${matches.length - shown.length} more services: use the filter`));
  show(list, level(nodes, 1));
  const items = [...list.querySelectorAll("[role=treeitem]")];
  const first = items.find((item) => item.dataset.path === (focused ?? current)) ?? items[0];
  if (first) first.tabIndex = 0;
  if (focused) first?.focus();
  if (hasMoved) list.querySelector("[aria-selected=true] > .row")?.scrollIntoView({ block: "nearest" });
  hasMoved = false;
}

function isWanted(entity) {
  if (!filter) return true;
  return [entity, ...routesOf(entity.id)].some((one) => [label(one), one.host, ...(one.paths ?? []), ...(one.hosts ?? [])].join(" ").toLowerCase().includes(filter));
}

function serviceNode(service) {
  const path = `services/${service.id}`;
  return node(path, label(service), `#/${path}`, () => [...functionNodes("services", service.id)(), ...routesOf(service.id).map(routeNode)], "service");
}

function routeNode(route) {
  const path = `routes/${route.id}`;
  return node(path, label(route), `#/${path}`, functionNodes("routes", route.id), "route");
}

function functionNodes(kind, id) {
  return () => pluginsOf(kind, id).flatMap((plugin) => {
    const functions = functionsOf(plugin.config);
    return functions.map((one) => {
      const { name, about } = title(one, functions);
      const path = `plugins/${plugin.id}/${one.phase}/${one.number}`;
      const phase = one.phase === "functions" ? "access" : one.phase;
      // What has failed before it was changed may be mended.
      const isOf = (failure) => failure.phase === phase && failure.function === one.number && failure.at >= plugin.updated_at;
      const fails = failuresOf(plugin.id).some(isOf);
      const when = plugin.name === "post-function" ? "post" : "pre";
      const text = [h("span", { class: "when" }, when), ` ${name}`, about && h("span", { class: "faint" }, ` ${about}`),
        !plugin.enabled && h("span", { class: "badge" }, "off"),
        fails && h("span", { class: "badge bad" }, "fails")];
      return node(path, text, `#/${path}`, null, "function");
    });
  });
}

/// An entry; what is in it is made when it is opened.
function node(path, text, href, children, kind) {
  const inside = children && (filter || open.has(path)) ? children() : [];
  const isOpen = children ? String(Boolean(filter) || open.has(path)) : undefined;
  const item = h("li", {
    role: "treeitem", class: kind, "data-path": path, tabindex: -1, "aria-expanded": isOpen,
    "aria-selected": String(path === current), "data-href": href,
  });
  item.append(h("div", { class: "row", on: { click: (event) => follow(event, item) } },
    h("span", { class: "twist", "aria-hidden": "true" }), h("span", { class: "name" }, text)));
  if (inside.length) item.append(h("ul", { role: "group" }, inside));
  return item;
}

function level(nodes, depth) {
  for (const item of nodes) {
    if (item.getAttribute("role") !== "treeitem") continue;
    item.setAttribute("aria-level", depth);
    const group = item.querySelector(":scope > ul");
    if (group) level([...group.children], depth + 1);
  }
  return nodes;
}

function follow(event, item) {
  const path = item.dataset.path;
  if (item.hasAttribute("aria-expanded")) {
    const isTwist = event.target.classList.contains("twist");
    if (open.has(path) && (isTwist || path === current)) open.delete(path); else open.add(path);
    if (isTwist || location.hash === item.dataset.href) redraw(item);
    if (isTwist) return;
  }
  location.hash = item.dataset.href;
}

function redraw(item) {
  item.focus();
  drawTree(item.closest("[role=tree]"));
}

function press(event) {
  const item = event.target.closest("[role=treeitem]");
  if (!item || event.ctrlKey || event.metaKey || event.altKey) return;
  const items = [...event.currentTarget.querySelectorAll("[role=treeitem]")];
  const at = items.indexOf(item);
  const parent = item.parentElement.closest("[role=treeitem]");
  const isOpen = item.getAttribute("aria-expanded");
  const go = (other) => {
    if (!other) return;
    item.tabIndex = -1;
    other.tabIndex = 0;
    other.focus();
  };
  const keys = {
    ArrowDown: () => go(items[at + 1]),
    ArrowUp: () => go(items[at - 1]),
    Home: () => go(items[0]),
    End: () => go(items.at(-1)),
    ArrowRight: () => {
      if (isOpen === "false") { open.add(item.dataset.path); redraw(item); } else if (isOpen === "true") go(item.querySelector("[role=treeitem]"));
    },
    ArrowLeft: () => {
      if (isOpen === "true" && !filter) { open.delete(item.dataset.path); redraw(item); } else go(parent);
    },
    Enter: () => { location.hash = item.dataset.href; },
    " ": () => { location.hash = item.dataset.href; },
  };
  const letter = () => {
    const rest = [...items.slice(at + 1), ...items.slice(0, at)];
    go(rest.find((other) => other.querySelector(".name").textContent.trim().toLowerCase().startsWith(event.key.toLowerCase())));
  };
  const action = keys[event.key] ?? (event.key.length === 1 ? letter : null);
  if (!action) return;
  event.preventDefault();
  action();
}
