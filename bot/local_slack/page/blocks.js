/* Block Kit as elements. `context` is {names, click, form?}: see `renderBlocks`. */
import { freshId, h, link } from "./dom.js";
import { confirmed } from "./dialogs.js";
import { field, options } from "./inputs.js";
import { openMenu } from "./menu.js";
import { plain, textObject } from "./mrkdwn.js";
import { markdown, richText } from "./richtext.js";

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
  context: (block, { names }) => h("div.block.context", {}, (block.elements ?? []).map((one) => (
    one.type === "image" ? image(one, "img.context-image") : h("span.text", {}, textObject(one, names))))),
  actions: (block, context) => h("div.block.actions", {}, (block.elements ?? []).map((one) => element(one, block, context))),
  image: (block, { names }) => h("figure.block", {}, block.title && h("figcaption", {}, textObject(block.title, names)), image(block, "img.picture")),
  markdown: (block) => h("div.block.markdown", {}, markdown(block.text ?? "")),
  rich_text: (block, { names }) => h("div.block.rich", {}, richText(block, names)),
  input: inputBlock,
};

function image(one, kind) {
  const address = one.image_url ?? "";
  const shown = address.startsWith("data:image/") || (address && new URL(address, location.href).origin === location.origin);
  if (shown) return h(kind, { src: address, alt: one.alt_text ?? "" });
  return link(address, `🖼 ${one.alt_text ?? "picture"}`); // nothing is fetched from other hosts
}

/** An element that acts: alone, in a row, or beside a section. */
function element(one, block, context) {
  const send = async (what, node) => {
    if (one.confirm && !(await confirmed(one.confirm, context.names))) return;
    node.setAttribute("aria-busy", "true");
    await context.click(block.block_id, one.action_id, what);
    node.removeAttribute("aria-busy");
  };
  if (one.type === "button") return button(one, context, send);
  if (one.type === "image") return image(one, "img.accessory-image");
  if (one.type === "overflow" || (one.type === "static_select" && !context.form)) return choice(one, context, send);
  const made = field(one, context.names);
  if (!made) return unknown(one.type);
  context.form?.fields.push({ block: block.block_id, action: one.action_id, ...made, error: h("span") });
  made.control.setAttribute("aria-label", plain(one.placeholder?.text ?? one.action_id ?? ""));
  made.node.dataset.action = one.action_id ?? "";
  made.node.addEventListener("change", () => send({ selected: made.read() }, made.node));
  return made.node;
}

function button(one, { names }, send) {
  const style = one.style === "primary" || one.style === "danger" ? `.${one.style}` : "";
  const node = h(`button.button${style}`, {
    type: "button", data: { action: one.action_id ?? "" }, "aria-label": one.accessibility_label || null,
    on: { click: () => {
      if (node.getAttribute("aria-busy") !== "true") send(one.value === undefined ? {} : { value: one.value }, node);
    } },
  }, textObject(one.text, names));
  if (!one.url) return node;
  const address = link(one.url, textObject(one.text, names));
  address.classList.add("button");
  address.addEventListener("click", () => send(one.value === undefined ? {} : { value: one.value }, address));
  return address;
}

/** A menu: three dots where it has no words of its own. */
function choice(one, { names }, send) {
  const words = plain((one.initial_option?.text ?? one.placeholder)?.text ?? "Choose…");
  const dots = one.type === "overflow";
  const node = h(`button.button${dots ? ".dots" : ".select"}`, {
    type: "button", "aria-haspopup": "menu", "aria-expanded": "false", data: { action: one.action_id ?? "" },
    "aria-label": dots ? "More" : null,
    on: { click: () => openMenu(node, options(one).map((option) => ({
      label: plain(option.text?.text ?? ""), description: option.description && plain(option.description.text ?? ""),
      choose: () => send({ selected: option.value }, node),
    }))) },
  }, dots ? "⋯" : h("span", {}, words), dots ? null : h("span.arrow", { "aria-hidden": "true" }, "▾"));
  return node;
}

function inputBlock(block, context) {
  const { names, form } = context;
  const one = block.element ?? {};
  const id = freshId("field");
  const made = field(one, names, id);
  if (!made) return unknown(one.type);
  const error = h("p.error", { id: `${id}-error`, role: "alert" });
  const hint = block.hint && h("p.hint", { id: `${id}-hint` }, textObject(block.hint, names));
  const label = h("label.label", { for: made.node === made.control ? id : null, id: `${id}-label` },
    textObject(block.label, names), block.optional && h("small", {}, " (optional)"));
  made.control.setAttribute("aria-describedby", [hint && `${id}-hint`, `${id}-error`].filter(Boolean).join(" "));
  if (made.node !== made.control) made.node.setAttribute("aria-labelledby", `${id}-label`);
  if (!block.optional) made.control.setAttribute("aria-required", "true");
  made.node.dataset.action = one.action_id ?? "";
  form?.fields.push({ block: block.block_id, action: one.action_id, ...made, error });
  if (block.dispatch_action) made.node.addEventListener("change", () => context.click(block.block_id, one.action_id, one.type === "plain_text_input" ? { value: made.read() } : { selected: made.read() }));
  return h("div.block.input", {}, label, made.node, hint, error);
}
