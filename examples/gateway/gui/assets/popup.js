// The names that are offered while a function is written.

import { h, show, unique } from "./dom.js";
import { isFor, offers, signature } from "./complete.js";

const SIGNS = { function: "ƒ", table: "{}", module: "▤", variable: "𝑥", keyword: "k", value: "=" };

/// A list below the caret of `input`; what is chosen of it, `insert` writes.
export function popup({ input, frame, phase, insert }) {
  const id = unique("names");
  const list = h("ul", { role: "listbox", id, "aria-label": "Names" });
  const about = h("div", { class: "about" });
  const said = h("div", { class: "hidden", role: "status" });
  const box = h("div", { class: "popup", hidden: true }, list, about);
  frame.parentElement?.append(box, said);
  input.setAttribute("aria-haspopup", "listbox");
  input.setAttribute("aria-controls", id);
  let offered = null;
  let at = 0;

  function close() {
    offered = null;
    box.hidden = true;
    input.removeAttribute("aria-activedescendant");
    said.textContent = "";
  }

  function choose(i) {
    at = (i + offered.entries.length) % offered.entries.length;
    [...list.children].forEach((item, number) => item.setAttribute("aria-selected", String(number === at)));
    const item = list.children[at];
    input.setAttribute("aria-activedescendant", item.id);
    item.scrollIntoView({ block: "nearest" });
    const { name, is } = offered.entries[at];
    const how = signature(name, is);
    show(about, how && h("code", {}, how), is?.summary && h("p", {}, is.summary),
      is?.phases && h("p", { class: isFor(is, phase()) ? "faint" : "bad" }, isFor(is, phase()) ? is.phases : `not in ${phase()}: ${is.phases}`));
    about.hidden = !about.childNodes.length;
    said.textContent = `${name}, ${at + 1} of ${offered.entries.length}`;
  }

  function take() {
    const { start, end, entries } = offered;
    const { insert: text, is } = entries[at];
    const isCalled = is?.arguments !== undefined && input.value[end] !== "(";
    // What else of the name is there already goes with it.
    const rest = /^\w*/.exec(input.value.slice(end))[0].length;
    close();
    insert(isCalled ? `${text}()` : text, start, end + rest);
    if (isCalled && is.arguments) input.setSelectionRange(input.selectionStart - 1, input.selectionStart - 1);
    close();
  }

  function put() {
    const before = input.value.slice(0, offered.start);
    const line = before.split("\n").length;
    const style = getComputedStyle(input);
    const height = parseFloat(style.lineHeight);
    const canvas = document.createElement("canvas").getContext("2d");
    canvas.font = `${style.fontSize} ${style.fontFamily}`;
    const column = canvas.measureText(before.slice(before.lastIndexOf("\n") + 1).replaceAll("\t", "  ")).width;
    const sheet = input.getBoundingClientRect();
    const top = sheet.top + parseFloat(style.paddingTop) + line * height;
    const left = sheet.left + parseFloat(style.paddingLeft) + column;
    const isBelow = top + box.offsetHeight < innerHeight || top - height < box.offsetHeight;
    box.style.top = `${isBelow ? top : top - height - box.offsetHeight}px`;
    box.style.left = `${Math.max(4, Math.min(left, innerWidth - box.offsetWidth - 4))}px`;
  }

  function update(isAsked) {
    const caret = input.selectionStart;
    offered = input.selectionEnd === caret && !input.readOnly ? offers(input.value, caret, phase(), isAsked) : null;
    if (!offered) return close();
    show(list, offered.entries.map((entry, i) => h("li", {
      role: "option", id: `${id}-${i}`, class: isFor(entry.is, phase()) ? null : "other",
      on: { mousedown: (event) => { event.preventDefault(); at = i; take(); } },
    }, h("span", { class: `sign ${entry.kind}`, "aria-hidden": "true" }, SIGNS[entry.kind]), entry.name)));
    box.hidden = false;
    choose(0);
    return put();
  }

  input.addEventListener("blur", close);
  input.addEventListener("click", close);
  frame.addEventListener("scroll", close);
  return {
    update,
    /// Whether a key was for the list.
    press(event) {
      if (event.key === " " && event.ctrlKey) {
        update(true);
        return true;
      }
      if (!offered) return false;
      const page = 8;
      const actions = {
        ArrowDown: () => choose(at + 1),
        ArrowUp: () => choose(at - 1),
        PageDown: () => choose(Math.min(at + page, offered.entries.length - 1)),
        PageUp: () => choose(Math.max(at - page, 0)),
        Escape: close,
        Enter: take,
        Tab: take,
      };
      const isPlain = !event.ctrlKey && !event.metaKey && !event.altKey && !event.shiftKey;
      const action = isPlain && actions[event.key];
      if (action) action();
      else if (["ArrowLeft", "ArrowRight", "Home", "End"].includes(event.key)) close();
      return Boolean(action);
    },
  };
}
