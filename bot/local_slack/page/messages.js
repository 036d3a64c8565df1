/* Messages as a list. A row is drawn anew only where it changed, so nothing jumps. */
import { fetchFile } from "./api.js";
import { renderBlocks } from "./blocks.js";
import { h } from "./dom.js";
import { mrkdwn } from "./mrkdwn.js";

const SAME_BREATH_SECONDS = 300;
const PREVIEW_CHARACTERS = 4000;
const NEAR_THE_END_PX = 80;

/** One list of messages, in the middle or in the thread. */
export class MessageList {
  /**
   * @param {HTMLOListElement} list
   * @param {HTMLElement} scroller what scrolls around it
   * @param {object} act reply(message)?, shortcut(message, callbackId), click(message, ...), dismiss(message)
   */
  constructor(list, scroller, act) {
    Object.assign(this, { list, scroller, act, rows: new Map(), shown: "", atEnd: true, top: 0 });
    list.addEventListener("keydown", (event) => this.move(event));
    scroller.addEventListener("scroll", () => {
      // Only going up leaves the end: what is added below is no reason to stay behind.
      if (scroller.scrollHeight - scroller.scrollTop - scroller.clientHeight < NEAR_THE_END_PX) this.atEnd = true;
      else if (scroller.scrollTop < this.top) this.atEnd = false;
      this.top = scroller.scrollTop;
    });
    // Whoever reads the newest goes on doing so when the box below grows or the window shrinks.
    new ResizeObserver(() => { if (this.atEnd) scroller.scrollTop = scroller.scrollHeight; }).observe(scroller);
  }

  /** Show these messages; `key` names the conversation: another one starts at its end. */
  draw(messages, store, key) {
    const { scroller } = this;
    const fresh = key !== this.shown;
    const atEnd = fresh || this.atEnd;
    if (fresh) this.rows.clear();
    this.shown = key;
    const wanted = rowsOf(messages, Boolean(this.act.reply));
    const kept = new Map();
    const nodes = wanted.map((row) => {
      const signature = JSON.stringify(row) + (row.message ? store.names(row.message.user) : "");
      const before = this.rows.get(row.key);
      const node = before?.signature === signature ? before.node : this.drawRow(row, store, before?.node);
      kept.set(row.key, { signature, node });
      return node;
    });
    this.rows = kept;
    place(this.list, nodes);
    if (atEnd) scroller.scrollTop = scroller.scrollHeight;
  }

  drawRow(row, store, older) {
    if (row.day) return h("li.day", {}, h("span", {}, row.day));
    if (row.replies !== undefined) return h("li.day", {}, h("span", {}, replies(row.replies)));
    const focused = older?.contains(document.activeElement) ? document.activeElement : null;
    const node = messageRow(row, store, this.act);
    if (focused) queueMicrotask(() => refocus(node, focused));
    return node;
  }

  /** Arrow keys go from message to message. */
  move(event) {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (!step || event.altKey || event.target !== event.target.closest(".message")) return;
    const all = [...this.list.querySelectorAll(".message")];
    all[all.indexOf(event.target) + step]?.focus();
    event.preventDefault();
  }
}

/** Bring the children of a list into this order, touching only those that are elsewhere. */
function place(list, nodes) {
  const wanted = new Set(nodes);
  for (const child of [...list.children]) if (!wanted.has(child)) child.remove();
  nodes.forEach((node, at) => {
    if (list.children[at] !== node) list.insertBefore(node, list.children[at] ?? null);
  });
}

/** After a redraw: the same button if it is still there, else the message itself. */
function refocus(node, focused) {
  const block = focused.closest("[data-block]")?.dataset.block;
  const same = [...node.querySelectorAll("[data-action]")].find((one) => (
    one.dataset.action === focused.dataset.action && one.closest("[data-block]")?.dataset.block === block));
  (same ?? node.querySelector(".message"))?.focus({ preventScroll: true });
}

function rowsOf(messages, withDays) {
  const rows = [];
  let before = null;
  messages.forEach((message, at) => {
    const day = dayOf(message.ts);
    if (withDays && (!before || dayOf(before.ts) !== day)) rows.push({ key: `day ${day}`, day });
    if (!withDays && at === 1) rows.push({ key: "replies", replies: messages.length - 1 });
    const compact = Boolean(before) && rows.at(-1).message === before && before.user === message.user && !message.ephemeral
      && !before.ephemeral && !before.reply_count && Number(message.ts) - Number(before.ts) < SAME_BREATH_SECONDS;
    rows.push({ key: `${message.ts}${message.ephemeral ? " private" : ""}`, message, compact });
    before = message;
  });
  return rows;
}

const moment = (ts) => new Date(Number(ts) * 1000);
const clock = (ts) => moment(ts).toLocaleTimeString(undefined, { hour: "2-digit", minute: "2-digit" });
const replies = (count) => `${count} ${count === 1 ? "reply" : "replies"}`;

function dayOf(ts) {
  const day = moment(ts);
  const today = new Date();
  const yesterday = new Date(today.getFullYear(), today.getMonth(), today.getDate() - 1);
  if (day.toDateString() === today.toDateString()) return "Today";
  if (day.toDateString() === yesterday.toDateString()) return "Yesterday";
  return day.toLocaleDateString(undefined, { weekday: "long", day: "numeric", month: "long", year: "numeric" });
}

function messageRow({ message, compact }, store, act) {
  const name = store.names(message.user);
  const time = h("time", { datetime: moment(message.ts).toISOString(), title: moment(message.ts).toLocaleString() }, clock(message.ts));
  if (compact) time.textContent = time.textContent.replace(/\s*[AP]M$/i, ""); // the gutter is narrow
  return h("li", {}, h(`article.message${compact ? ".compact" : ""}${message.ephemeral ? ".private" : ""}`, {
    tabindex: "-1", data: { ts: message.ts }, "aria-label": `${name}, ${clock(message.ts)}`,
  },
  h("div.gutter", {}, compact ? time : avatar(message.user, name, message.bot)),
  h("div.content", {},
    !compact && h("div.byline", {}, h("strong", {}, name), message.bot && h("span.badge", {}, "APP"), time),
    message.ephemeral && h("p.private-note", {}, "Only visible to you",
      h("button.quiet", { type: "button", on: { click: () => act.dismiss(message) } }, "Dismiss")),
    bodyOf(message, store, act),
    (message.files ?? []).map(file),
    act.reply && message.reply_count > 0 && h("button.replies", { type: "button", on: { click: () => act.reply(message) } },
      replies(message.reply_count), h("span", { "aria-hidden": "true" }, " ›"))),
  !message.ephemeral && toolbar(message, store, act)));
}

/** A person's round mark: initials on one of eight colours. */
export function avatar(id, name, bot) {
  const hue = bot ? "bot" : [...id].reduce((sum, sign) => (sum * 31 + sign.charCodeAt(0)) % 8, 0);
  const letters = name.split(/\s+/).map((word) => word[0]).slice(0, bot ? 1 : 2).join("").toUpperCase();
  return h(`span.avatar.hue-${hue}`, { "aria-hidden": "true" }, letters);
}

function bodyOf(message, store, act) {
  const edited = message.edited && !message.blocks?.length && h("small.edited", {}, " (edited)");
  if (!message.blocks?.length) return h("div.text", {}, mrkdwn(message.text ?? "", store.names), edited);
  return h("div.blocks", {}, renderBlocks(message.blocks, {
    names: store.names, click: (...what) => act.click(message, ...what),
  }));
}

function toolbar(message, store, act) {
  return h("div.toolbar", { role: "group", "aria-label": "Message actions" },
    act.reply && h("button", { type: "button", on: { click: () => act.reply(message) } }, "Reply"),
    store.shortcuts.map((one) => h("button", { type: "button", on: { click: () => act.shortcut(message, one.callback_id) } }, one.name)));
}

/** A file: its text on demand, and a way to save it. */
function file(one) {
  const preview = h("pre.preview", { tabindex: "0" }, "…");
  const name = one.title || one.name || one.id;
  const status = h("span.error", { role: "alert" });
  const load = async () => {
    const text = await (await fetchFile(one.url)).text();
    preview.textContent = text.slice(0, PREVIEW_CHARACTERS) + (text.length > PREVIEW_CHARACTERS ? "\n…" : "");
  };
  const save = async () => {
    const address = URL.createObjectURL(await fetchFile(one.url));
    h("a", { href: address, download: one.name ?? one.id }).click();
    setTimeout(() => URL.revokeObjectURL(address), 10_000);
  };
  const guarded = (act) => act().then(() => { status.textContent = ""; }, () => { status.textContent = "The file could not be fetched."; });
  return h("div.file", {},
    h("details", { on: { toggle: (event) => event.target.open && guarded(load) } },
      h("summary", {}, h("span.file-name", {}, name), h("small", {}, size(one.size))), preview),
    h("button.button", { type: "button", "aria-label": `Save ${name}`, on: { click: () => guarded(save) } }, "Save"), status);
}

const size = (bytes) => (bytes === undefined ? "" : bytes < 1024 ? ` ${bytes} B` : ` ${Math.round(bytes / 1024)} KB`);
