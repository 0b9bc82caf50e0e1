// Elements. All text is set as text: nothing on this page is ever parsed as markup.

const SVG = "http://www.w3.org/2000/svg";

function fill(element, properties, children) {
  for (const [name, value] of Object.entries(properties ?? {})) {
    if (value === undefined || value === null || value === false) continue;
    if (name === "on") {
      for (const [event, listener] of Object.entries(value)) element.addEventListener(event, listener);
    } else if (name === "value" || name === "checked" || name === "disabled" || name === "hidden") {
      element[name] = value;
    } else {
      element.setAttribute(name, value === true ? "" : value);
    }
  }
  element.append(...children.flat(Infinity).filter((child) => child !== null && child !== undefined && child !== false));
  return element;
}

/// An element of HTML: `h("a", { href: "#/" }, "text", …)`, with listeners in `on`.
export function h(name, properties, ...children) {
  return fill(document.createElement(name), properties, children);
}

/// The same of SVG.
export function svg(name, properties, ...children) {
  return fill(document.createElementNS(SVG, name), properties, children);
}

/// Makes `children` all that is in an element.
export function show(element, ...children) {
  element.replaceChildren();
  return fill(element, {}, children);
}

/// What is unfolded in an element, by the names that it has in `data-of`: whoever draws it anew leaves that so.
export const unfolded = (element) => new Set([...element.querySelectorAll("details[open]")].map((one) => one.dataset.of));

let count = 0;

/// A name for an element that no other has.
export function unique(prefix) {
  count += 1;
  return `${prefix}-${count}`;
}

/// A field with its label before it.
export function field(label, input, hint) {
  input.id ||= unique("field");
  const about = hint && h("small", { class: "faint", id: unique("hint") }, hint);
  if (about) input.setAttribute("aria-describedby", about.id);
  return h("div", { class: "field" }, h("label", { for: input.id }, label), input, about);
}

/// Calls `action` when there were no calls for `delay` milliseconds.
export function settled(delay, action) {
  let timer = 0;
  return (...given) => {
    clearTimeout(timer);
    timer = setTimeout(() => action(...given), delay);
  };
}

/// What was wrong is being mended.
export function hush() {
  document.getElementById("wrong").replaceChildren();
}

let fading = 0;

/// Says that something has been done.
export function say(text) {
  const said = document.getElementById("said");
  hush();
  said.textContent = text;
  clearTimeout(fading);
  fading = setTimeout(() => { said.textContent = ""; }, 6000);
}

/// Says what has gone wrong, until something else is said.
export function complain(error) {
  document.getElementById("said").textContent = "";
  show(document.getElementById("wrong"), h("span", {}, String(error.message ?? error)),
    h("button", { class: "quiet", on: { click: (event) => event.target.parentElement.replaceChildren() } }, "Dismiss"));
}

/// Does something, and says what has gone wrong with it.
export async function attempt(action) {
  try {
    return await action();
  } catch (error) {
    complain(error);
    return undefined;
  }
}
