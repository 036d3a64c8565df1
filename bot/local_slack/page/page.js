/* The page: what is shown now, and what people do. The parts are in the modules beside it. */
import { fetchState, follow, post, takeToken, WrongToken } from "./api.js";
import { renderBlocks } from "./blocks.js";
import { Composer } from "./composer.js";
import { openSwitcher } from "./dialogs.js";
import { announce, byId, fill, h } from "./dom.js";
import { avatar, MessageList } from "./messages.js";
import { plain } from "./mrkdwn.js";
import { isReply, Store } from "./store.js";
import { hideView, keepViews, showView } from "./views.js";
import { welcome, welcomed } from "./welcome.js";

const PERSON = "chiffon.person";
const NOTICE_MS = 9000;
const ROOM_FOR_A_THREAD = matchMedia("(min-width: 1000px)");
const PROBLEMS = {
  not_reachable: "The local Slack does not answer. Is it still running?",
  dispatch_failed: "Chiffon is not connected, so nobody heard that.",
  operation_timed_out: "Chiffon did not answer in time. Try again.",
  message_not_found: "That message is gone.",
  dispatch_unknown_command: "There is no such command. Try /chiffon help.",
  no_text: "There is nothing to send.",
};

const now = { store: null, channel: "", thread: "", tab: "messages", unread: new Map(), dismissed: new Set(), stop: () => {} };
const names = (id) => now.store.names(id);

// --- What is shown --------------------------------------------------------------------------------

const messageActions = {
  click: (message, block_id, action_id, what) => doing("click", { channel: message.channel, ts: message.ts, block_id, action_id, ...what }),
  shortcut: (message, callback_id) => doing("shortcut", { channel: message.channel, ts: message.ts, callback_id }),
  dismiss: (message) => { now.dismissed.add(message.ts); now.store.remove(message.channel, message.ts); draw(); },
};
const middle = new MessageList(byId("messages"), byId("scroller"), { ...messageActions, reply: (message) => openThread(message.ts, true) });
const side = new MessageList(byId("thread-messages"), byId("thread-scroller"), messageActions);
const composer = new Composer(byId("composer"), (text) => send(text), complete);
const threadComposer = new Composer(byId("thread-composer"), (text) => send(text, now.thread), complete);

function draw() {
  const { store, channel, thread } = now;
  const here = store.channels.find((one) => one.id === channel);
  const mine = store.meId;
  const roots = store.roots(channel);
  byId("empty").hidden = roots.length > 0 || byId("welcome").hasChildNodes();
  byId("empty").textContent = isDirect(here) ? "Nothing said yet. Tell Chiffon what you want." : "Nothing said yet. Begin with @chiffon to ask for something.";
  byId("conversation-name").textContent = label(here);
  byId("conversation-topic").textContent = here.topic ?? "";
  byId("thread-place").textContent = label(here);
  composer.address(isDirect(here) ? `Message ${here.name}` : `Message #${here.name}`);
  threadComposer.address("Reply in this thread");
  byId("thread").hidden = !thread;
  byId("app").classList.toggle("with-thread", Boolean(thread));
  drawTabs(isDirect(here));
  middle.draw(roots, store, `${mine} ${channel}`);
  if (thread) side.draw(store.thread(channel, thread), store, `${mine} ${channel} ${thread}`);
  drawSidebar();
}

const isDirect = (channel) => channel.kind === "dm" || channel.kind === "im";
const label = (channel) => (isDirect(channel) ? channel.name : `# ${channel.name}`);

function drawSidebar() {
  const { store, channel, unread } = now;
  const row = (one) => {
    const count = unread.get(one.id) ?? 0;
    const state = isDirect(one) && h(`span.dot${store.connected ? ".on" : ""}`, { title: store.connected ? "connected" : "not connected" });
    return h("li", {}, h("button.place", {
      type: "button", data: { channel: one.id }, "aria-current": one.id === channel ? "page" : null, on: { click: () => go(one.id) },
    }, isDirect(one) ? avatar(one.id, one.name, true) : h("span.hash", { "aria-hidden": "true" }, "#"), h("span.place-name", {}, one.name), state,
    count > 0 && h("span.count", {}, String(count), h("span.unseen", {}, " unread"))));
  };
  const focused = document.activeElement?.dataset?.channel;
  fill(byId("channels"), store.channels.filter((one) => !isDirect(one)).map(row));
  fill(byId("direct"), store.channels.filter(isDirect).map(row));
  if (focused) document.querySelector(`[data-channel="${CSS.escape(focused)}"]`)?.focus();
  const total = [...unread.values()].reduce((sum, count) => sum + count, 0);
  document.title = `${total ? `(${total}) ` : ""}${label(store.channels.find((one) => one.id === channel))} – ${store.team.name}`;
}

function drawTabs(direct) {
  if (!direct) now.tab = "messages";
  byId("tabs").hidden = !direct;
  for (const tab of ["messages", "home"]) {
    const chosen = now.tab === tab;
    byId(`tab-${tab}`).setAttribute("aria-selected", String(chosen));
    byId(`tab-${tab}`).tabIndex = chosen ? 0 : -1;
    byId(`${tab}-panel`).hidden = !chosen;
  }
  if (now.tab !== "home") return;
  const { home } = now.store;
  const click = (block_id, action_id, what) => doing("click", { view_id: home.id, block_id, action_id, ...what });
  fill(byId("home-panel"), home?.blocks?.length ? h("div.blocks.home", {}, renderBlocks(home.blocks, { names, click })) : h("p.nothing", {}, "Chiffon has not filled its Home yet."));
}

function drawWelcome(shown) {
  fill(byId("welcome"), shown && welcome(ask, () => { drawWelcome(false); composer.focus(); }));
  draw();
  middle.atEnd = !shown;
  byId("scroller").scrollTop = shown ? 0 : byId("scroller").scrollHeight;
}

function drawViews() {
  keepViews(now.store.views.map((one) => one.id));
  for (const view of now.store.views) showView(view, names, viewActions);
}

function drawPeople() {
  const { people, meId } = now.store;
  fill(byId("person"), people.map((one) => {
    const note = one.restricted ? " (guest)" : "";
    return h("option", { value: one.id, selected: one.id === meId, title: one.title || null }, `${one.real_name || one.name}${note}`);
  }));
}

function notice(words) {
  const box = h("div.notice", {}, h("span", {}, words), h("button.icon", { type: "button", "aria-label": "Dismiss", on: { click: () => box.remove() } }, "✕"));
  byId("notices").append(box);
  setTimeout(() => box.remove(), NOTICE_MS);
}

// --- What people do -------------------------------------------------------------------------------

/** Send what the person did; tells what was answered, and tells the person what went wrong. */
async function doing(action, body) {
  const answer = await act(action, body);
  // The server itself tells the person about a late answer.
  if (!answer.ok && answer.error !== "operation_timed_out") notice(wordsFor(answer.error));
  return answer;
}

async function act(action, body) {
  try {
    return await post(action, { person: now.store.meId, ...body });
  } catch (error) {
    if (error instanceof WrongToken) showGate();
    return { ok: false, error: "not_reachable" };
  }
}

const wordsFor = (error) => PROBLEMS[error] ?? `That did not work: ${error ?? "no reason given"}.`;

const viewActions = {
  submit: async (view, values) => {
    const answer = await act("submit", { view_id: view.id, values });
    return { ...answer, words: answer.ok ? "" : wordsFor(answer.error) };
  },
  close: (view) => { hideView(view.id); return act("close", { view_id: view.id }); },
  click: (view, form, block_id, action_id, what) => doing("click", { view_id: view.id, block_id, action_id, ...what, values: form.values() }),
};

async function send(text, thread) {
  const { channel, store } = now;
  const isCommand = store.commands.some((one) => text === one.command || text.startsWith(`${one.command} `));
  if (isCommand && thread) {
    notice("Slash commands do not work in threads. Write the same words with @chiffon instead.");
    return false;
  }
  (thread ? side : middle).atEnd = true; // whoever says something wants to see what comes of it
  const answer = isCommand ? await doing("command", { channel, text }) : await doing("say", { channel, text, ...(thread ? { thread } : {}) });
  return answer.ok || answer.error === "operation_timed_out";
}

function ask(text) {
  const here = now.store.channels.find((one) => one.id === now.channel);
  return send(isDirect(here) ? text : `@${now.store.bot.name} ${text}`);
}

function complete(word) {
  const { store } = now;
  const begun = word.slice(1).toLowerCase();
  if (word.startsWith("/")) {
    return store.commands.filter((one) => one.command.startsWith(word))
      .map((one) => ({ label: one.command, insert: one.command, description: one.usage_hint || one.description }));
  }
  return [store.bot, ...store.people].filter((one) => one.name.toLowerCase().startsWith(begun))
    .map((one) => ({ label: `@${one.name}`, insert: `@${one.name}`, description: one.title ?? "" }));
}

function go(channel) {
  if (channel !== now.channel) Object.assign(now, { channel, thread: "", tab: "messages" });
  now.unread.delete(channel);
  closeSidebar();
  draw();
  composer.focus();
}

function openThread(ts, withFocus) {
  now.thread = ts;
  draw();
  if (withFocus) threadComposer.focus();
}

function closeThread() {
  const root = now.thread;
  now.thread = "";
  draw();
  (document.querySelector(`#messages [data-ts="${CSS.escape(root)}"] .replies`) ?? byId("composer-text")).focus();
}

function openTab(tab) {
  now.tab = tab;
  if (tab === "home") doing("home", {});
  draw();
  byId(`tab-${tab}`).focus();
}

function closeSidebar() {
  byId("app").classList.remove("sidebar-open");
  byId("open-sidebar").setAttribute("aria-expanded", "false");
}

// --- What happens meanwhile ----------------------------------------------------------------------

function happened(event) {
  if (event.type === "notice") return notice(event.text);
  const { changed, isNew } = now.store.apply(event);
  if (isNew) arrived(event.message);
  if (changed === "views") return drawViews();
  if (changed) draw();
}

function arrived(message) {
  const { store, channel } = now;
  if (message.user === store.meId) return;
  const here = message.channel === channel;
  if (!here || document.hidden) now.unread.set(message.channel, (now.unread.get(message.channel) ?? 0) + 1);
  if (here) announce(`${names(message.user)}: ${plain(message.text ?? "").slice(0, 300)}`);
  const root = isReply(message) && store.thread(message.channel, message.thread_ts)[0];
  const answersMe = root && root.user === store.meId && root.ts === message.thread_ts && root === store.roots(channel).at(-1);
  const replying = byId("thread").contains(document.activeElement) || byId("thread-text").value;
  if (here && answersMe && !replying && ROOM_FOR_A_THREAD.matches) now.thread = root.ts;
}

/** Become a person: follow what they see, and fetch it at each connection. */
function become(person) {
  now.stop();
  let waiting = null; // events that came while the state was on its way
  const fetched = async () => {
    waiting = [];
    const mine = waiting;
    try {
      const state = await fetchState(person);
      if (mine !== waiting) return;
      waiting = null;
      show(state);
      mine.forEach(happened);
      byId("banner").hidden = true;
    } catch (error) {
      if (error instanceof WrongToken) showGate();
      else if (mine === waiting) setTimeout(fetched, 1000);
    }
  };
  now.stop = follow(person, {
    opened: fetched,
    event: (event) => (waiting ? waiting.push(event) : happened(event)),
    lost: () => { waiting = []; byId("banner").hidden = false; },
  });
}

function show(state) {
  const { store } = now;
  if (store) store.replace(state);
  else now.store = new Store(state);
  for (const ts of now.dismissed) for (const one of state.channels) {
    if (now.store.thread(one.id, ts).some((message) => message.ephemeral)) now.store.remove(one.id, ts);
  }
  const known = state.channels.some((one) => one.id === now.channel);
  if (!known) Object.assign(now, { channel: (state.channels.find(isDirect) ?? state.channels[0]).id, thread: "" });
  byId("team").textContent = state.team.name;
  byId("app").hidden = false;
  drawPeople();
  if (store) draw();
  else drawWelcome(!welcomed());
  drawViews();
}

function showGate() {
  now.stop();
  byId("app").hidden = byId("banner").hidden = true;
  byId("gate").hidden = false;
}

// --- Keys and buttons of the frame -------------------------------------------------------------

function keys(event) {
  if (byId("app").hidden || document.querySelector("dialog[open]")) return;
  const order = [...now.store.channels.filter((one) => !isDirect(one)), ...now.store.channels.filter(isDirect)];
  const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
  if (event.altKey && step) {
    const at = order.findIndex((one) => one.id === now.channel);
    go(order.at((at + step) % order.length).id);
  } else if ((event.ctrlKey || event.metaKey) && event.key.toLowerCase() === "k") {
    openSwitcher(order.map((one) => ({ id: one.id, label: label(one) })), go);
  } else if (event.key === "Escape" && byId("app").classList.contains("sidebar-open")) {
    closeSidebar();
    byId("open-sidebar").focus();
  } else if (event.key === "Escape" && now.thread) closeThread();
  else return;
  event.preventDefault();
}

function listen() {
  document.addEventListener("keydown", keys);
  document.addEventListener("visibilitychange", () => {
    if (document.hidden || !now.store) return;
    now.unread.delete(now.channel);
    drawSidebar();
  });
  byId("person").addEventListener("change", (event) => {
    sessionStorage.setItem(PERSON, event.target.value);
    Object.assign(now, { thread: "", unread: new Map(), dismissed: new Set() });
    become(event.target.value);
  });
  byId("close-thread").addEventListener("click", closeThread);
  byId("show-welcome").addEventListener("click", () => { closeSidebar(); drawWelcome(true); document.querySelector(".request").focus(); });
  byId("open-sidebar").addEventListener("click", () => {
    const open = byId("app").classList.toggle("sidebar-open");
    byId("open-sidebar").setAttribute("aria-expanded", String(open));
    if (open) document.querySelector(".place[aria-current]").focus();
  });
  byId("conversation").addEventListener("click", (event) => { if (!event.target.closest("#open-sidebar")) closeSidebar(); });
  for (const tab of ["messages", "home"]) byId(`tab-${tab}`).addEventListener("click", () => openTab(tab));
  byId("tabs").addEventListener("keydown", (event) => {
    if (event.key === "ArrowLeft" || event.key === "ArrowRight") openTab(now.tab === "home" ? "messages" : "home");
  });
}

async function start() {
  if (!takeToken()) return showGate();
  listen();
  const first = async () => {
    try {
      const state = await fetchState(sessionStorage.getItem(PERSON)).catch((error) => {
        if (error instanceof WrongToken || !sessionStorage.getItem(PERSON)) throw error;
        sessionStorage.removeItem(PERSON); // a person of another folder
        return fetchState(null);
      });
      show(state);
      become(now.store.meId);
    } catch (error) {
      if (error instanceof WrongToken) return showGate();
      byId("banner").hidden = false;
      setTimeout(first, 1000);
    }
  };
  await first();
}

start();
