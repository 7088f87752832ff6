import { openDialog } from "./dialog.js";
import { el } from "./dom.js";

/** @typedef {import("./types.js").Chat} Chat */
/** @typedef {import("./types.js").User} User */
/** @typedef {import("./types.js").Api} Api */

const TITLE_CHARS_MAX = 200;

/** @param {string} value */
const titleField = (value) =>
  el(
    "label",
    { class: "field" },
    "Title",
    el("input", { name: "title", value, maxLength: TITLE_CHARS_MAX, autocomplete: "off", autofocus: true }),
  );

/**
 * Asks what chat to create, and creates it.
 * @param {Api} api
 * @param {readonly User[]} others the people who can be invited
 * @param {(chat: Chat) => void} onCreated
 */
export function askForNewChat(api, others, onCreated) {
  // One key for all tries of this dialog: pressing the button again after a failure makes one chat.
  const key = crypto.randomUUID();
  const kinds = el(
    "fieldset",
    { class: "kinds" },
    el("legend", {}, "Kind"),
    radio("group", "Group", "Any number of people, with a title.", true, false),
    radio("assistant", "Assistant", "A model answers whatever is written.", false, false),
    radio("direct", "Direct", "Two people. Asking again opens the same chat.", false, others.length === 0),
  );
  openDialog({
    title: "New chat",
    action: "Create",
    content: [titleField(""), kinds, peopleField(others)],
    submit: async (form) => {
      const kind = String(form.get("kind"));
      const title = String(form.get("title") ?? "").trim();
      const members = form.getAll("member").map(String);
      if (kind === "direct" && members.length !== 1)
        throw new Error("A direct chat is with one other person: choose one.");
      const draft = {
        kind,
        ...(title === "" ? {} : { title }),
        ...(members.length === 0 ? {} : { members }),
      };
      onCreated(await api.post("/chats", draft, { key }));
    },
  });
}

/** @param {string} value @param {string} label @param {string} hint @param {boolean} checked @param {boolean} disabled */
function radio(value, label, hint, checked, disabled) {
  return el(
    "label",
    { class: "choice" },
    el("input", { type: "radio", name: "kind", value, checked, disabled }),
    el("span", {}, el("strong", {}, label), el("small", {}, hint)),
  );
}

/** @param {readonly User[]} others */
function peopleField(others) {
  if (others.length === 0) {
    return el(
      "p",
      { class: "hint" },
      "Nobody else has signed in to this app yet. Sign in as somebody else in another tab to talk with them.",
    );
  }
  return el(
    "fieldset",
    { class: "people" },
    el("legend", {}, "With"),
    ...others.map((user) =>
      el(
        "label",
        { class: "choice" },
        el("input", { type: "checkbox", name: "member", value: user.id }),
        el("span", {}, user.name),
      ),
    ),
  );
}

/** @param {Api} api @param {Chat} chat @param {(chat: Chat) => void} onRenamed */
export function askForTitle(api, chat, onRenamed) {
  openDialog({
    title: "Rename the chat",
    action: "Rename",
    content: [titleField(chat.title)],
    submit: async (form) => {
      onRenamed(await api.patch(`/chats/${chat.number}`, { title: String(form.get("title") ?? "").trim() }));
    },
  });
}

/** @param {Api} api @param {Chat} chat @param {string} name @param {() => void} onDeleted */
export function askToDelete(api, chat, name, onDeleted) {
  openDialog({
    title: "Delete the chat?",
    action: "Delete for everyone",
    isDangerous: true,
    content: [el("p", {}, `“${name}” and all its messages go, for all its members. This can't be undone.`)],
    submit: async () => {
      await api.delete(`/chats/${chat.number}`);
      onDeleted();
    },
  });
}

/**
 * Asks where to forward a message to.
 * @param {{ chat: Chat, name: string }[]} choices the chats that it can go to
 * @param {(chat: number) => void} onForward
 */
export function askWhereTo(choices, onForward) {
  openDialog({
    title: "Forward to",
    action: "Forward",
    content: [
      el(
        "fieldset",
        { class: "people" },
        el("legend", { class: "only-heard" }, "Chat"),
        ...choices.map(({ chat, name }) =>
          el(
            "label",
            { class: "choice" },
            el("input", { type: "radio", name: "chat", value: chat.number, required: true }),
            el("span", {}, name),
          ),
        ),
      ),
    ],
    submit: async (form) => onForward(Number(form.get("chat"))),
  });
}
