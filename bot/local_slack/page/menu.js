/* A menu that opens from a button. Arrow keys move, Enter chooses, Escape goes back. */
import { h } from "./dom.js";

/**
 * Open a menu at a button.
 * @param {HTMLElement} button gets the focus back
 * @param {{label: string, description?: string, choose: () => void}[]} items
 */
export function openMenu(button, items) {
  const menu = h("div.menu", { role: "menu", popover: "auto", "aria-label": button.textContent });
  const close = (back) => {
    if (menu.matches(":popover-open")) menu.hidePopover();
    if (back && button.isConnected) button.focus();
  };
  menu.append(...items.map((item) => h("button.menu-item", {
    type: "button", role: "menuitem", tabindex: "-1",
    on: { click: () => { close(true); item.choose(); } },
  }, h("span", {}, item.label), item.description && h("small", {}, item.description))));
  menu.addEventListener("keydown", (event) => moveInside(menu, event, close));
  menu.addEventListener("toggle", (event) => {
    button.setAttribute("aria-expanded", String(event.newState === "open"));
    if (event.newState === "closed") menu.remove();
  });
  (button.closest("dialog") ?? document.body).append(menu);
  menu.showPopover();
  place(menu, button.getBoundingClientRect());
  menu.firstElementChild?.focus();
}

function moveInside(menu, event, close) {
  const all = [...menu.children];
  const at = all.indexOf(document.activeElement);
  const to = { ArrowDown: at + 1, ArrowUp: at - 1 + all.length, Home: 0, End: all.length - 1 }[event.key];
  if (to !== undefined) all[to % all.length].focus();
  else if (event.key === "Escape" || event.key === "Tab") close(true);
  else if (event.key.length === 1 && /\S/.test(event.key)) {
    const after = [...all.slice(at + 1), ...all.slice(0, at + 1)];
    after.find((one) => one.textContent.toLowerCase().startsWith(event.key.toLowerCase()))?.focus();
    return;
  } else return;
  event.preventDefault();
  event.stopPropagation();
}

/** Below the button where there is room, else above; never outside the window. */
function place(menu, anchor) {
  const { width, height } = menu.getBoundingClientRect();
  const below = anchor.bottom + 4 + height <= innerHeight;
  menu.style.top = `${Math.max(8, below ? anchor.bottom + 4 : anchor.top - 4 - height)}px`;
  menu.style.left = `${Math.max(8, Math.min(anchor.left, innerWidth - width - 8))}px`;
}
