import type { Api } from "../../shared/client/api.ts";
import type { Chat, Desk, User } from "../../shared/client/connect.ts";
import { openDialog } from "../frame/dialog.ts";
import { el } from "../frame/dom.ts";
import { fieldOf } from "../frame/field-of.ts";
import type { People } from "../frame/people.ts";
import { modelFields, modelSettingsOf, type OfferedModel } from "./model-fields.ts";
import { createPeopleFinder } from "./people-finder.ts";

const TITLE_CHARS_MAX = 200;

const titleField = (value: string) =>
  el(
    "label",
    { class: "field" },
    "Title",
    el("input", { name: "title", value, maxLength: TITLE_CHARS_MAX, autocomplete: "off", autofocus: true }),
  );

export interface NewChatOptions {
  readonly desk: Pick<Desk, "me" | "searchPeople">;
  readonly people: People;
  readonly models: readonly OfferedModel[];
  onCreated(chat: Chat): void;
}

/** Opens a dialog that creates a chat. */
export function openNewChatDialog(api: Api, { desk, people, models, onCreated }: NewChatOptions) {
  // All tries of this dialog share one key, so that pressing the button again after a failure makes one chat.
  const key = crypto.randomUUID();
  const kinds = el(
    "fieldset",
    { class: "kinds" },
    el("legend", {}, "Kind"),
    radio({ value: "group", label: "Group", hint: "Any number of people, with a title.", checked: true }),
    radio({ value: "assistant", label: "Assistant", hint: "A model answers whatever is written." }),
    radio({
      value: "direct",
      label: "Direct",
      hint: "Two people. Asking again opens the same chat.",
    }),
  );
  const ofModel = el("div", { class: "of-model", hidden: true }, ...modelFields(models, {}));
  const chosen = createChosen(desk, people);
  kinds.addEventListener("change", () => {
    // A chat with a model has one member.
    chosen.element.hidden = kinds.querySelector("input:checked")?.getAttribute("value") === "assistant";
    ofModel.hidden = !chosen.element.hidden;
  });
  const dialog = openDialog({
    title: "New chat",
    action: "Create",
    content: [titleField(""), kinds, ofModel, chosen.element],
    submit: async (form) => {
      const kind = fieldOf(form, "kind");
      const title = fieldOf(form, "title").trim();
      const members = chosen.ids();
      if (kind === "direct" && members.length !== 1)
        throw new Error("A direct chat is with one other person: choose one.");
      const draft = {
        kind,
        ...(title === "" ? {} : { title }),
        ...(members.length === 0 || kind === "assistant" ? {} : { members }),
        ...(kind === "assistant" ? modelSettingsOf(form, {}) : {}),
      };
      onCreated(await api.post("/chats", draft, { key }));
    },
  });
  dialog.addEventListener("close", chosen.close);
}

interface KindChoice {
  readonly value: Chat["kind"];
  readonly label: string;
  readonly hint: string;
  readonly checked?: boolean;
}

function radio({ value, label, hint, checked = false }: KindChoice) {
  return el(
    "label",
    { class: "choice" },
    el("input", { type: "radio", name: "kind", value, checked }),
    el("span", {}, el("strong", {}, label), el("small", {}, hint)),
  );
}

/** Those with whom the chat is to be; whoever is chosen stays in sight, whatever is looked for next. */
function createChosen(desk: NewChatOptions["desk"], people: People) {
  const chosen = new Map<string, User>();
  /** They stand above the others once something else is looked for, not at once under the finger. */
  let kept: readonly User[] = [];
  const finder = createPeopleFinder({
    desk,
    people,
    label: "With",
    listLabel: "People",
    kept: () => kept,
    isOffered: ({ id }) => id !== desk.me.id,
    rowOf: (user) => {
      const { id, name, email } = user;
      const onchange = ({ target }: Event) => {
        if ((target as HTMLInputElement).checked) chosen.set(id, user);
        else chosen.delete(id);
      };
      return el(
        "li",
        {},
        el(
          "label",
          { class: "choice person" },
          el("input", { type: "checkbox", value: id, checked: chosen.has(id), onchange }),
          people.avatar({ id }),
          el("span", { class: "member" }, name, email !== undefined && el("small", {}, email)),
        ),
      );
    },
    onSearch: () => (kept = [...chosen.values()]),
  });
  return { element: finder.element, ids: () => [...chosen.keys()], close: finder.close };
}

export function openRenameDialog(api: Api, chat: Chat, onRenamed: (chat: Chat) => void) {
  openDialog({
    title: "Rename the chat",
    action: "Rename",
    content: [titleField(chat.title), chat.kind === "assistant" && aboutTitle(chat)],
    submit: async (form) => {
      onRenamed(await api.patch(`/chats/${chat.number}`, { title: fieldOf(form, "title").trim() }));
    },
  });
}

/** Titles of chats with a model are made in the background, as long as no person has given one. */
function aboutTitle({ titleBy }: Chat) {
  const words =
    titleBy === "model"
      ? "The model made this title. One that you give stays."
      : titleBy === "person"
        ? "Left empty, the model makes one after its next answer."
        : "The model makes one after its next answer, unless you give one.";
  return el("p", { class: "hint" }, words);
}

export function openDeleteDialog(api: Api, chat: Chat, name: string, onDeleted: () => void) {
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
 * Opens a dialog that asks to which chat a message is forwarded.
 *
 * @param choices the chats that it can go to
 */
export function openForwardDialog(
  choices: { chat: Chat; name: string }[],
  onForward: (chat: number) => void,
) {
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
