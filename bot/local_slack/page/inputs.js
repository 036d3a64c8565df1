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
};
