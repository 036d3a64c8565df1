/* Two richer kinds of text: rich_text (a tree) and the markdown block (ordinary Markdown). */
import { h, link } from "./dom.js";
import { date, plain } from "./mrkdwn.js";

const STYLE_TAGS = [["code", "code"], ["strike", "s"], ["italic", "em"], ["bold", "strong"]];

/** Return a rich_text block as nodes. */
export function richText(block, names) {
  return (block.elements ?? []).map((part) => {
    const inside = () => (part.elements ?? []).map((element) => leaf(element, names));
    if (part.type === "rich_text_preformatted") return h("pre", {}, inside());
    if (part.type === "rich_text_quote") return h("blockquote", {}, inside());
    if (part.type === "rich_text_list") {
      const items = (part.elements ?? []).map((item) => h("li", {}, (item.elements ?? []).map((e) => leaf(e, names))));
      return h(`${part.style === "ordered" ? "ol" : "ul"}.indent-${Math.min(Number(part.indent) || 0, 4)}`, {}, items);
    }
    return h("div", {}, inside());
  });
}

function leaf(element, names) {
  const styled = (node) => STYLE_TAGS.reduce((inner, [key, tag]) => (element.style?.[key] ? h(tag, {}, inner) : inner), node);
  switch (element.type) {
    case "text": return styled(element.text ?? "");
    case "link": return styled(link(element.url ?? "", element.text || element.url || ""));
    case "user": return h("span.mention", {}, `@${names(element.user_id)}`);
    case "channel": return h("span.mention", {}, `#${names(element.channel_id)}`);
    case "broadcast": return h("span.mention", {}, `@${element.range}`);
    case "emoji": return plain(`:${element.name}:`);
    case "date": return date([String(element.timestamp), element.format], element.fallback);
    default: return "";
  }
}

/** Return Markdown as nodes: headings, lists, quotes, fences, rules, and what stands in a line. */
export function markdown(text) {
  const nodes = [];
  const lines = text.split("\n");
  while (lines.length) {
    const line = lines.shift();
    const takeWhile = (pattern) => {
      const taken = [];
      while (lines.length && pattern.test(lines[0])) taken.push(lines.shift());
      return taken;
    };
    const heading = /^(#{1,6})\s+(.*)$/.exec(line);
    const item = /^\s*(?:([-*+])|\d+[.)])\s+/.exec(line);
    if (/^\s*```/.test(line)) {
      nodes.push(h("pre", {}, takeWhile(/^(?!\s*```)/).join("\n")));
      lines.shift();
    } else if (heading) nodes.push(h("p.heading", {}, spans(heading[2])));
    else if (/^\s*(?:-{3,}|\*{3,})\s*$/.test(line)) nodes.push(h("hr"));
    else if (/^>/.test(line)) {
      nodes.push(h("blockquote", {}, [line, ...takeWhile(/^>/)].flatMap((one, at) => [at ? "\n" : "", ...spans(one.replace(/^> ?/, ""))])));
    } else if (item) {
      const pattern = item[1] ? /^\s*[-*+]\s+/ : /^\s*\d+[.)]\s+/;
      const items = [line, ...takeWhile(pattern)].map((one) => h("li", {}, spans(one.replace(pattern, ""))));
      nodes.push(h(item[1] ? "ul" : "ol", {}, items));
    } else if (line.trim()) nodes.push(h("p", {}, spans(line)));
  }
  return nodes;
}

const SPAN = /`([^`]+)`|\*\*(\S(?:[^*]*\S)?)\*\*|~~([^~]+)~~|\*(\S[^*]*)\*|\b_([^_]+)_\b|\[([^\]]*)\]\(([^()\s]*)\)/;

function spans(text) {
  const found = SPAN.exec(text);
  if (!found) return text ? [plain(text)] : [];
  const [all, code, bold, strike, star, under, label, address] = found;
  const node = code !== undefined ? h("code", {}, code)
    : bold !== undefined ? h("strong", {}, spans(bold))
      : strike !== undefined ? h("s", {}, spans(strike))
        : address !== undefined ? link(address, label || address)
          : h("em", {}, spans(star ?? under));
  return [plain(text.slice(0, found.index)), node, ...spans(text.slice(found.index + all.length))];
}
