/* Block Kit as elements. `context` is {names, click, form?}: see `renderBlocks`. */
import { freshId, h } from "./dom.js";
import { confirmed } from "./dialogs.js";
import { field } from "./inputs.js";
import { openMenu } from "./menu.js";
import { plain, textObject } from "./mrkdwn.js";

/**
 * Return blocks as elements.
 * @param {object[]} blocks
 * @param {object} context
 *   names(id): a person's or channel's name
 *   click(blockId, actionId, {value} or {selected}): sends what was done, resolves when it arrived
 *   form: in a modal, {fields}: collects what is filled in
 */
export function renderBlocks(blocks, context) {
  return (blocks ?? []).map((block) => {
    const make = KINDS[block.type];
    const node = make ? make(block, context) : unknown(block.type);
    node.dataset.block = block.block_id ?? "";
    return node;
  });
}

const unknown = (type) => h("p.block.unknown", {}, `(Something of the kind “${type}” is not shown here.)`);

const KINDS = {
  header: (block, { names }) => h("h3.block.header", {}, textObject(block.text, names)),
  divider: () => h("hr.block"),
  section: (block, context) => h("div.block.section", {},
    h("div.section-text", {},
      block.text && h("div.text", {}, textObject(block.text, context.names)),
      block.fields && h("div.fields", {}, block.fields.map((one) => h("div.text", {}, textObject(one, context.names))))),
    block.accessory && h("div.accessory", {}, element(block.accessory, block, context))),
  context: (block, { names }) => h("div.block.context", {}, (block.elements ?? []).map((one) => h("span.text", {}, textObject(one, names)))),
  actions: (block, context) => h("div.block.actions", {}, (block.elements ?? []).map((one) => element(one, block, context))),
  input: inputBlock,
};

/** An element that acts: alone, in a row, or beside a section. */
function element(one, block, context) {
  const send = async (what, node) => {
    if (one.confirm && !(await confirmed(one.confirm, context.names))) return;
    node.setAttribute("aria-busy", "true");
    await context.click(block.block_id, one.action_id, what);
    node.removeAttribute("aria-busy");
  };
  if (one.type === "button") return button(one, context, send);
  return one.type === "static_select" ? choice(one, send) : unknown(one.type);
}

function button(one, { names }, send) {
  const style = one.style === "primary" || one.style === "danger" ? `.${one.style}` : "";
  const node = h(`button.button${style}`, {
    type: "button", data: { action: one.action_id ?? "" }, "aria-label": one.accessibility_label || null,
    on: { click: () => {
      if (node.getAttribute("aria-busy") !== "true") send(one.value === undefined ? {} : { value: one.value }, node);
    } },
  }, textObject(one.text, names));
  return node;
}

function choice(one, send) {
  const node = h("button.button.select", {
    type: "button", "aria-haspopup": "menu", "aria-expanded": "false", data: { action: one.action_id ?? "" },
    on: { click: () => openMenu(node, one.options.map((option) => ({
      label: plain(option.text?.text ?? ""), description: option.description && plain(option.description.text ?? ""),
      choose: () => send({ selected: option.value }, node),
    }))) },
  }, h("span", {}, plain((one.initial_option?.text ?? one.placeholder)?.text ?? "Choose…")), h("span.arrow", { "aria-hidden": "true" }, "▾"));
  return node;
}

function inputBlock(block, { names, form }) {
  const one = block.element ?? {};
  const id = freshId("field");
  const made = field(one, id);
  if (!made) return unknown(one.type);
  const error = h("p.error", { id: `${id}-error`, role: "alert" });
  const hint = block.hint && h("p.hint", { id: `${id}-hint` }, textObject(block.hint, names));
  made.control.setAttribute("aria-describedby", [hint && `${id}-hint`, `${id}-error`].filter(Boolean).join(" "));
  if (!block.optional) made.control.setAttribute("aria-required", "true");
  form?.fields.push({ block: block.block_id, action: one.action_id, ...made, error });
  return h("div.block.input", {},
    h("label.label", { for: id, id: `${id}-label` }, textObject(block.label, names), block.optional && h("small", {}, " (optional)")),
    made.control, hint, error);
}
