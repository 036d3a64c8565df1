/* Slack's mrkdwn, as nodes. Whatever it does not know stays text. */
import { h, link } from "./dom.js";

const EMOJI = {
  white_check_mark: "✅", heavy_check_mark: "✔️", x: "❌", warning: "⚠️", hourglass: "⌛",
  hourglass_flowing_sand: "⏳", rocket: "🚀", eyes: "👀", wave: "👋", tada: "🎉", question: "❓",
  no_entry: "⛔", no_entry_sign: "🚫", stop_sign: "🛑", octagonal_sign: "🛑", bulb: "💡", lock: "🔒",
  mag: "🔍", robot_face: "🤖", thumbsup: "👍", "+1": "👍", thumbsdown: "👎", arrow_right: "➡️",
  black_square: "◼️", white_circle: "⚪", large_blue_circle: "🔵", red_circle: "🔴", gear: "⚙️",
  large_green_circle: "🟢", large_yellow_circle: "🟡", clipboard: "📋", memo: "📝", link: "🔗",
  pause_button: "⏸️", arrow_forward: "▶️", repeat: "🔁", thinking_face: "🤔", information_source: "ℹ️",
};
const STYLES = { "*": "strong", _: "em", "~": "s" };
const BEFORE = /[\s\p{P}\p{S}]/u;

/** Undo Slack's three escapes, and show emoji names as emoji. */
export function plain(text, emoji = true) {
  const shown = emoji ? text.replace(/:([a-z0-9_+-]{1,40}):/g, (all, name) => EMOJI[name] ?? all) : text;
  return shown.replace(/&lt;/g, "<").replace(/&gt;/g, ">").replace(/&amp;/g, "&");
}

/** Return a text object of Block Kit as nodes. */
export function textObject(object, names) {
  if (!object) return [];
  return object.type === "mrkdwn" && object.verbatim !== null ? mrkdwn(object.text ?? "", names) : [plain(object.text ?? "", object.emoji !== false)];
}

/** Return mrkdwn as nodes; `names(id)` gives the name of a person or channel. */
export function mrkdwn(text, names) {
  const nodes = [];
  text.split("```").forEach((part, index, parts) => {
    const closed = index < parts.length - 1;
    if (index % 2 === 1 && closed) nodes.push(h("pre", {}, codeText(part.replace(/^\n|\n$/g, ""))));
    else if (index % 2 === 1) nodes.push(...paragraphs("```" + part, names));
    else nodes.push(...paragraphs(trimBesideCode(part, index > 0, closed), names));
  });
  return nodes;
}

const trimBesideCode = (part, after, before) => {
  const start = after ? part.replace(/^\n/, "") : part;
  return before ? start.replace(/\n$/, "") : start;
};

/** Code shows what is in it: a token in angle brackets by its address or label. */
const codeText = (text) => plain(text.replace(/<([^<>|]*)(?:\|([^<>]*))?>/g, (_, target, label) => label ?? target), false);

function paragraphs(text, names) {
  const nodes = [];
  let quoted = [];
  const flush = () => {
    if (quoted.length) nodes.push(h("blockquote", {}, quoted.flatMap((line, at) => [at ? "\n" : "", ...inline(line, names)])));
    quoted = [];
  };
  const lines = text.split("\n");
  lines.forEach((line, at) => {
    const quote = /^(?:&gt;|>) ?(.*)$/.exec(line);
    if (quote) return quoted.push(quote[1]);
    const followsQuote = quoted.length > 0;
    flush();
    if (at && !followsQuote) nodes.push("\n");
    nodes.push(...inline(line, names));
  });
  flush();
  return nodes;
}

/** One line, from left to right; a delimiter without its partner is an ordinary character. */
function inline(line, names) {
  const nodes = [];
  const hopeless = new Set();
  let from = 0;
  let at = 0;
  const take = (node, end) => {
    if (at > from) nodes.push(plain(line.slice(from, at)));
    nodes.push(node);
    from = at = end;
  };
  while (at < line.length) {
    const sign = line[at];
    if (sign === "<") {
      const end = line.indexOf(">", at);
      if (end > at + 1) { take(token(line.slice(at + 1, end), names), end + 1); continue; }
    } else if (sign === "`" && !hopeless.has(sign)) {
      const end = line.indexOf("`", at + 1);
      if (end > at + 1) { take(h("code", {}, codeText(line.slice(at + 1, end))), end + 1); continue; }
      if (end < 0) hopeless.add(sign);
    } else if (STYLES[sign] && !hopeless.has(sign) && opens(line, at)) {
      const end = closing(line, sign, at);
      if (end > 0) { take(h(STYLES[sign], {}, inline(line.slice(at + 1, end), names)), end + 1); continue; }
      hopeless.add(sign);
    }
    at += 1;
  }
  if (at > from) nodes.push(plain(line.slice(from)));
  return nodes;
}

const opens = (line, at) => (at === 0 || BEFORE.test(line[at - 1])) && /\S/.test(line[at + 1] ?? " ") && line[at + 1] !== line[at];

function closing(line, sign, start) {
  for (let end = line.indexOf(sign, start + 2); end > 0; end = line.indexOf(sign, end + 1)) {
    if (/\S/.test(line[end - 1]) && (end + 1 === line.length || BEFORE.test(line[end + 1]))) return end;
  }
  return -1;
}

/** What stands between angle brackets. */
function token(inside, names) {
  const bar = inside.indexOf("|");
  const target = bar < 0 ? inside : inside.slice(0, bar);
  const label = bar < 0 ? "" : inside.slice(bar + 1);
  if (target.startsWith("@")) return h("span.mention", {}, `@${plain(label || names(target.slice(1)))}`);
  if (target.startsWith("#")) return h("span.mention", {}, `#${plain(label || names(target.slice(1)))}`);
  if (target.startsWith("!date^")) return date(target.slice(6).split("^"), label);
  if (target.startsWith("!")) return h("span.mention", {}, plain(label || `@${target.slice(1).split("^")[0]}`));
  return link(plain(target, false), plain(label || target));
}

/** A moment in the reader's own time zone, as Slack's date tokens word it. */
export function date([seconds, format = "{date_short} {time}"], fallback) {
  const moment = new Date(Number(seconds) * 1000);
  if (!/^\d{1,11}$/.test(seconds) || Number.isNaN(moment.getTime())) return plain(fallback || seconds);
  const as = (options) => moment.toLocaleString(undefined, options);
  const long = { year: "numeric", month: "long", day: "numeric" };
  const words = {
    date_num: as({ year: "numeric", month: "2-digit", day: "2-digit" }), date: as(long),
    date_short: as({ ...long, month: "short" }), date_long: as({ ...long, weekday: "long" }),
    time: as({ hour: "2-digit", minute: "2-digit" }), time_secs: as({ hour: "2-digit", minute: "2-digit", second: "2-digit" }),
  };
  const shown = format.replace(/\{(\w+?)(?:_pretty)?\}/g, (all, name) => words[name] ?? all);
  return h("time", { datetime: moment.toISOString() }, plain(shown));
}
