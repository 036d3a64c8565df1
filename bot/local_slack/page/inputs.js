/* Elements that people fill in. In a form they are collected; elsewhere each change is sent. */
import { freshId, h } from "./dom.js";
import { plain, textObject } from "./mrkdwn.js";

const words = (object) => plain(object?.text ?? "");

/**
 * Return a field for an element, or null for a kind that is no field.
 * `read()` gives the text, the chosen option's value, or a list of these.
 */
export function field(element, names, id = freshId("field")) {
  const make = FIELDS[element.type];
  return make ? { id, ...make(element, id, names) } : null;
}

const FIELDS = {
  plain_text_input(element, id) {
    const several = element.multiline === true;
    const control = h(several ? "textarea" : "input", {
      id, placeholder: words(element.placeholder) || null, maxlength: element.max_length ?? 3000,
      minlength: element.min_length ?? null, ...(several ? { rows: 4 } : { type: "text", autocomplete: "off" }),
      autofocus: element.focus_on_load,
    });
    control.value = element.initial_value ?? "";
    return { control, node: control, read: () => control.value || null };
  },

  static_select(element, id) {
    const all = options(element);
    const control = h("select", { id }, h("option", { value: "" }, words(element.placeholder) || "Choose…"),
      all.map((option, at) => h("option", { value: at, selected: option.value === element.initial_option?.value }, words(option.text))));
    return { control, node: control, read: () => all[control.value]?.value ?? null };
  },

  checkboxes: (element, id, names) => boxes(element, id, names, "checkbox", (chosen) => chosen),
  radio_buttons: (element, id, names) => boxes(element, id, names, "radio", (chosen) => chosen[0] ?? null),
};

/** Return every option of a menu, those in groups too. */
export const options = (element) => element.options ?? (element.option_groups ?? []).flatMap((group) => group.options ?? []);

function boxes(element, id, names, type, answer) {
  const initial = new Set([element.initial_option, ...(element.initial_options ?? [])].filter(Boolean).map((one) => one.value));
  const all = options(element);
  const controls = all.map((option, at) => {
    const control = h("input", { type, id: `${id}-${at}`, name: id });
    control.checked = initial.has(option.value);
    return control;
  });
  const node = h("div.choices", { id, role: type === "radio" ? "radiogroup" : "group" }, all.map((option, at) => h("label.choice", { for: `${id}-${at}` },
    controls[at], h("span", {}, textObject(option.text, names), option.description && h("small", {}, textObject(option.description, names))))));
  return { control: controls[0] ?? node, node, read: () => answer(all.filter((_, at) => controls[at].checked).map((option) => option.value)) };
}
