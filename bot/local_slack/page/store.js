/* What the page knows: the server's state for one person, kept up to date by its events. */

/** Everything that is shown is read from here. */
export class Store {
  constructor(state) {
    this.replace(state);
  }

  /** Take a state that was fetched anew. */
  replace(state) {
    Object.assign(this, { views: [], commands: [], shortcuts: [], home: null, connected: 1 }, state);
    this.meId = typeof state.me === "string" ? state.me : state.me.id;
    this.messages = new Map(state.channels.map((one) => [one.id, [...(state.messages[one.id] ?? [])]]));
    this.nameOf = new Map(state.channels.map((one) => [one.id, one.name]));
    for (const one of state.people) this.nameOf.set(one.id, one.real_name || one.name);
    for (const id of [state.bot.id, state.bot.user_id]) this.nameOf.set(id, state.bot.real_name || state.bot.name);
  }

  names = (id) => this.nameOf.get(id) ?? id;

  /** Return the messages of a conversation, without replies unless they are sent to it too. */
  roots(channel) {
    return (this.messages.get(channel) ?? []).filter((one) => !isReply(one));
  }

  /** Return a thread: its first message and what hangs below. */
  thread(channel, ts) {
    return (this.messages.get(channel) ?? []).filter((one) => one.ts === ts || one.thread_ts === ts);
  }

  /** Put a message in its place, a known one in place of its older self; tells if it is new. */
  put(message) {
    const all = this.messages.get(message.channel);
    if (!all) return false;
    const at = all.findIndex((one) => one.ts === message.ts && Boolean(one.ephemeral) === Boolean(message.ephemeral));
    if (at >= 0) {
      all[at] = { ...all[at], ...message };
      return false;
    }
    all.push(message);
    all.sort((one, other) => (one.ts < other.ts ? -1 : 1));
    if (isReply(message)) this.recount(message.channel, message.thread_ts);
    return true;
  }

  /** Take away what a person dismissed. */
  remove(channel, ts) {
    this.messages.set(channel, this.messages.get(channel).filter((one) => one.ts !== ts || !one.ephemeral));
  }

  recount(channel, ts) {
    const parent = this.messages.get(channel).find((one) => one.ts === ts);
    if (parent) parent.reply_count = this.thread(channel, ts).filter((one) => one.ts !== ts && !one.ephemeral).length;
  }

  /** Take an event in; tells what kind of thing changed, and whether a message is new. */
  apply(event) {
    switch (event.type) {
      case "message":
      case "message_changed":
      case "ephemeral":
        return { changed: "messages", isNew: this.put(event.message) };
      case "view_opened":
      case "view_updated":
        this.views = [...this.views.filter((one) => one.id !== event.view.id), event.view];
        return { changed: "views" };
      case "view_closed": this.views = this.views.filter((one) => one.id !== event.view_id); return { changed: "views" };
      case "home": this.home = event.view; return { changed: "home" };
      case "connected": this.connected = event.connected; return { changed: "connected" };
      default: return { changed: "" };
    }
  }
}

/** Tell whether a message hangs below another. */
export const isReply = (message) => Boolean(message.thread_ts) && message.thread_ts !== message.ts;
