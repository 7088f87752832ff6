import { el, fill, toast } from "../../../page/frame/dom.ts";
import { clockOf } from "../../../page/frame/format.ts";
import { messageOf } from "../../../page/frame/message-of.ts";
import { poll, type Polling } from "../../../page/frame/polling.ts";
import { rove } from "../../../page/frame/roving.ts";
import type { ModelMenu } from "../../../page/frame/suite.ts";
import type { Breaker, Control, ModelSettings } from "./control.ts";

export type Settings = ModelSettings;

const POLL_MS = 1000;
const POLL_MS_MAX = 4000;

/** A pace that everybody finds slow. */
const SLOW = { firstTokenMs: 3000, tokensPerSecond: 6 };
/** The connection breaks after some words, so that one sees what happens to them. */
const DROP_AFTER_TOKENS = 15;

/** The states that the buttons put a model into. */
const STATES: readonly { id: string; label: string; title: string; change: Partial<Settings> }[] = [
  { id: "well", label: "Well", title: "Answers at its usual pace", change: {} },
  { id: "500", label: "Fails", title: "Refuses every call with 500", change: { fault: "500" } },
  { id: "hang", label: "Hangs", title: "Never says a word", change: { fault: "hang" } },
  {
    id: "drop",
    label: "Drops",
    title: `Breaks off after ${DROP_AFTER_TOKENS} tokens`,
    change: { fault: "drop", after: DROP_AFTER_TOKENS },
  },
  {
    id: "slow",
    label: "Slow",
    title: `${SLOW.tokensPerSecond} tokens a second, the first after ${SLOW.firstTokenMs / 1000} s`,
    change: SLOW,
  },
];

/** The pace of each model when nothing is wrong with it, as the emulator starts with. */
const USUAL: Record<string, { firstTokenMs: number; tokensPerSecond: number }> = {
  "emulated-large": { firstTokenMs: 600, tokensPerSecond: 40 },
  "emulated-small": { firstTokenMs: 150, tokensPerSecond: 120 },
};

function stateOf({ fault, tokensPerSecond }: Settings) {
  if (fault !== undefined) return fault;
  return tokensPerSecond <= SLOW.tokensPerSecond ? "slow" : "well";
}

function wordsOf(breaker: Breaker | undefined) {
  if (breaker === undefined || breaker.state === "closed") return "Is asked";
  if (breaker.state === "half-open") return "The next question tries it";
  return breaker.openUntil === null ? "Not asked" : `Not asked until ${clockOf(breaker.openUntil)}`;
}

/** The models behind the assistant: how each stands, and buttons that break and repair it. */
export function createModelMenu(control: Control, operatorKey: string): ModelMenu {
  const rows = el("div", { class: "model-rows" });
  const quirk = el(
    "select",
    { onchange: () => void setQuirk(quirk.value) },
    el("option", { value: "" }, "None: as OpenAI answers"),
  );
  const panel = el(
    "div",
    { class: "model-panel", role: "dialog", "aria-label": "Models", hidden: true },
    el("h2", {}, "Models"),
    rows,
    el("label", { class: "model-quirk" }, el("span", {}, "Quirk"), quirk),
    el(
      "p",
      { class: "hint" },
      "Break one, and see who answers in its place. After failures it is not asked for a while.",
    ),
  );
  const sign = el("span", { class: "model-sign", "aria-hidden": true });
  const button = el(
    "button",
    { type: "button", class: "quiet", "aria-haspopup": "dialog", "aria-expanded": false },
    sign,
    "Model",
  );
  const element = el("div", { class: "menu model-menu" }, button, panel);
  const shown = new Map<string, ReturnType<typeof createRow>>();
  let seen = "";

  const set = async (model: string, change: Partial<Settings>) => {
    try {
      await control.setModel({ model, ...USUAL[model], ...change });
    } catch (cause) {
      toast(messageOf(cause));
    }
    await refresh();
  };

  const setQuirk = async (name: string) => {
    try {
      await control.setQuirk(name === "" ? null : name);
    } catch (cause) {
      toast(messageOf(cause));
    }
    await refresh();
  };

  const refresh = async (signal?: AbortSignal) => {
    const [{ models, quirks }, breakers] = await Promise.all([
      control.models(signal),
      control.breakers(operatorKey, signal),
    ]);
    for (const [name, settings] of Object.entries(models)) {
      const known = shown.get(name);
      const row = known ?? createRow(name, (change) => void set(name, change));
      shown.set(name, row);
      if (known === undefined) rows.append(row.element);
      row.show(
        settings,
        breakers.find(({ model }) => model === name),
      );
    }
    if (quirk.options.length === 1) {
      quirk.append(...quirks.map(({ name, title }) => el("option", { value: name }, title)));
    }
    const chosen = Object.values(models).find((settings) => settings.quirk !== undefined)?.quirk ?? "";
    // A list that is open is not changed under the hand.
    if (document.activeElement !== quirk) quirk.value = chosen;
    const troubles = Object.values(models).filter(
      (settings) => stateOf(settings) !== "well" || settings.quirk !== undefined,
    ).length;
    const open = breakers.filter(({ state }) => state !== "closed").length;
    sign.dataset["state"] = open > 0 ? "open" : troubles > 0 ? "broken" : "well";
    const now = JSON.stringify([models, breakers]);
    const isNew = now !== seen;
    seen = now;
    return isNew;
  };
  /** Set while the panel is open. */
  let polling: Polling | undefined;
  /** A failure shows nothing; the next refresh may succeed. */
  const refreshOnce = () => void refresh().catch(() => undefined);

  const setOpen = (isOpen: boolean) => {
    panel.hidden = !isOpen;
    button.setAttribute("aria-expanded", String(isOpen));
    polling?.stop();
    polling = isOpen ? poll({ everyMs: POLL_MS, slowestMs: POLL_MS_MAX, refresh }) : undefined;
    if (!isOpen) return;
    panel.querySelector<HTMLElement>('[aria-checked="true"]')?.focus();
  };
  button.addEventListener("click", () => setOpen(panel.hidden === true));
  element.addEventListener("keydown", (event) => {
    if (event.key !== "Escape" || panel.hidden) return;
    event.preventDefault();
    setOpen(false);
    button.focus();
  });
  element.addEventListener("focusout", ({ relatedTarget }) => {
    // A click on the panel's background leaves nothing focused; the panel stays open.
    if (relatedTarget !== null && !element.contains(relatedTarget as Node)) setOpen(false);
  });
  const outside = new AbortController();
  addEventListener(
    "pointerdown",
    ({ target }) => {
      if (!element.contains(target as Node | null)) setOpen(false);
    },
    { signal: outside.signal },
  );

  return {
    element,
    /** Reads the state again: something may have happened to a model. */
    refresh: refreshOnce,
    close() {
      polling?.stop();
      outside.abort();
    },
  };
}

function createRow(name: string, onChoose: (change: Partial<Settings>) => void) {
  const words = el("span", { class: "model-state" });
  const choices = STATES.map(({ id, label, title, change }) =>
    el(
      "button",
      { type: "button", role: "radio", title, "data-state": id, onclick: () => onChoose(change) },
      label,
    ),
  );
  const group = el("div", { class: "model-choices", role: "radiogroup", "aria-label": name }, ...choices);
  const roving = rove(group, "button", { vertical: false });
  return {
    element: el("div", { class: "model-row" }, el("strong", {}, name), words, group),

    show(settings: Settings, breaker: Breaker | undefined) {
      const state = stateOf(settings);
      for (const choice of choices) {
        choice.setAttribute("aria-checked", String(choice.dataset["state"] === state));
      }
      const said = wordsOf(breaker);
      if (words.textContent !== said) fill(words, said);
      words.dataset["state"] = breaker?.state ?? "closed";
      const checked = choices.find((choice) => choice.getAttribute("aria-checked") === "true");
      if (!group.contains(document.activeElement)) roving.settle(checked);
    },
  };
}
