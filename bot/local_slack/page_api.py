"""What the page of the local Slack calls: `/local/*`, JSON in and out.

Every call carries `Authorization: Bearer <token>`; where a browser cannot send the header (the
WebSocket, a link to a file) `?token=<token>` does. Only from this machine and this origin. `GET /`
serves `page/index.html` and `/page/*` its assets, without a token: the page takes it from
`#token=…` or `?token=…` of its own address.

Looking:

- `GET /local/state?person=U…` (without `person`: the first of the people) answers
  `{me, team: {id, name}, bot: {id, user_id, name, real_name}, people: [Person], channels:
  [Channel], messages: {channel id: [Message]}, views: [View], home: View or null, commands:
  [{command, description, usage_hint}], shortcuts: [{callback_id, name}], connected}`.
  `messages` are the oldest first, replies of threads and this person's ephemeral ones among
  them. `views` is the stack of open modals, the last on top. `connected`: sockets of the bot.
- Person: `{id, name, real_name, title, restricted, you}`. Channel: `{id, name, kind, topic}`,
  kind `channel` or `dm` (with the bot; each person sees their own).
- Message: `{channel, ts, user, bot, text, blocks, thread_ts, reply_count, edited, files:
  [{id, name, url, size, title}], reactions: {name: count}, ephemeral}`. `text` and `blocks` are
  as Slack keeps them: escaped mrkdwn, `<@U…>`, `<#C…|name>`, `<https://…|label>`. `bot` is a
  bool, `thread_ts` null outside threads (on the parent once it has replies: its own ts);
  `reply_count` counts what hangs below; `edited` is a bool, `ephemeral` too. Every block has a
  `block_id` and every element that acts an `action_id`.
- View: as the Web API has it: `{id, type, callback_id, title, submit, close, blocks, hash, …}`.
- `GET /local/files/{id}` the content of a file.
- `GET /local/events?person=U…&token=…` (WebSocket) pushes, from when it is accepted:
  `{type: "message" | "message_changed" | "ephemeral", message: Message}` (an ephemeral one that
  is replaced comes again with the same ts), `{type: "message_deleted", channel, ts}`,
  `{type: "view_opened" | "view_updated", view: View}`, `{type: "view_closed", view_id}`,
  `{type: "home", view: View}`, `{type: "notice", text}` (what Slack itself says to the person,
  such as that the app did not answer), `{type: "connected", connected}`. A page that lost the
  socket fetches the state again.

Doing, each `POST` with a JSON body, answering `{ok: true, …}` or `{ok: false, error}`:

- `/local/say` `{person, channel, text, thread?}` → `{ok, ts}`. Text as typed: `@chiffon`,
  `@Ben` and `#random` become mentions, `&`, `<`, `>` are escaped.
- `/local/click` `{person, block_id, action_id, channel?, ts?, view_id?, value?, selected?,
  values?}`: an element of a message (`channel`, `ts`) or of a view (`view_id`, the Home tab's
  too). `selected` is the value of the chosen option (a list for checkboxes and multi selects);
  `value` what was typed or picked (dates). `values` the view's inputs so far, as in submit.
- `/local/submit` `{person, view_id, values: {block_id: {action_id: text | option value | list
  of option values}}}` → `{ok: false, error: "invalid", errors: {block_id: text}}` where the
  view stays open with these errors.
- `/local/close` `{person, view_id}`; `/local/command` `{person, channel, text}`, text with the
  slash: `/chiffon plans`; `/local/shortcut` `{person, channel, ts, callback_id}`;
  `/local/home` `{person}`: the Home tab was opened.
- `/local/faults` `{…}`: fields of `faults.Faults`; answers all of them. `drop_sockets: true`
  drops the bot's sockets now.

Click, submit, command and shortcut answer when the bot has acknowledged, after 3 s with the
error `operation_timed_out` (and a `notice`).

Errors: `unknown_person`, `channel_not_found`, `message_not_found`, `view_not_found`,
`action_not_found`, `dispatch_failed` (no bot is connected), `operation_timed_out`, `no_text`,
`dispatch_unknown_command`, `invalid_request`; the HTTP status is 200, 400 for bad JSON, 401
without the token, 403 for another host or origin.
"""
