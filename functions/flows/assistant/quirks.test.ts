import { afterEach, expect, test } from "vitest";
import { QUIRK_NAMES, QUIRK_THOUGHT, type QuirkName } from "../../../emulators/model/quirks.ts";
import type { Message } from "../../../shared/chat/contract.ts";
import { suiteOfProcess } from "../../../shared/testing/suite-of-process.ts";
import { usePeople, useSystem } from "../../../shared/testing/use-system.ts";

const WORDS = "One, two, three, four, five, six, seven, eight.";
const BEGINNING = /^One, two/;
/** How long a silence is borne of models that fall silent … */
const SILENCE_MS = 400;
/** … and of all others, which may be slow on a busy machine. */
const PATIENCE_MS = 20_000;
const SILENT: readonly string[] = ["silent", "goes-silent"];
/** Longer than any pause that a provider of these asks for, and than a circuit stays open at first. */
const PAUSE_MS = 30_000;

/** Between two looks at an answer that is tried again. */
const STEP_MS = 200;

type Promised =
  | { readonly text: string | RegExp; readonly finish: string; readonly thinking?: string }
  /** It is made when the provider is well again. */
  | "waits"
  /** Whoever asked is told why. */
  | { readonly asker: "too_long" | "refused" | "invalid" }
  /** The operator is alerted. */
  | "operator"
  /** Had begun to speak, and did so each time. */
  | "given up";

const whole = { text: WORDS, finish: "stop" };
const thought = { ...whole, thinking: QUIRK_THOUGHT };

/** What becomes of a question. A quirk without an entry is an error of types. */
const PROMISED: Readonly<Record<QuirkName, Promised>> = {
  "reasoning-content": thought,
  reasoning: thought,
  "think-tags": thought,
  "only-thinking": { text: "", finish: "length", thinking: QUIRK_THOUGHT },
  "no-usage": whole,
  "usage-last": whole,
  "impossible-usage": whole,
  "no-finish-reason": whole,
  "no-done": whole,
  length: { text: BEGINNING, finish: "length" },
  "content-filter": { text: BEGINNING, finish: "content_filter" },
  refusal: { text: WORDS, finish: "refusal" },
  "tool-calls": { text: "", finish: "tool_calls" },
  "says-nothing": { text: "", finish: "stop" },
  comments: whole,
  crlf: whole,
  "split-characters": { text: `世界 😀 ${WORDS}`, finish: "stop" },
  "split-emoji": { text: `😀 ${WORDS}`, finish: "stop" },
  "control-characters": whole,
  "byte-order-mark": whole,
  "chunks-without-delta": whole,
  "content-parts": whole,
  "two-choices": whole,
  "broken-line": whole,
  "one-body": whole,
  "wrong-limit-field": whole,
  "no-stream-options": whole,
  "no-system-role": { asker: "invalid" },
  "unknown-field": { asker: "invalid" },
  "too-long": { asker: "too_long" },
  flagged: { asker: "refused" },
  "wrong-key": "operator",
  forbidden: "operator",
  "unknown-model": "operator",
  "no-credit": "operator",
  "no-quota": "operator",
  "rate-limited": "waits",
  loading: "waits",
  overloaded: "waits",
  "server-error": "waits",
  "bad-gateway": "waits",
  "error-in-200": "waits",
  "html-in-200": "waits",
  redirect: "waits",
  "empty-body": "waits",
  silent: "waits",
  "goes-silent": "given up",
  cut: "given up",
  unfinished: "given up",
  "error-midway": "given up",
};

const system = useSystem(async () => {
  const suite = await suiteOfProcess();
  const baseUrl = `http://127.0.0.1:${suite.ports.model}/v1`;
  const patience = (id: string): number => (SILENT.includes(id) ? SILENCE_MS : PATIENCE_MS);
  // Each quirk is another model's, so that the circuit of none concerns another.
  const entries = ["spare", ...QUIRK_NAMES].map((id) => ({
    id,
    model: "emulated-small",
    baseUrl,
    firstMsMax: patience(id),
    silenceMsMax: patience(id),
  }));
  return { env: { MODELS: JSON.stringify(entries), MODEL_FAST: "spare", MODEL_SLOW: "spare" } };
});
const [ada] = usePeople(system, "ada@quirks.test");
afterEach(() => system.suite.model.reset());

const chats = "/v1/apps/demo/chats";

/** `stepMs`: the clock goes on by so much at each look, for what is tried again and again. */
async function until(chat: string, isThere: (message: Message) => boolean, stepMs = 0): Promise<Message> {
  let message: Message | undefined;
  await expect
    .poll(
      async () => {
        system.suite.kernel.clock.advance(stepMs);
        message = (await ada.api.get(`${chat}/messages/2`)).body;
        return message !== undefined && isThere(message);
      },
      { interval: 15 },
    )
    .toBe(true);
  return message as Message;
}
const isEnded = ({ status }: Message): boolean => status !== "queued" && status !== "streaming";
const waits = ({ status, served }: Message): boolean => status === "queued" && served?.as === "queued";

/** Sets a quirk, asks its model, and returns what has become of the question, and in which chat. */
async function askUnder(quirk: QuirkName, stepMs = 0): Promise<{ chat: string; answer: Message }> {
  system.suite.model.change({ firstTokenMs: 0, tokensPerSecond: 100_000, quirk });
  // Its own instructions keep a chat from being given another's answer.
  const draft = { kind: "assistant", title: "Quirks", model: quirk, instructions: `Be ${quirk}.` };
  const chat = `${chats}/${(await ada.api.post(chats, draft)).body.number}`;
  await ada.api.post(`${chat}/messages`, { text: `Repeat after me: ${WORDS}` });
  return { chat, answer: await until(chat, (message) => isEnded(message) || waits(message), stepMs) };
}

type Kind<Key extends string> = Extract<Promised, Readonly<Record<Key, unknown>>>;
const thatHave = <Key extends string>(key: Key): [QuirkName, Kind<Key>][] =>
  QUIRK_NAMES.flatMap((name): [QuirkName, Kind<Key>][] => {
    const promised = PROMISED[name];
    return typeof promised === "object" && key in promised ? [[name, promised as Kind<Key>]] : [];
  });
const thatAre = (word: Promised): QuirkName[] => QUIRK_NAMES.filter((name) => PROMISED[name] === word);

test.each(thatHave("finish"))("%s becomes an answer", async (quirk, { text, finish, thinking }) => {
  const { answer } = await askUnder(quirk);
  expect(answer).toMatchObject({ status: "complete", finishReason: finish, served: { as: "chosen" } });
  expect(answer.text).toMatch(text);
  expect(answer.thinking?.text).toBe(thinking);
  // The emulated model tells of no thinking tokens, which can't be true of a thought that is there.
  expect(answer.thinking?.tokens !== 0).toBe(true);
  expect(answer.usage?.outputTokens).toBeLessThan(1_000);
});

test.each(thatHave("asker"))("%s is told to whoever asked", async (quirk, { asker }) => {
  const { answer } = await askUnder(quirk);
  expect(answer).toMatchObject({ status: "failed", error: { code: asker } });
});

test.each(thatAre("operator"))("%s alerts the operator", async (quirk) => {
  const { answer } = await askUnder(quirk);
  expect(answer).toMatchObject({ status: "failed", error: { code: "misconfigured" } });
  expect(system.logs.filter((line) => line["model"] === quirk)).toContainEqual(
    expect.objectContaining({ event: "model.misconfigured", severity: "ERROR" }),
  );
});

test.each(thatAre("waits"))("%s is waited for, and answered once the provider is well", async (quirk) => {
  const { chat, answer } = await askUnder(quirk);
  expect(waits(answer)).toBe(true);
  system.suite.model.change({ quirk: null });
  system.suite.kernel.clock.advance(PAUSE_MS);
  expect(await until(chat, isEnded)).toMatchObject({ status: "complete", text: WORDS });
});

test.each(thatAre("given up"))("%s is tried again, and given up in the end", async (quirk) => {
  const { answer } = await askUnder(quirk, STEP_MS);
  expect(answer).toMatchObject({ status: "failed", error: { code: "unavailable" } });
});
