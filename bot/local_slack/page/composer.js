/* Where people write: Enter sends, Shift+Enter starts a line, and names complete themselves. */
import { h } from "./dom.js";

const TALLEST_PX = 200;

/** One composer: that of a conversation, or that of a thread. */
export class Composer {
  /**
   * @param {HTMLFormElement} form holds a textarea, a list for completions and a button
   * @param {(text: string) => Promise<boolean>} send tells whether it went out
   * @param {(word: string) => {label: string, insert: string, description?: string}[]} complete
   */
  constructor(form, send, complete) {
    this.area = form.querySelector("textarea");
    this.list = form.querySelector("ul");
    Object.assign(this, { form, send, complete, found: [], at: 0, sending: false });
    form.addEventListener("submit", (event) => { event.preventDefault(); this.submit(); });
    this.area.addEventListener("keydown", (event) => this.key(event));
    this.area.addEventListener("input", () => { this.grow(); this.offer(); });
    this.area.addEventListener("blur", () => this.offer([]));
  }

  /** Say where a message goes. */
  address(label) {
    this.area.setAttribute("aria-label", label);
    this.area.placeholder = label;
  }

  focus() {
    this.area.focus();
    // Where a dialog was open, the focus alone does not bring the caret back.
    this.area.setSelectionRange(this.area.value.length, this.area.value.length);
  }

  async submit() {
    const text = this.area.value.trim();
    if (!text || this.sending) return;
    this.sending = true;
    const typed = this.area.value;
    this.put("");
    if (!(await this.send(text)) && !this.area.value) this.put(typed); // nothing typed is lost
    this.sending = false;
  }

  put(text) {
    this.area.value = text;
    this.grow();
    this.offer([]);
  }

  key(event) {
    if (event.isComposing) return;
    if (this.found.length && this.choose(event)) return event.preventDefault();
    if (event.key === "Enter" && !event.shiftKey) {
      event.preventDefault();
      this.submit();
    }
  }

  /** Steer the list of completions; tells whether the key was used up. */
  choose(event) {
    const count = this.found.length;
    if (event.altKey) return false;
    if (event.key === "ArrowDown") this.mark((this.at + 1) % count);
    else if (event.key === "ArrowUp") this.mark((this.at - 1 + count) % count);
    else if (event.key === "Enter" || event.key === "Tab") this.take(this.found[this.at]);
    else if (event.key === "Escape") { this.offer([]); event.stopPropagation(); } else return false;
    return true;
  }

  /** The word that is being written, when it may complete: `@name` anywhere, `/command` at the start. */
  word() {
    const before = this.area.value.slice(0, this.area.selectionStart);
    return /(?:^|\s)(@[\p{L}\d._-]*)$/u.exec(before)?.[1] ?? /^\/\S*$/.exec(before)?.[0] ?? "";
  }

  offer(found) {
    const word = this.word();
    this.found = found ?? (word ? this.complete(word) : []);
    this.list.replaceChildren(...this.found.map((one, at) => h("li", {
      id: `${this.list.id}-${at}`, role: "option", on: { mousedown: (event) => { event.preventDefault(); this.take(one); } },
    }, h("strong", {}, one.label), one.description && h("small", {}, ` ${one.description}`))));
    this.list.hidden = !this.found.length;
    this.area.setAttribute("aria-expanded", String(this.found.length > 0));
    if (this.found.length) this.mark(0);
    else this.area.removeAttribute("aria-activedescendant");
  }

  mark(at) {
    this.at = at;
    [...this.list.children].forEach((one, index) => one.setAttribute("aria-selected", String(index === at)));
    this.area.setAttribute("aria-activedescendant", `${this.list.id}-${at}`);
  }

  take(one) {
    const caret = this.area.selectionStart;
    const start = caret - this.word().length;
    this.area.setRangeText(`${one.insert} `, start, caret, "end");
    this.grow();
    this.offer([]);
    this.area.focus();
  }

  grow() {
    this.area.style.height = "auto";
    this.area.style.height = `${Math.min(this.area.scrollHeight + 2, TALLEST_PX)}px`;
  }
}
