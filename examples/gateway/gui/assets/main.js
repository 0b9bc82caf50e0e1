// The page: what is shown is what stands behind # in its address.

import { loadTypes } from "./complete.js";
import { addService } from "./dialogs.js";
import { attempt, h, show } from "./dom.js";
import { entityView } from "./entity.js";
import { gateway, load, loadFailures, plugin, route } from "./gateway.js";
import { overview } from "./overview.js";
import { isUnsaved, pluginView } from "./plugin.js";
import { select, tree } from "./tree.js";

const main = document.getElementById("main");
const pane = document.getElementById("tree-pane");
const menu = document.getElementById("menu");
const theme = document.getElementById("theme");
let view = null;
let drawTree = () => {};

/// What the address names: `#/plugins/…/access/1`.
const wanted = () => decodeURIComponent(location.hash).replace(/^#\//, "").split("/");

/// Shows what the address names.
function navigate() {
  const [kind, id, phase, number] = wanted();
  const its = kind === "plugins" ? plugin(id) : null;
  menu.setAttribute("aria-expanded", "false");
  if (its && view?.id === id) {
    view.open(phase, number);
    return mark(its, ...view.at);
  }
  view?.close?.();
  if (its) {
    view = pluginView(main, its, changed);
    view.open(phase, number);
  } else if (["services", "routes", "all"].includes(kind)) {
    entityView(main, kind, id, changed);
    view = null;
  } else {
    view = overview(main);
  }
  mark(its, ...(its ? view.at : [kind, id]));
  document.title = `${main.querySelector("h1")?.textContent ?? "Functions"} · tower-lua`;
  return undefined;
}

/// Shows in the tree where the person is.
function mark(its, kind, id) {
  if (its) {
    const routes = its.route ? [`routes/${its.route.id}`, `services/${route(its.route.id)?.service?.id}`] : [];
    const parents = its.service ? [`services/${its.service.id}`] : ["all"];
    select(`plugins/${its.id}/${kind}/${id}`, its.route ? routes : parents);
  } else {
    const parent = kind === "routes" ? [`services/${route(id)?.service?.id}`] : [];
    select(kind === "all" ? "all" : `${kind}/${id}`, [`${kind}/${id}`, ...parent]);
  }
  drawTree();
}

/// Reads anew what the gateway has, and goes to `hash` if one is given.
async function changed(hash) {
  await attempt(load);
  if (!hash) return drawTree();
  if (location.hash !== hash) {
    location.hash = hash;
    return undefined;
  }
  return navigate();
}

async function create() {
  const made = await addService();
  if (made) await changed(`#/services/${made.id}`);
}

function paint() {
  const wanted = localStorage.getItem("theme") ?? "";
  theme.value = wanted;
  if (wanted) document.documentElement.dataset.theme = wanted;
  else delete document.documentElement.dataset.theme;
}

theme.addEventListener("change", () => {
  localStorage.setItem("theme", theme.value);
  paint();
});
menu.addEventListener("click", () => {
  const isOpen = menu.getAttribute("aria-expanded") === "true";
  menu.setAttribute("aria-expanded", String(!isOpen));
  if (!isOpen) pane.querySelector("input")?.focus();
});
document.addEventListener("keydown", (event) => {
  if (event.key === "Escape" && pane.contains(document.activeElement)) {
    menu.setAttribute("aria-expanded", "false");
    menu.focus();
  }
});
document.querySelector(".skip").addEventListener("click", (event) => {
  event.preventDefault();
  main.focus();
});
window.addEventListener("hashchange", navigate);
// Others may have changed something while nobody looked.
window.addEventListener("focus", async () => {
  if (gateway.about && await attempt(async () => { await load(); return true; })) {
    view?.refresh?.(plugin(view.id));
    drawTree();
  }
});
window.addEventListener("beforeunload", (event) => { if (isUnsaved()) event.preventDefault(); });

paint();
try {
  await load();
  const { about, readOnly } = gateway;
  document.getElementById("about").textContent = `${about.version} · ${about.configuration.database === "off" ? "file" : about.configuration.database}`;
  if (readOnly) {
    const notice = document.getElementById("notice");
    notice.hidden = false;
    show(notice, "The gateway reads its configuration from a file: functions are changed there. Here they are looked at and tried.");
  }
  drawTree = tree(pane, create);
  navigate();
  // Which functions fail is in the tree.
  setInterval(async () => {
    const before = JSON.stringify(gateway.failures?.map((one) => [one.plugin?.id, one.phase, one.function]));
    if (document.hidden) return;
    await loadFailures();
    if (before !== JSON.stringify(gateway.failures?.map((one) => [one.plugin?.id, one.phase, one.function]))) drawTree();
  }, 5000);
} catch (error) {
  show(main, h("p", { class: "empty bad" }, error.message));
}
// Names are offered as soon as they are there.
loadTypes().catch(() => {});
