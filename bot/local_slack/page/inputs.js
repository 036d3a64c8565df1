/* Elements that people fill in, in a form of the app. */
import { h } from "./dom.js";
import { plain } from "./mrkdwn.js";

const words = (object) => plain(object?.text ?? "");

/** Return a field for an element, `{control, read()}`, or null for a kind that is no field. */
export const field = (element, id) => FIELDS[element.type]?.(element, id) ?? null;

const FIELDS = {
  plain_text_input(element, id) {
    const several = element.multiline === true;
    const control = h(several ? "textarea" : "input", {
      id, placeholder: words(element.placeholder) || null, maxlength: element.max_length ?? 3000,
      minlength: element.min_length ?? null, ...(several ? { rows: 4 } : { type: "text", autocomplete: "off" }),
      autofocus: element.focus_on_load,
    });
    control.value = element.initial_value ?? "";
    return { control, read: () => control.value || null };
  },

  static_select(element, id) {
    const all = element.options;
    const control = h("select", { id }, h("option", { value: "" }, words(element.placeholder) || "Choose…"),
      all.map((option, at) => h("option", { value: at, selected: option.value === element.initial_option?.value }, words(option.text))));
    return { control, read: () => all[control.value]?.value ?? null };
  },

  radio_buttons(element, id) {
    const controls = element.options.map((option, at) => h("input", {
      type: "radio", id: `${id}-${at}`, name: id, checked: option.value === element.initial_option?.value,
    }));
    const control = h("div.choices", { id, role: "radiogroup", tabindex: -1, "aria-labelledby": `${id}-label` }, element.options.map((option, at) => h("label.choice", { for: `${id}-${at}` },
      controls[at], h("span", {}, words(option.text), option.description && h("small", {}, words(option.description))))));
    return { control, read: () => element.options[controls.findIndex((one) => one.checked)]?.value ?? null };
  },
};
