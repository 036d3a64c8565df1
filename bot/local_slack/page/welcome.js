/* What a newcomer sees first: where this is, and four things to ask. */
import { h } from "./dom.js";

const SEEN = "chiffon.welcomed";

const REQUESTS = [
  ["A question", "Is uptime-kuma running?"],
  ["A change", "Deploy Kuma Uptime and add existing portals to config"],
  ["Something ambiguous", "Deploy a service"],
  ["Out of scope", "Bake me a chocolate cake"],
];

/** Tell whether the welcome was put away in this browser. */
export const welcomed = () => localStorage.getItem(SEEN) === "yes";

/** Return the welcome; `ask(text)` sends a request, `done()` runs when it is put away. */
export function welcome(ask, done) {
  const leave = () => { localStorage.setItem(SEEN, "yes"); done(); };
  return h("section.welcome", { "aria-labelledby": "welcome-title" },
    h("button.icon", { type: "button", "aria-label": "Put the welcome away", on: { click: leave } }, "✕"),
    h("h2", { id: "welcome-title" }, "Welcome. Ask Chiffon for something."),
    h("p", {}, "A small Slack on this machine; nothing leaves it. Chiffon answers with a plan and runs nothing before you approve."),
    h("ul.requests", {}, REQUESTS.map(([kind, text]) => h("li", {}, h("button.request", {
      type: "button", on: { click: () => { leave(); ask(text); } },
    }, h("small", {}, kind), h("span", {}, text))))),
    h("p.small", {}, "Or write your own below. In a channel, begin with @chiffon; ", h("code", {}, "/chiffon help"), " shows the rest."));
}
