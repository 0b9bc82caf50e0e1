// Another version of a plugin's functions, for some requests.

import { ask, find } from "./api.js";
import { confirmed } from "./dialogs.js";
import { differences } from "./diff.js";
import { attempt, field, h, say, show } from "./dom.js";
import { changes, gateway, isOtherwise } from "./gateway.js";

/// The canary of `plugin()`, or a way to make one of `draft()`; `restored()` is called when it has been promoted.
export function canary({ plugin, draft, restored }) {
  const element = h("section", { class: "canary", "aria-label": "Canary" });

  async function look() {
    const answer = await attempt(() => find(`/plugins/${plugin().id}/canary`));
    if (answer) show(element, there(answer));
    else if (answer === null && !gateway.readOnly) show(element, form());
    else show(element);
  }

  function there(answer) {
    const { percent, header, canary: other, stable } = answer;
    const who = header ? `requests with ${header.name}${header.value ? `: ${header.value}` : ""}` : `${percent} % of requests`;
    const otherwise = h("div", {});
    const open = (event) => {
      if (event.target.open && !otherwise.childNodes.length) show(otherwise, differences(stable.config, { ...stable.config, ...other.config }));
    };
    const isLost = () => isOtherwise(draft(), plugin().config) && isOtherwise(draft(), { ...stable.config, ...other.config });
    const end = (method, path, question, said) => async () => {
      const lost = method === "POST" && isLost() ? " What is not saved is lost." : "";
      if (!await confirmed(question + lost, said, "primary")) return;
      await attempt(async () => {
        await ask(method, `/plugins/${plugin().id}/canary${path}`);
        if (method === "POST") await restored();
        else await look();
        say(said === "Promote" ? "It is in force for all requests" : "It is withdrawn");
      });
    };
    return [
      h("p", {}, h("strong", {}, "Canary"), ` for ${who}: ${other.requests ?? 0} of ${(other.requests ?? 0) + (stable.requests ?? 0)} so far`),
      h("details", { on: { toggle: open } }, h("summary", {}, "What it has otherwise"), otherwise),
      h("div", { class: "buttons" },
        h("button", { on: { click: end("DELETE", "", "Give all requests what is in force?", "Withdraw") } }, "Withdraw"),
        h("button", { class: "primary", on: { click: end("POST", "/promote", "Give all requests the canary?", "Promote") } }, "Promote")),
    ];
  }

  function form() {
    const percent = h("input", { type: "number", min: 1, max: 100, required: true, value: "10", name: "percent" });
    const submit = async (event) => {
      event.preventDefault();
      const config = changes(draft(), plugin().config);
      await attempt(async () => {
        if (!isOtherwise(draft(), plugin().config)) throw new Error("write first what some requests are to get: it is what is in force");
        await ask("POST", `/plugins/${plugin().id}/canary`, { percent: Number(percent.value), config });
        await look();
        say("Some requests get what you have written");
      });
    };
    return h("details", {}, h("summary", {}, "Try what is written on some requests"),
      h("form", { class: "pair", on: { submit } }, field("Percent", percent), h("div", { class: "buttons" }, h("button", {}, "Make a canary"))));
  }

  return { element, look };
}
