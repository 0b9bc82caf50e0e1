// An editor for one function: a textarea, which browsers and screen readers know, with colours painted below it.

import { h, settled, show, unique } from "./dom.js";
import { colour, offset, place, tokens } from "./lua.js";
import { described } from "./complete.js";
import { popup } from "./popup.js";

/// Texts that are longer have no colours: they would be painted at each key.
const LONGEST = 100_000;

/// What the lines after a line stand deeper for.
const OPENS = /(\b(then|do|else|repeat)|\bfunction\b[^()]*\([^)]*\)|[({])\s*(--.*)?$/;

/// Makes an editor. `phase()` tells for which phase its text is; `changed(text)`, `save()` and `attempt()` are called
/// when they are wanted.
export function editor({ phase, changed, save, attempt }) {
  const help = unique("keys");
  const input = h("textarea", {
    class: "text", spellcheck: "false", autocapitalize: "off", autocomplete: "off", autocorrect: "off", wrap: "off",
    "aria-describedby": help, "aria-label": "Function, in Lua",
  });
  const painted = h("pre", { class: "paint", "aria-hidden": "true" });
  const gutter = h("div", { class: "gutter", "aria-hidden": "true" });
  const sheet = h("div", { class: "sheet" }, painted, input);
  const scroller = h("div", { class: "scroller" }, h("div", { class: "rows" }, gutter, sheet));
  const about = h("div", { class: "described" });
  const keys = h("p", { class: "hidden", id: help },
    "Control and Space offers names. Escape and then Tab leaves the editor. Control S saves, Control Enter tries, F8 goes to the next finding.");
  const spoken = h("div", { class: "hidden", role: "status" });
  const element = h("div", { class: "editor" }, scroller, about, keys, spoken);
  let marks = [];
  let isLeaving = false;

  function paint() {
    const text = input.value;
    const places = marks.map((mark) => ({ ...mark, at: offset(text, mark.line, mark.column) }));
    const list = text.length > LONGEST ? [{ kind: "space", text, start: 0 }] : tokens(text);
    const spans = list.map((token, i) => {
      const end = token.start + token.text.length;
      const mark = places.find((one) => one.at >= token.start && one.at < end);
      const name = [colour(list, i), mark && `mark ${mark.level}`].filter(Boolean).join(" ");
      return name ? h("span", { class: name }, token.text) : token.text;
    });
    show(painted, spans, "\n");
    const lines = text.split("\n").length;
    show(gutter, Array.from({ length: lines }, (_, i) => {
      const own = marks.filter((mark) => mark.line === i + 1);
      const level = own.find((mark) => mark.level === "error")?.level ?? own[0]?.level;
      return h("div", { class: level, title: own.map((mark) => mark.message).join("\n") || null }, String(i + 1));
    }));
  }

  const describe = settled(80, () => {
    const { line } = place(input.value, input.selectionStart);
    const mark = marks.find((one) => one.line === line);
    if (mark) return show(about, h("span", { class: mark.level === "error" ? "bad" : "warn" }, mark.message), h("span", { class: "faint" }, ` ${mark.help}`));
    const found = described(input.value, input.selectionStart);
    if (!found) return show(about, h("span", { class: "faint" }, "Ctrl+Space names · Ctrl+S save · Ctrl+Enter try · Esc Tab leave"));
    const { path, is } = found;
    const signature = is.arguments === undefined ? path : `${path}(${is.arguments})${is.results ? `: ${is.results}` : ""}`;
    return show(about, h("code", {}, signature), " ", is.summary ?? "", is.phases && h("span", { class: "faint" }, ` ${is.phases}`));
  });

  /// Puts `text` in place of what is selected, or of what is from `start` to `end`, so that it can be undone.
  function insert(text, start = input.selectionStart, end = input.selectionEnd) {
    input.focus();
    input.setSelectionRange(start, end);
    const isDone = text ? document.execCommand("insertText", false, text) : document.execCommand("delete");
    if (!isDone) {
      input.setRangeText(text, start, end, "end");
      input.dispatchEvent(new Event("input"));
    }
  }

  const names = popup({ input, frame: scroller, phase, insert });

  function lines() {
    const text = input.value;
    const start = text.lastIndexOf("\n", input.selectionStart - 1) + 1;
    const end = input.selectionEnd > input.selectionStart && text[input.selectionEnd - 1] === "\n" ? input.selectionEnd - 1 : input.selectionEnd;
    const after = text.indexOf("\n", end);
    return { start, end: after < 0 ? text.length : after };
  }

  /// Puts something else in place of each selected line.
  function change(line) {
    const { start, end } = lines();
    const whole = input.value.slice(start, end);
    const replaced = whole.split("\n").map(line).join("\n");
    if (replaced === whole) return;
    insert(replaced, start, end);
    input.setSelectionRange(start, start + replaced.length);
  }

  function comment() {
    const { start, end } = lines();
    const isAll = input.value.slice(start, end).split("\n").every((line) => /^\s*(--|$)/.test(line));
    change((line) => (isAll ? line.replace(/^(\s*)-- ?/, "$1") : line.replace(/^(\s*)(?=\S)/, "$1-- ")));
  }

  /// Moves a line that ends a block to where the block began, as far as the lines above tell.
  function outdent(start) {
    const line = input.value.slice(start, input.selectionStart);
    const closes = /^(\s*)(?:(?:end|else|elseif|until)\b|[)}])/.exec(line);
    const above = input.value.slice(0, start).trimEnd();
    const last = above.slice(above.lastIndexOf("\n") + 1);
    if (!closes || !above) return;
    const indent = /^\s*/.exec(last)[0].length - (OPENS.test(last) ? 0 : 2);
    if (closes[1].length <= indent) return;
    const caret = input.selectionStart;
    const gone = closes[1].length - Math.max(0, indent);
    insert("", start, start + gone);
    input.setSelectionRange(caret - gone, caret - gone);
  }

  function enter() {
    const { start } = lines();
    if (input.selectionStart === input.selectionEnd) outdent(start);
    const line = input.value.slice(start, input.selectionStart);
    const deeper = OPENS.test(line) ? "  " : "";
    insert(`\n${/^\s*/.exec(line)[0]}${deeper}`);
  }

  input.addEventListener("keydown", (event) => {
    const isControl = event.ctrlKey || event.metaKey;
    if (names.press(event)) return event.preventDefault();
    const hasLines = input.value.slice(input.selectionStart, input.selectionEnd).includes("\n");
    const tab = () => (hasLines ? change((line) => (line ? `  ${line}` : line)) : insert("  "));
    const action =
      event.key === "Tab" && !isLeaving && !isControl && !event.altKey ? (event.shiftKey ? () => change((line) => line.replace(/^ {1,2}|^\t/, "")) : tab)
        : event.key === "Enter" && isControl ? attempt
          : event.key === "Enter" && !event.shiftKey && !event.isComposing ? enter
            : event.key === "s" && isControl ? save
              : event.key === "/" && isControl ? comment
                : event.key === "F8" ? () => next(event.shiftKey)
                  : null;
    isLeaving = event.key === "Escape" || (isLeaving && event.key === "Shift");
    if (!action) return undefined;
    event.preventDefault();
    return action();
  });
  input.addEventListener("input", () => {
    paint();
    changed(input.value);
    names.update(false);
    describe();
  });
  for (const event of ["click", "keyup", "focus"]) input.addEventListener(event, describe);

  function next(isBack) {
    const at = place(input.value, input.selectionStart);
    const order = (one, other) => one.line - other.line || one.column - other.column;
    const sorted = [...marks].sort(order);
    const found = isBack ? sorted.findLast((mark) => order(mark, at) < 0) ?? sorted.at(-1) : sorted.find((mark) => order(mark, at) > 0) ?? sorted[0];
    if (!found) return;
    go(found.line, found.column);
    spoken.textContent = `${found.level}, line ${found.line}: ${found.message}`;
  }

  /// Puts the caret at a place.
  function go(line, column = 1) {
    const at = offset(input.value, line, column);
    input.focus();
    input.setSelectionRange(at, at);
    const row = gutter.children[line - 1];
    if (row) scroller.scrollTop = Math.max(0, row.offsetTop - scroller.clientHeight / 3);
    describe();
  }

  return {
    element,
    go,
    focus: () => input.focus(),
    get text() { return input.value; },
    set text(text) {
      input.value = text;
      scroller.scrollTo(0, 0);
      paint();
      describe();
    },
    set readOnly(isIt) { input.readOnly = isIt; },
    set label(text) { input.setAttribute("aria-label", text); },
    /// Shows findings: `{ line, column, level, message }`.
    mark(found) {
      marks = found;
      input.setAttribute("aria-invalid", String(found.some((one) => one.level === "error")));
      paint();
      describe();
    },
  };
}
