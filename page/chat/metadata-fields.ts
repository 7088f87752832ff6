import { el, fill } from "../frame/dom.ts";

/** As the API takes them. */
export const PAIRS_MAX = 16;
export const KEY_CHARS_MAX = 64;
export const VALUE_CHARS_MAX = 512;

type Pairs = Readonly<Record<string, string>>;

/** Fields for what is noted at a chat: names with values, which mean nothing to Scrollback. */
export function createMetadataFields(pairs: Pairs = {}) {
  const rows = el("ul", { class: "pairs" });
  const count = el("p", { class: "hint", role: "status" });
  const add = el("button", { type: "button", class: "link" }, "Add a pair");

  const update = () => {
    const { childElementCount: there } = rows;
    add.disabled = there >= PAIRS_MAX;
    fill(count, there === 0 ? "Nothing is noted." : `${there} of ${PAIRS_MAX} pairs`);
  };

  const addRow = (key: string, value: string) => {
    const name = el("input", {
      name: "metadata-key",
      value: key,
      maxLength: KEY_CHARS_MAX,
      placeholder: "Name",
      "aria-label": "Name of the pair",
      autocomplete: "off",
      spellcheck: false,
    });
    const remove = () => {
      const next = row.nextElementSibling ?? row.previousElementSibling;
      row.remove();
      update();
      (next?.querySelector<HTMLElement>("button") ?? add).focus();
    };
    const row: HTMLLIElement = el(
      "li",
      {},
      name,
      // A value may have several lines.
      el("textarea", {
        name: "metadata-value",
        value,
        rows: 1,
        maxLength: VALUE_CHARS_MAX,
        placeholder: "Value",
        "aria-label": "Value of the pair",
        autocomplete: "off",
      }),
      el("button", { type: "button", class: "quiet", "aria-label": "Remove the pair", onclick: remove }, "✕"),
    );
    rows.append(row);
    update();
    return name;
  };

  add.addEventListener("click", () => addRow("", "").focus());
  for (const [key, value] of Object.entries(pairs)) addRow(key, value);
  update();
  return el(
    "fieldset",
    { class: "metadata" },
    el("legend", {}, "Noted for programs"),
    rows,
    el("div", { class: "pairs-foot" }, add, count),
  );
}

/**
 * What a form's pairs change of those that were there: only what is other, so that two people can change
 * different ones at once. Rows without a name and without a value say nothing.
 *
 * @throws Error where two have one name, or one has none, or no value
 */
export function metadataChangeOf(form: FormData, before: Pairs = {}): Record<string, string | null> {
  const keys = textsOf(form, "metadata-key").map((key) => key.trim());
  const values = textsOf(form, "metadata-value");
  const written = keys
    .map((key, at) => [key, values[at] ?? ""] as const)
    .filter(([key, value]) => key !== "" || value !== "");
  const now = new Map(written);
  if (now.size < written.length) throw new Error("Two pairs have the same name.");
  if (now.has("")) throw new Error("A pair needs a name.");
  const lacking = written.find(([, value]) => value === "");
  if (lacking !== undefined) throw new Error(`“${lacking[0]}” needs a value, or remove the pair.`);
  const gone = Object.keys(before).filter((key) => !now.has(key));
  const isNew = ([key, value]: readonly [string, string]) =>
    !Object.hasOwn(before, key) || before[key] !== value;
  return Object.fromEntries([...written.filter(isNew), ...gone.map((key) => [key, null] as const)]);
}

/** Forms end lines as networks do. */
const textsOf = (form: FormData, name: string) =>
  form.getAll(name).map((value) => (typeof value === "string" ? value.replaceAll("\r\n", "\n") : ""));
