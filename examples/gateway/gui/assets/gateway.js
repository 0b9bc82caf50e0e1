// What the gateway has: services, routes, and the plugins that are functions.

import { all, changesMade, find, get } from "./api.js";

/// The fields of a plugin that have functions in them, in the order in which they run.
export const PHASES = ["certificate", "rewrite", "access", "functions", "header_filter", "body_filter", "log"];
export const PLUGINS = ["pre-function", "post-function"];

export const gateway = {
  about: null,
  services: [],
  routes: [],
  plugins: [],
  /// The last failures of functions, newest first; null where the gateway tells none.
  failures: null,
  readOnly: false,
  /// Which functions stand in files of their own.
  files: [],
};

/// Entities by what they belong to: `services/…`, `routes/…`, or `all`.
let belonging = new Map();

function index() {
  belonging = new Map();
  const put = (key, entity) => {
    if (!belonging.has(key)) belonging.set(key, { routes: [], plugins: [] });
    belonging.get(key)[entity.config ? "plugins" : "routes"].push(entity);
  };
  for (const route of gateway.routes) put(route.service ? `services/${route.service.id}` : "all", route);
  for (const plugin of gateway.plugins) put(plugin.route ? `routes/${plugin.route.id}` : plugin.service ? `services/${plugin.service.id}` : "all", plugin);
}

const isFunction = (plugin) => PLUGINS.includes(plugin.name) || plugin.name === "serverless-functions";

/// Reads everything anew.
export async function load() {
  const before = changesMade();
  const [about, services, routes, plugins] =
    await Promise.all([get("/"), all("/services"), all("/routes"), all("/plugins")]);
  if (before !== changesMade()) return load();
  const byName = (one, other) => label(one).localeCompare(label(other));
  gateway.about = about;
  gateway.readOnly = about.configuration.database === "off";
  gateway.files = gateway.readOnly ? (await get("/functions/files")).data : [];
  gateway.services = services.sort(byName);
  gateway.routes = routes.sort(byName);
  gateway.plugins = plugins.filter(isFunction);
  index();
  return loadFailures();
}

export async function loadFailures() {
  const failures = await find("/functions/failures").catch(() => null);
  gateway.failures = failures && failures.data;
}

export const service = (id) => gateway.services.find((one) => one.id === id);
export const route = (id) => gateway.routes.find((one) => one.id === id);
export const plugin = (id) => gateway.plugins.find((one) => one.id === id);

/// The file that a function stands in, if it has one of its own.
export const fileOf = (plugin, phase, number) =>
  gateway.files.find((one) => one.plugin.id === plugin.id && one.phase === phase && one.function === number)?.file;

/// What people know an entity by.
export function label(entity) {
  if (entity.name) return entity.name;
  if (entity.paths?.length) return entity.paths.join(" ");
  if (entity.hosts?.length) return entity.hosts.join(" ");
  return entity.host ?? entity.id;
}

/// The address of a service's requests.
export function url(service) {
  const usual = { http: 80, https: 443 }[service.protocol];
  const port = service.port === usual ? "" : `:${service.port}`;
  return `${service.protocol}://${service.host}${port}${service.path ?? ""}`;
}

/// What requests a plugin is for, in words.
export function scope(plugin) {
  const parts = [];
  if (plugin.route) parts.push(`route ${label(route(plugin.route.id) ?? plugin.route)}`);
  if (plugin.service) parts.push(`service ${label(service(plugin.service.id) ?? plugin.service)}`);
  if (plugin.consumer) parts.push("one consumer");
  return parts.join(", ") || "every request";
}

/// The plugins of a route, of a service, or of all requests.
export function pluginsOf(kind, id) {
  return belonging.get(kind === "all" ? kind : `${kind}/${id}`)?.plugins ?? [];
}

/// The routes of a service, or those of none.
export function routesOf(service) {
  return belonging.get(service ? `services/${service}` : "all")?.routes ?? [];
}

/// The functions of a plugin: `{ phase, number, text }`.
export function functionsOf(config) {
  return PHASES.flatMap((phase) => (config[phase] ?? []).map((text, i) => ({ phase, number: i + 1, text })));
}

/// What a function is called: its phase, its number if there are several, its first comment.
export function title({ phase, number, text }, functions) {
  const isOne = functions.filter((other) => other.phase === phase).length === 1;
  const when = phase === "functions" ? "access (functions)" : phase;
  return { name: isOne ? when : `${when} ${number}`, about: /^\s*--\s*([^\n[-][^\n]*)/.exec(text)?.[1] ?? "" };
}

/// A message of Lua's without the function and line that it begins with, which stand beside it.
export const withoutPlace = (message) => message.replace(/^\[string "[^]*?"\]:\d+: /, "");

/// The failures of a plugin.
export function failuresOf(id) {
  return (gateway.failures ?? []).filter((failure) => failure.plugin?.id === id);
}

/// What of `texts`, functions by their fields, is otherwise in `config`.
export function changes(texts, config) {
  const changed = PHASES.filter((phase) => JSON.stringify(texts[phase]) !== JSON.stringify(config[phase] ?? []));
  return Object.fromEntries(changed.map((phase) => [phase, texts[phase]]));
}

export const isOtherwise = (texts, config) => Object.keys(changes(texts, config)).length > 0;
