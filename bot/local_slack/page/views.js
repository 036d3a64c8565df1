/* The views that the app opens (modals): fields, errors at their fields, submit and close. */
import { renderBlocks } from "./blocks.js";
import { show } from "./dialogs.js";
import { h } from "./dom.js";
import { plain, textObject } from "./mrkdwn.js";

const open = new Map(); // view id -> {dialog, update}

/**
 * Show a view of the app, or its newer state.
 * @param {object} act `submit(view, values)` gives the server's answer, `close(view)`, `click(...)`
 */
export function showView(view, names, act) {
  const shown = open.get(view.id);
  if (shown) return shown.update(view);
  const dialog = h("dialog.dialog.view", { "aria-labelledby": `title-${view.id}`, data: { view: view.id } });
  let current = view;
  const update = (newer) => { current = newer; drawView(dialog, newer, names, act); };
  open.set(view.id, { dialog, update });
  update(view);
  dialog.addEventListener("cancel", (event) => {
    event.preventDefault(); // the server says when it is closed
    act.close(current);
  });
  show(dialog);
  dialog.querySelector("input, textarea, select")?.focus();
}

/** Take a view away. */
export function hideView(id) {
  open.get(id)?.dialog.close();
  open.delete(id);
}

/** Take every view away that is not among these. */
export function keepViews(ids) {
  for (const id of [...open.keys()]) if (!ids.includes(id)) hideView(id);
}

function drawView(dialog, view, names, act) {
  const form = { fields: [], values: () => readValues(form.fields) };
  const blocks = renderBlocks(view.blocks, { names, form, click: (...what) => act.click(view, form, ...what) });
  const close = (label, kind) => h(`button.${kind}`, { type: "button", "aria-label": kind === "icon" ? "Close" : null, on: { click: () => act.close(view) } }, label);
  const problem = h("p.problem", { role: "alert" });
  const submit = view.submit && h("button.button.primary", { type: "submit" }, textObject(view.submit, names));
  const send = async (event) => {
    event.preventDefault();
    submit?.setAttribute("disabled", "");
    tellErrors(form.fields, {});
    problem.textContent = "";
    const answer = await act.submit(view, form.values());
    submit?.removeAttribute("disabled");
    if (answer.ok) return;
    const unplaced = tellErrors(form.fields, answer.errors ?? {});
    if (!answer.errors) problem.textContent = answer.words ?? "That did not arrive. Try again.";
    else if (unplaced.length) problem.textContent = unplaced.join(" ");
  };
  dialog.replaceChildren(h("form", { novalidate: true, on: { submit: send } },
    h("header", {}, h("h2", { id: `title-${view.id}` }, textObject(view.title, names)), close("✕", "icon")),
    h("div.view-body", {}, blocks), problem,
    h("footer", {}, close(plain(view.close?.text ?? "Close"), "button"), submit || null)));
}

function readValues(fields) {
  const values = {};
  for (const { block, action, read } of fields) (values[block] ??= {})[action] = read();
  return values;
}

/** Put each error at its field and go to the first; returns those without a field. */
function tellErrors(fields, errors) {
  let first = null;
  for (const { block, control, error } of fields) {
    const words = errors[block] ?? "";
    error.textContent = words;
    control.setAttribute("aria-invalid", String(Boolean(words)));
    if (words) first ??= control;
  }
  first?.focus();
  const known = new Set(fields.map((one) => one.block));
  return Object.entries(errors).filter(([block]) => !known.has(block)).map(([, words]) => words);
}
