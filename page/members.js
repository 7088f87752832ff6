import { openDialog, showInDialog } from "./dialog.js";
import { el, fill } from "./dom.js";
import { isAdministrator } from "./people.js";

/** @typedef {import("./types.js").Chat} Chat */
/** @typedef {import("./types.js").User} User */

/** So many people are offered at once; a search narrows them down. */
const OFFERED_MAX = 8;

/**
 * Who is in a chat, with what may be done about it.
 *
 * @param {object} options
 * @param {import("./types.js").Api} options.api
 * @param {Chat} options.chat
 * @param {User} options.me
 * @param {import("./people.js").People} options.people
 * @param {(chat: Chat) => void} options.onChange
 * @param {() => void} options.onLeave
 */
export function showMembers({ api, chat, me, people, onChange, onLeave }) {
  let current = chat;
  const isGroup = chat.kind === "group";
  const problem = el("p", { class: "problem", role: "alert" });
  const list = el("ul", { class: "members", "aria-label": "Members" });
  const pathOf = (/** @type {string} */ id) => `/chats/${chat.number}/members/${encodeURIComponent(id)}`;

  /** @param {() => Promise<Chat>} change */
  const apply = async (change) => {
    fill(problem);
    try {
      current = await change();
      onChange(current);
    } catch (cause) {
      fill(problem, /** @type {Error} */ (cause).message);
    }
    update();
  };

  /** @param {string} id */
  const remove = (id) =>
    apply(async () => {
      await api.delete(pathOf(id));
      return { ...current, members: current.members.filter((member) => member !== id) };
    });
  /** @param {string} id */
  const add = (id) => apply(() => api.put(pathOf(id), undefined));

  const mayRemove = isGroup && (isAdministrator(me) || chat.createdBy === me.id);
  const offer = isGroup ? createOffer(people, () => current.members, add) : undefined;

  const leave = () => {
    dialog.close();
    askToLeave(api, chat, me, onLeave);
  };

  /** @param {string} id */
  const memberOf = (id) => {
    const name = people.known({ id }) ?? "…";
    const isMe = id === me.id;
    const button = isMe
      ? isGroup && el("button", { type: "button", class: "quiet", onclick: leave }, "Leave …")
      : mayRemove &&
        el(
          "button",
          { type: "button", class: "quiet", "aria-label": `Remove ${name}`, onclick: () => void remove(id) },
          "Remove",
        );
    return el(
      "li",
      {},
      people.avatar({ id }),
      el("span", { class: "member" }, isMe ? `${name} (you)` : name),
      button,
    );
  };

  const update = () => {
    const hadFocus = list.contains(document.activeElement);
    fill(list, ...current.members.map(memberOf));
    offer?.update();
    if (hadFocus) /** @type {HTMLElement | null} */ (dialog.querySelector("button[type=submit]"))?.focus();
  };

  const dialog = showInDialog("Members", list, offer?.element, problem);
  const forget = people.onChange(update);
  dialog.addEventListener("close", forget);
  update();
}

/**
 * The app's people who are not in the chat, narrowed down by what is typed. They are read page by page, as
 * far as it takes to find enough.
 *
 * @param {import("./people.js").People} people
 * @param {() => readonly string[]} membersOf
 * @param {(id: string) => void} onAdd
 */
function createOffer(people, membersOf, onAdd) {
  /** @type {User[]} */
  let users = [];
  /** @type {string | null | undefined} */
  let next;
  let loading = false;
  const search = el("input", { type: "search", placeholder: "Search by name", autocomplete: "off" });
  const list = el("ul", { class: "members", "aria-label": "People to add" });
  const note = el("p", { class: "hint", role: "status" });

  const found = () => {
    const wanted = search.value.trim().toLocaleLowerCase();
    const members = new Set(membersOf());
    return users.filter(
      ({ id, name, email }) =>
        !members.has(id) && `${name} ${email ?? ""}`.toLocaleLowerCase().includes(wanted),
    );
  };

  const loadEnough = async () => {
    if (loading) return;
    loading = true;
    try {
      while (next !== null && found().length < OFFERED_MAX) {
        const page = await people.page(next);
        users = [...users, ...page.data];
        next = page.next;
        update();
      }
    } catch (cause) {
      fill(note, /** @type {Error} */ (cause).message);
    }
    loading = false;
  };

  const update = () => {
    const matching = found();
    fill(
      list,
      ...matching
        .slice(0, OFFERED_MAX)
        .map(({ id, name, email }) =>
          el(
            "li",
            {},
            people.avatar({ id }),
            el("span", { class: "member" }, name, email !== undefined && el("small", {}, email)),
            el("button", { type: "button", "aria-label": `Add ${name}`, onclick: () => onAdd(id) }, "Add"),
          ),
        ),
    );
    const more = matching.length > OFFERED_MAX ? "There are more: type a name to narrow them down." : "";
    fill(note, matching.length === 0 && next === null ? "Nobody else by this name." : more);
  };

  search.addEventListener("input", () => {
    update();
    void loadEnough();
  });
  search.addEventListener("keydown", (event) => {
    // Enter is for the search, not for the dialog's button.
    if (event.key === "Enter") event.preventDefault();
  });
  void loadEnough();
  return {
    element: el("div", { class: "offer" }, el("label", { class: "field" }, "Add people", search), list, note),
    update,
  };
}

/** @param {import("./types.js").Api} api @param {Chat} chat @param {User} me @param {() => void} onLeave */
export function askToLeave(api, chat, me, onLeave) {
  openDialog({
    title: "Leave the group?",
    action: "Leave",
    isDangerous: true,
    content: [el("p", {}, "You can't read it any more until a member adds you again.")],
    submit: async () => {
      await api.delete(`/chats/${chat.number}/members/${encodeURIComponent(me.id)}`);
      onLeave();
    },
  });
}
