import { el, fill } from "../frame/dom.ts";
import { fieldOf } from "../frame/field-of.ts";

/** A model that chats of the app may name. */
export interface OfferedModel {
  readonly id: string;
  readonly label?: string;
}

/** What a chat with a model can be told; absent where nothing is said. */
export interface ModelSettings {
  readonly model?: string | undefined;
  readonly instructions?: string | undefined;
  readonly temperature?: number | undefined;
}

/** As the API takes them. */
const INSTRUCTIONS_CHARS_MAX = 8_000;
const TEMPERATURE_MAX = 2;

const count = new Intl.NumberFormat("en");

/** Fields for which model answers, how freely, and what it is told before. */
export const modelFields = (models: readonly OfferedModel[], chosen: ModelSettings) => [
  models.length > 1 && modelField(models, chosen.model),
  temperatureField(chosen.temperature),
  instructionsField(chosen.instructions ?? ""),
];

/** What the fields of a form say; a field that it does not have says what was there `before`. */
export function modelSettingsOf(form: FormData, before: ModelSettings): ModelSettings {
  const model = form.has("model") ? fieldOf(form, "model") : (before.model ?? "");
  // Forms end lines as networks do.
  const instructions = fieldOf(form, "instructions").replaceAll("\r\n", "\n").trim();
  const temperature = fieldOf(form, "temperature").trim();
  return {
    model: model === "" ? undefined : model,
    instructions: instructions === "" ? undefined : instructions,
    temperature: temperature === "" ? undefined : Number(temperature),
  };
}

/** A model that the app offers no longer stays a choice of the chat that has it. */
function modelField(models: readonly OfferedModel[], chosen: string | undefined) {
  const isOffered = chosen === undefined || models.some(({ id }) => id === chosen);
  const choices = isOffered ? models : [{ id: chosen }, ...models];
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
      ...choices.map(({ id, label = id }: OfferedModel) => option(id, label)),
    ),
  );
}

function temperatureField(value: number | undefined) {
  return el(
    "div",
    { class: "temperature" },
    el(
      "label",
      { class: "field" },
      "Temperature",
      el("input", {
        name: "temperature",
        type: "number",
        inputMode: "decimal",
        min: "0",
        max: String(TEMPERATURE_MAX),
        step: "any",
        value: value === undefined ? "" : String(value),
        placeholder: "Left to the model",
        autocomplete: "off",
        "aria-describedby": "about-temperature",
      }),
    ),
    el(
      "p",
      { class: "hint", id: "about-temperature" },
      `0 answers much the same each time, ${TEMPERATURE_MAX} most freely.`,
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
