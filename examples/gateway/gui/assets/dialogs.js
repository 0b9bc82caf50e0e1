// What is asked in front of everything else.

import { ask } from "./api.js";
import { attempt, field, h, say, show } from "./dom.js";
import { PHASES, label, pluginsOf, route, service } from "./gateway.js";

/// Shows a form; `submit` does what it is for, and the promise has what it gives, or nothing if the person leaves.
function dialog(title, label, contents, submit, kind = "primary") {
  return new Promise((resolve) => {
    const wrong = h("p", { class: "bad", role: "alert" });
    const close = (value) => {
      element.close();
      element.remove();
      resolve(value);
    };
    const leave = () => close(undefined);
    const send = async (event) => {
      event.preventDefault();
      try {
        close(await submit());
      } catch (error) {
        show(wrong, error.message);
      }
    };
    const form = h("form", { on: { submit: send } }, h("h2", { id: "dialog-title" }, title), contents, wrong,
      h("div", { class: "buttons" }, h("button", { type: "button", on: { click: leave } }, "Cancel"),
        h("button", { class: kind }, label)));
    const element = h("dialog", { "aria-labelledby": "dialog-title", on: { cancel: (event) => { event.preventDefault(); leave(); } } }, form);
    document.body.append(element);
    element.showModal();
  });
}

/// Whether the person means it.
export async function confirmed(question, label, kind = "danger") {
  return await dialog(question, label, null, () => true, kind) === true;
}

/// Texts of a list that is written with blanks or commas; null if there are none.
export function words(text) {
  const found = text.split(/[\s,]+/).filter(Boolean);
  return found.length ? found : null;
}

export function serviceFields(of = {}) {
  const name = h("input", { value: of.name ?? "", name: "name", autocomplete: "off" });
  const address = h("input", { value: of.url ?? "", name: "url", required: true, type: "url", placeholder: "http://127.0.0.1:3000", autocomplete: "off" });
  return {
    elements: [field("Name", name), field("URL", address, "Where its requests go.")],
    read: () => ({ name: name.value.trim() || null, url: address.value.trim() }),
  };
}

export function routeFields(of = {}) {
  const list = (name) => h("input", { value: (of[name] ?? []).join(" "), name, autocomplete: "off" });
  const name = h("input", { value: of.name ?? "", name: "name", autocomplete: "off" });
  const [paths, hosts, methods] = ["paths", "hosts", "methods"].map(list);
  const strips = h("input", { type: "checkbox", checked: of.strip_path ?? true, name: "strip_path" });
  return {
    elements: [field("Name", name), field("Paths", paths, "What paths begin with; ~ before a regular expression."), field("Hosts", hosts),
      field("Methods", methods, "All, if there are none."), h("label", { class: "inline" }, strips, " The service does not see the path that was matched")],
    read: () => ({
      name: name.value.trim() || null, paths: words(paths.value), hosts: words(hosts.value),
      methods: words(methods.value.toUpperCase()), strip_path: strips.checked,
    }),
  };
}

export function addService() {
  const fields = serviceFields();
  return dialog("A new service", "Create", fields.elements, () => ask("POST", "/services", fields.read()));
}

export function addRoute(service) {
  const fields = routeFields();
  return dialog("A new route", "Create", fields.elements, () => ask("POST", `/services/${service}/routes`, fields.read()));
}

/// What a function of a phase begins with.
export function template(phase) {
  const texts = {
    certificate: "-- Before there is a request: what the client asks for by TLS.\nkong.log.debug(kong.client.get_ip())\n",
    rewrite: "-- Before the route is looked for.\nlocal path = kong.request.get_path()\nkong.log.debug(path)\n",
    access: "-- Before the request goes on to the service.\nif not kong.request.get_header(\"X-Name\") then\n  kong.service.request.set_header(\"X-Name\", \"nobody\")\nend\n",
    header_filter: "-- Before the head of the response is sent.\nkong.response.set_header(\"X-Served-By\", kong.node.get_hostname())\n",
    body_filter: "-- For each part of the response's body.\nlocal body = kong.response.get_raw_body()\nif body then\n  kong.log.debug(#body)\nend\n",
    log: "-- After the response has been sent.\nkong.log.info(kong.response.get_status())\n",
  };
  return texts[phase === "functions" ? "access" : phase];
}

export function phaseSelect(properties) {
  const phases = PHASES.filter((phase) => phase !== "functions");
  const select = h("select", properties, phases.map((phase) => h("option", { value: phase }, phase)));
  select.value = "access";
  return select;
}

/// Makes a function for the requests of a service, of a route, or of all; gives its plugin and where in it it is.
export function addFunction(kind, id) {
  const name = h("select", { name: "name" }, h("option", { value: "pre-function" }, "before other plugins (pre-function)"),
    h("option", { value: "post-function" }, "after other plugins (post-function)"));
  const phase = phaseSelect({ name: "phase" });
  const of = { services: service, routes: route }[kind]?.(id);
  const scope = of ? `For the requests of ${label(of)}.` : "For every request, whatever its route.";
  const create = async () => {
    const there = pluginsOf(kind, id).find((one) => one.name === name.value && !one.consumer);
    const functions = [...(there?.config[phase.value] ?? []), template(phase.value)];
    const config = { [phase.value]: functions };
    const path = of ? `/${kind}/${id}/plugins` : "/plugins";
    const made = there ? await ask("PATCH", `/plugins/${there.id}`, { config }) : await ask("POST", path, { name: name.value, config });
    return { plugin: made, phase: phase.value, number: functions.length };
  };
  return dialog("A new function", "Create", [h("p", { class: "faint" }, scope), field("When", name), field("Phase", phase)], create);
}

/// Removes an entity if the person means it; whether it is gone.
export async function remove(path, question) {
  if (!await confirmed(question, "Delete")) return false;
  return await attempt(async () => {
    await ask("DELETE", path);
    say("Deleted");
    return true;
  }) ?? false;
}
