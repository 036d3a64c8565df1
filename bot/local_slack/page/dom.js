/* Elements are made here and nowhere else: content becomes text nodes, never markup. */

/**
 * Make an element.
 * @param {string} tag with classes behind dots: "p.note.small"
 * @param {object} [props] `on` holds listeners, `data` data attributes; null and false leave out
 * @param {...(Node|string|null|false|Array)} children
 */
export function h(tag, props = {}, ...children) {
  const [name, ...classes] = tag.split(".");
  const element = document.createElement(name);
  if (classes.length) element.className = classes.join(" ");
  for (const [key, value] of Object.entries(props)) {
    if (value === null || value === undefined || value === false) continue;
    if (key === "on") for (const [event, act] of Object.entries(value)) element.addEventListener(event, act);
    else if (key === "data") Object.assign(element.dataset, value);
    else element.setAttribute(key, value === true ? "" : String(value));
  }
  element.append(...children.flat(Infinity).filter((child) => child !== null && child !== undefined && child !== false));
  return element;
}

/** Put children in place of what an element holds. */
export function fill(element, ...children) {
  element.replaceChildren(...children.flat(Infinity).filter(Boolean));
  return element;
}

export const byId = (id) => document.getElementById(id);

let counter = 0;
/** Return an id that no other element has. */
export const freshId = (prefix) => `${prefix}-${++counter}`;

const SAFE_SCHEMES = new Set(["http:", "https:", "mailto:"]);

/** Return a link that opens beside the page; where the address is not safe, its words as text. */
export function link(address, ...label) {
  let scheme = "";
  try {
    scheme = new URL(address).protocol;
  } catch {
    // no address at all
  }
  if (!SAFE_SCHEMES.has(scheme)) return h("span", {}, ...(label.length ? label : [address]));
  return h("a", { href: address, target: "_blank", rel: "noopener noreferrer" }, ...(label.length ? label : [address]));
}

/** Tell people who listen instead of look. */
export function announce(words) {
  const region = byId("live");
  region.append(h("p", {}, words));
  while (region.childElementCount > 5) region.firstElementChild.remove();
}
