// The checker's findings, as one types.

import { ask } from "./api.js";
import { h, settled, show } from "./dom.js";

/// A list of what is found in the functions that `functions()` gives; `found(findings)` hears of it, and `go(finding)`
/// shows where it is.
export function checker({ functions, found, go }) {
  const summary = h("p", { class: "summary", role: "status" });
  const list = h("ul", { class: "findings" });
  const element = h("section", { class: "checked", "aria-label": "Findings" }, summary, list);
  let last = 0;

  async function look() {
    last += 1;
    const number = last;
    let findings;
    try {
      ({ findings } = await ask("POST", "/functions/check", { functions: functions() }));
    } catch (error) {
      if (number === last) say(`not looked at: ${error.message}`, "");
      return;
    }
    // Somebody has typed on.
    if (number !== last) return;
    const count = (level, word) => {
      const number = findings.filter((finding) => finding.level === level).length;
      return number ? [`${number} ${word}${number === 1 ? "" : "s"}`] : [];
    };
    const counts = [...count("error", "error"), ...count("warning", "warning")];
    say(counts.join(", ") || "No findings", counts.length ? findings.some((one) => one.level === "error") ? "bad" : "warn" : "good");
    show(list, findings.map((finding) => h("li", { class: finding.level },
      h("button", { class: "finding", on: { click: () => go(finding) } },
        h("span", { class: "level" }, finding.level), " ",
        h("span", { class: "faint" }, `${finding.phase} ${finding.function}, line ${finding.line}`), " ",
        h("span", { class: "message" }, finding.message)),
      finding.help && h("p", { class: "help" }, finding.help))));
    found(findings);
  }

  function say(text, level) {
    if (summary.textContent === text) return;
    summary.className = `summary ${level}`;
    summary.textContent = text;
  }

  return { element, look, soon: settled(250, look) };
}
