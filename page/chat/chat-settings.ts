import type { Api } from "../../shared/client/api.ts";
import type { Chat, Page } from "../../shared/client/connect.ts";
import { openDialog } from "../frame/dialog.ts";
import { el, fill } from "../frame/dom.ts";
import { fieldOf } from "../frame/field-of.ts";

/** As many characters of instructions as the API takes. */
const INSTRUCTIONS_CHARS_MAX = 8_000;

const count = new Intl.NumberFormat("en");

/** What the model is told and which one answers; null takes it back. */
interface Change {
  model?: string | null;
  instructions?: string | null;
}

/**
 * Opens a dialog with what a chat with a model can be told. Chat and models are read first, because no stream
 * tells of these settings and somebody else may have changed them.
 *
 * @throws ApiError
 */
export async function openSettingsDialog(api: Api, number: number, onChanged: (chat: Chat) => void) {
  const [chat, models] = await Promise.all([
    api.get<Chat>(`/chats/${number}`),
    api.get<Page<{ id: string }>>("/models"),
  ]);
  const ids = models.data.map(({ id }) => id);
  openDialog({
    title: "Settings of this chat",
    action: "Save",
    content: [ids.length > 1 && modelField(ids, chat.model), instructionsField(chat.instructions ?? "")],
    submit: async (form) => {
      const change = changeOf(form, chat);
      if (Object.keys(change).length > 0) onChanged(await api.patch(`/chats/${number}`, change));
    },
  });
}

/** Only what is other than it was, so that two people can change different things at once. */
function changeOf(form: FormData, chat: Chat): Change {
  const model = form.has("model") ? fieldOf(form, "model") : (chat.model ?? "");
  // Forms end lines as networks do.
  const instructions = fieldOf(form, "instructions").replaceAll("\r\n", "\n").trim();
  return {
    ...(model === (chat.model ?? "") ? {} : { model: model === "" ? null : model }),
    ...(instructions === (chat.instructions ?? "")
      ? {}
      : { instructions: instructions === "" ? null : instructions }),
  };
}

/** A model that the app offers no longer stays a choice of the chat that has it. */
function modelField(ids: readonly string[], chosen: string | undefined) {
  const choices = chosen === undefined || ids.includes(chosen) ? ids : [chosen, ...ids];
  const option = (value: string, label: string) =>
    el("option", { value, selected: value === (chosen ?? "") }, label);
  return el(
    "label",
    { class: "field" },
    "Model",
    el(
      "select",
      { name: "model" },
      option("", "Chosen for each question"),
      ...choices.map((id) => option(id, id)),
    ),
  );
}

function instructionsField(value: string) {
  const length = el("span", {});
  const text = el("textarea", {
    name: "instructions",
    value,
    rows: 6,
    maxLength: INSTRUCTIONS_CHARS_MAX,
    placeholder: "Answer briefly, in plain words.",
    "aria-describedby": "about-instructions",
  });
  const showLength = () =>
    fill(length, `${count.format(text.value.length)} of ${count.format(INSTRUCTIONS_CHARS_MAX)}`);
  text.addEventListener("input", showLength);
  showLength();
  return el(
    "div",
    { class: "instructions" },
    el("label", { class: "field" }, "Instructions", text),
    el(
      "p",
      { class: "hint", id: "about-instructions" },
      "Told to the model before every question. ",
      el("span", { class: "length" }, length, el("span", { class: "only-heard" }, " characters")),
    ),
  );
}
