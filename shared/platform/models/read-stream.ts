import { createParser } from "eventsource-parser";
import { type AnswerAssembler, type AnswerLimits, assembleAnswer } from "./assemble-answer.ts";
import { ModelFailure, type ModelPiece } from "./contract.ts";
import { type JsonObject, objectOf, parseJsonValue } from "./json-value.ts";
import { failureOfEvent } from "./read-failure.ts";

/** One event, or a body that is no stream. */
export const EVENT_CHARS_MAX = 8 * 1024 * 1024;
/** A provider that has finished may yet tell what it took; it is not waited for longer. */
export const AFTER_FINISH_MS_MAX = 2_000;
/**
 * Reads what a provider answers with 200: server-sent events, one JSON body, or lines of JSON. Total: any
 * bytes give pieces of an answer that end with `finish` and `usage`, or a ModelFailure. Ending the iteration
 * ends the body.
 * @throws ModelFailure `cut` where the body ends before the answer does, `malformed` where nothing of it is
 * an answer, or what the provider says in the midst of it
 */
export async function* readModelStream(
  body: AsyncIterable<Uint8Array>,
  limits: AnswerLimits,
): AsyncGenerator<ModelPiece> {
  const reader = createReader(limits);
  const decoder = new TextDecoder();
  const chunks = body[Symbol.asyncIterator]();
  try {
    while (!reader.isDone()) {
      const { done, value } = await (reader.hasFinished() ? soon(chunks.next()) : chunks.next());
      if (done === true) break;
      yield* told(reader, () => reader.feed(decoder.decode(value, { stream: true })));
    }
    yield* told(reader, () => {
      reader.feed(decoder.decode());
      reader.end();
    });
  } finally {
    // A body that hangs does not return either.
    void Promise.resolve(chunks.return?.()).catch(() => undefined);
  }
}

/** What was said before a failure was said all the same. */
function* told(reader: Reader, read: () => void): Generator<ModelPiece> {
  try {
    read();
  } finally {
    yield* reader.take();
  }
}

type Next = IteratorResult<Uint8Array>;

async function soon(next: Promise<Next>): Promise<Next> {
  const late = Promise.withResolvers<Next>();
  const timer = setTimeout(() => late.resolve({ done: true, value: undefined }), AFTER_FINISH_MS_MAX);
  try {
    return await Promise.race([next, late.promise]);
  } catch {
    // The answer is whole, so a connection that breaks now does no harm.
    return { done: true, value: undefined };
  } finally {
    clearTimeout(timer);
  }
}

interface Reader {
  feed(text: string): void;
  /** The body has ended, or is not wanted any more. */
  end(): void;
  take(): ModelPiece[];
  /** Nothing more is wanted. */
  isDone(): boolean;
  /** Only usage may follow. */
  hasFinished(): boolean;
}

function createReader(limits: AnswerLimits): Reader {
  const answer = assembleAnswer(limits);
  let form: "unknown" | "events" | "json" = "unknown";
  let buffered = "";
  const parser = createParser({
    maxBufferSize: EVENT_CHARS_MAX,
    onEvent: ({ event, data }) => takeData(answer, data, event === "error"),
    onError(error) {
      if (error.type === "max-buffer-size-exceeded") throw tooLarge();
      // llama.cpp has told failures in a field of that name.
      if (error.field === "error") takeData(answer, error.value ?? "", true);
    },
  });
  const feedEvents = (text: string): void => {
    if (!answer.isDone()) parser.feed(text);
  };
  return {
    feed(text) {
      if (form === "events") return feedEvents(text);
      buffered += text;
      if (buffered.length > EVENT_CHARS_MAX) throw tooLarge();
      if (form === "json" || buffered.trimStart() === "") return;
      form = /^\s*[{[]/.test(buffered) ? "json" : "events";
      if (form === "events") feedEvents(buffered);
    },
    end() {
      if (form === "json") takeData(answer, buffered, false, true);
      else feedEvents("\n\n");
      answer.end();
    },
    take: answer.take,
    isDone: answer.isDone,
    hasFinished: answer.hasFinished,
  };
}

const tooLarge = (): ModelFailure =>
  new ModelFailure("malformed", `The provider sent an event of more than ${EVENT_CHARS_MAX} characters.`);

/** Some proxies make JSON of it. */
const DONE = /^"?\[DONE\]"?$/i;

/** One event's data, or a whole body. `isBody`: what it holds is all there is. */
function takeData(answer: AnswerAssembler, data: string, isError: boolean, isBody = false): void {
  const text = data.trim();
  if (text === "") return;
  if (DONE.test(text)) return answer.finish();
  const value = parseJsonValue(text);
  if (value === undefined) {
    if (isError) throw failureOfEvent({ message: text });
    const lines = text.split("\n").filter((line) => line.trim() !== "");
    if (lines.length < 2) return;
    for (const line of lines) takeData(answer, line.replace(/^data:/, ""), false);
    return;
  }
  const values = Array.isArray(value) ? value : [value];
  for (const each of values) {
    const chunk = objectOf(each);
    if (chunk === undefined) continue;
    if (isError || isFailure(chunk)) throw failureOfEvent(chunk);
    else answer.add(chunk, isBody);
  }
}

/**
 * `error: null` and `error: ""` are no errors; nor is one that stands beside a whole choice without saying
 * anything.
 */
function isFailure(chunk: JsonObject): boolean {
  const error = chunk["error"] ?? objectOf(chunk["x_groq"])?.["error"];
  return chunk["object"] === "error" || Boolean(error);
}
