/* The page's side of `/local/*` (see page_api.py): calls, the live stream, and the token. */

const KEPT = "chiffon.token";

/** Take the token out of the address, so that it is not left in a history or a screenshot. */
export function takeToken() {
  const given = new URLSearchParams(location.hash.slice(1)).get("token") ?? new URLSearchParams(location.search).get("token");
  if (given) {
    sessionStorage.setItem(KEPT, given);
    history.replaceState(null, "", location.pathname);
  }
  return sessionStorage.getItem(KEPT);
}

/** The server does not know this token. */
export class WrongToken extends Error {}

const headers = (more = {}) => ({ Authorization: `Bearer ${sessionStorage.getItem(KEPT)}`, ...more });

async function answered(path, options) {
  const response = await fetch(path, options);
  if (response.status === 401 || response.status === 403) throw new WrongToken(path);
  return response;
}

/** Return everything that a person sees. */
export async function fetchState(person) {
  const asked = person ? `?${new URLSearchParams({ person })}` : "";
  const response = await answered(`/local/state${asked}`, { headers: headers() });
  const state = response.ok ? await response.json() : { ok: false, error: response.status };
  if (state.ok === false) throw new Error(`state: ${state.error}`);
  return state;
}

/** Do something as a person; the answer has `ok`, and `error` where that is false. */
export async function post(action, body) {
  try {
    const response = await answered(`/local/${action}`, {
      method: "POST", headers: headers({ "Content-Type": "application/json" }), body: JSON.stringify(body),
    });
    return await response.json();
  } catch (error) {
    if (error instanceof WrongToken) throw error;
    return { ok: false, error: "not_reachable" };
  }
}

/** Return a file as a blob. */
export async function fetchFile(url) {
  const own = new URL(url, location.href);
  if (own.origin !== location.origin) throw new Error("a file of another origin");
  return (await answered(own, { headers: headers() })).blob();
}

const FIRST_WAIT_MS = 300;
const LONGEST_WAIT_MS = 4000;
/** A socket that stays silent while it opens is given up after this long. */
const OPENING_MS = 5000;

/**
 * Follow what happens for a person, for ever: `opened` runs at each connection, `lost` at each end.
 * Returns a function that stops it.
 */
export function follow(person, { opened, event, lost }) {
  let socket = null;
  let stopped = false;
  let timer = 0;
  let wait = FIRST_WAIT_MS;
  const connect = () => {
    const address = new URL("/local/events", location.href);
    address.protocol = address.protocol.replace("http", "ws");
    address.search = new URLSearchParams({ person, token: sessionStorage.getItem(KEPT) });
    const mine = new WebSocket(address);
    socket = mine;
    const opening = setTimeout(() => mine.close(), OPENING_MS);
    mine.onopen = () => { clearTimeout(opening); wait = FIRST_WAIT_MS; opened(); };
    mine.onmessage = (message) => event(JSON.parse(message.data));
    mine.onclose = () => {
      clearTimeout(opening);
      if (stopped) return;
      lost();
      timer = setTimeout(connect, wait);
      wait = Math.min(wait * 2, LONGEST_WAIT_MS);
    };
  };
  connect();
  return () => { stopped = true; clearTimeout(timer); socket?.close(); };
}
