/* What opens over the page: a question before a click, and the switcher. */
import { freshId, h } from "./dom.js";
import { textObject } from "./mrkdwn.js";

/** Show a dialog; it removes itself and gives the focus back when it closes. */
export function show(dialog) {
  const before = document.activeElement;
  dialog.addEventListener("close", () => {
    dialog.remove();
    if (before?.isConnected) before.focus();
  });
  document.body.append(dialog);
  dialog.showModal();
  return dialog;
}

/** Ask a confirm object's question; resolves to whether the person went on. */
export function confirmed(question, names) {
  const title = freshId("confirm");
  const answer = h("form", { method: "dialog" },
    h("h2", { id: title }, textObject(question.title, names)),
    h("div.text", {}, textObject(question.text, names)),
    h("footer", {},
      h("button.button", { value: "" }, textObject(question.deny, names)),
      h(`button.button.${question.style === "danger" ? "danger" : "primary"}`, { value: "yes", autofocus: true }, textObject(question.confirm, names))));
  const dialog = show(h("dialog.dialog.small", { "aria-labelledby": title }, answer));
  return new Promise((resolve) => dialog.addEventListener("close", () => resolve(dialog.returnValue === "yes")));
}

/** Let a person go to a conversation by typing its name. */
export function openSwitcher(conversations, go) {
  let chosen = null;
  const list = h("ul.switch-list");
  const search = h("input", { type: "text", "aria-label": "Go to a conversation", placeholder: "Go to…", autocomplete: "off" });
  const dialog = h("dialog.dialog.small", { "aria-label": "Switch conversation" }, search, list);
  const draw = () => list.replaceChildren(...conversations
    .filter((one) => one.label.toLowerCase().includes(search.value.trim().toLowerCase()))
    .map((one) => h("li", {}, h("button.menu-item", { type: "button", on: { click: () => { chosen = one.id; dialog.close(); } } }, one.label))));
  search.addEventListener("input", draw);
  dialog.addEventListener("keydown", (event) => {
    const all = [search, ...list.querySelectorAll("button")];
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (step) all.at((all.indexOf(document.activeElement) + step) % all.length).focus();
    else if (event.key === "Enter" && document.activeElement === search) list.querySelector("button")?.click();
    else return;
    event.preventDefault();
  });
  draw();
  show(dialog);
  // Not before it is closed: a field that is focused behind an open dialog takes no letters.
  dialog.addEventListener("close", () => { if (chosen) go(chosen); });
  search.focus();
}
