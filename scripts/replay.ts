import { createReadStream, existsSync } from "node:fs";
import { createInterface } from "node:readline";
import { parseArgs } from "node:util";
import { type ApiClient, createApiClient } from "../shared/testing/api-client.ts";
import { liftLimits } from "../shared/testing/lift-limits.ts";
import { eachConcurrently } from "../shared/platform/each-concurrently.ts";

/**
 * `npm run replay -- FILE [--console URL]`: plays dialogues through the API of a running system: every
 * dialogue becomes a chat, every turn a message of one of two people; then all of it is read back and
 * compared. A file has one JSON object a line: {id, turns: [{by: "person" | "assistant", text}]}.
 * Keys are derived from the ids, so an interrupted replay can be run again and doubles nothing.
 */

const CHATS_AT_ONCE = 24;
const APP = "/v1/apps/demo";

interface Dialogue {
  readonly id: string;
  readonly turns: readonly { readonly by: "person" | "assistant"; readonly text: string }[];
}

interface Cast {
  readonly person: Actor;
  readonly assistant: Actor;
}

interface Actor {
  readonly id: string;
  readonly api: ApiClient;
}

async function main(): Promise<void> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: { console: { type: "string", default: "http://127.0.0.1:4000" } },
  });
  const [file] = positionals;
  if (file === undefined || !existsSync(file)) {
    throw new Error("Say which file to replay: npm run replay -- FILE");
  }
  const consoleUrl = values.console;
  const info = await fetch(`${consoleUrl}/control/info`).catch(() => {
    throw new Error(
      `No system answers at ${consoleUrl}. Start one with npm start, or name it with --console.`,
    );
  });
  const { api, operatorKey } = (await info.json()) as { api: string; operatorKey: string };
  const dialogues = await readDialogues(file);
  const turns = dialogues.reduce((sum, dialogue) => sum + dialogue.turns.length, 0);
  const operator = createApiClient(api, { authorization: `Bearer ${operatorKey}` });
  const restoreLimits = await liftLimits(operator, "demo");
  const cast = {
    person: await signIn(api, consoleUrl, "replay-person"),
    assistant: await signIn(api, consoleUrl, "replay-assistant"),
  };
  console.log(`Replaying ${dialogues.length} dialogues with ${turns} turns through ${api}`);
  const playing = progressBar("write", turns);
  const startedMs = performance.now();
  const chats = new Map<Dialogue, number>();
  await eachConcurrently(CHATS_AT_ONCE, dialogues, async (dialogue) => {
    chats.set(dialogue, await play(cast, dialogue, playing.step));
  });
  playing.end();
  const seconds = (performance.now() - startedMs) / 1000;
  const checking = progressBar("verify", turns);
  await eachConcurrently(CHATS_AT_ONCE, dialogues, (dialogue) =>
    verify(cast, dialogue, chats.get(dialogue) ?? 0, checking.step),
  );
  checking.end();
  await restoreLimits();
  console.log(
    `${dialogues.length} chats, ${turns} messages: all there, in order, by the right person. ` +
      `Written in ${seconds.toFixed(1)} s (${Math.round(turns / seconds)} messages/s).`,
  );
}

async function readDialogues(file: string): Promise<Dialogue[]> {
  const dialogues: Dialogue[] = [];
  for await (const line of createInterface({ input: createReadStream(file) })) {
    if (line.trim() !== "") dialogues.push(JSON.parse(line) as Dialogue);
  }
  return dialogues;
}

async function signIn(api: string, consoleUrl: string, name: string): Promise<Actor> {
  const email = `${name}@example.test`;
  const anyone = createApiClient(api, {});
  const sent = await must(202, () => anyone.post(`${APP}/auth/codes`, { email }));
  const code = await newestCode(consoleUrl, email, Date.parse(sent.expiresAt) - 5 * 60_000);
  const credentials = { challenge: sent.challenge, code };
  const body = await must(201, () => anyone.post(`${APP}/auth/sessions`, credentials));
  let token: string = body.accessToken;
  let refreshToken: string = body.refreshToken;
  const timer = setInterval(() => {
    void anyone.post(`${APP}/auth/refresh`, { refreshToken }).then(({ body: fresh }) => {
      token = fresh.accessToken;
      refreshToken = fresh.refreshToken;
    });
  }, 10 * 60_000);
  timer.unref();
  return {
    id: body.user.id,
    api: createApiClient(api, {
      get authorization() {
        return `Bearer ${token}`;
      },
    }),
  };
}

const MAIL_MS_MAX = 10_000;

async function newestCode(consoleUrl: string, email: string, sinceMs: number): Promise<string> {
  const mailbox = createApiClient(consoleUrl, {});
  for (const deadline = performance.now() + MAIL_MS_MAX; performance.now() < deadline;) {
    const { body } = await mailbox.get(`/control/mail?to=${encodeURIComponent(email)}`);
    const [mail] = body.data;
    const code = /\b(\d{6})\b/.exec(mail?.subject ?? "")?.[1];
    if (code !== undefined && Date.parse(mail.at) >= sinceMs - 1_000) return code;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw new Error("The mail with the sign-in code did not arrive.");
}

/** Returns the number of the chat. */
async function play(cast: Cast, dialogue: Dialogue, step: () => void): Promise<number> {
  const chat = await must(201, () =>
    cast.person.api.post(
      `${APP}/chats`,
      { kind: "group", title: dialogue.id, members: [cast.assistant.id] },
      { "idempotency-key": `replay-${dialogue.id}` },
    ),
  );
  for (const [index, turn] of dialogue.turns.entries()) {
    const key = { "idempotency-key": `replay-${dialogue.id}-${index}` };
    await must(201, () =>
      cast[turn.by].api.post(`${APP}/chats/${chat.number}/messages`, { text: turn.text }, key),
    );
    step();
  }
  return chat.number;
}

async function verify(cast: Cast, dialogue: Dialogue, chat: number, step: () => void): Promise<void> {
  let after = 0;
  for (const [index, turn] of dialogue.turns.entries()) {
    if (index % 100 === 0) {
      const page = await must(200, () =>
        cast.person.api.get(`${APP}/chats/${chat}/messages?after=${after}&limit=100`),
      );
      for (const [offset, message] of page.data.entries()) {
        const wanted = dialogue.turns[index + offset];
        const isRight =
          message.number === index + offset + 1 &&
          message.text === wanted?.text &&
          message.sender.id === cast[wanted?.by ?? "person"].id;
        if (!isRight)
          throw new Error(
            `Chat ${chat}, message ${message.number} is not turn ${index + offset} of ${dialogue.id}.`,
          );
      }
      after += page.data.length;
    }
    if (turn !== undefined) step();
  }
  const { messagesCount } = await must(200, () => cast.person.api.get(`${APP}/chats/${chat}`));
  if (after !== dialogue.turns.length || messagesCount !== dialogue.turns.length) {
    throw new Error(
      `Chat ${chat} has ${messagesCount} messages, ${dialogue.id} has ${dialogue.turns.length} turns.`,
    );
  }
}

const TRIES_MAX = 5;

/** The body of the wanted answer; repeats requests that failed in passing, which their keys make safe. */
async function must(
  status: number,
  call: () => ReturnType<ApiClient["get"]>,
): Promise<Awaited<ReturnType<ApiClient["get"]>>["body"]> {
  for (let tries = 1; ; tries += 1) {
    const answer = await call();
    if (answer.status === status) return answer.body;
    if (answer.status < 500 || tries === TRIES_MAX)
      throw new Error(`${answer.status}: ${JSON.stringify(answer.body)}`);
  }
}

const BAR_CHARS = 30;
const REDRAW_MS = 100;

function progressBar(label: string, total: number): { step(): void; end(): void } {
  let done = 0;
  let drawnMs = 0;
  const draw = (): void => {
    const filled = Math.round((done / Math.max(total, 1)) * BAR_CHARS);
    const bar = "█".repeat(filled).padEnd(BAR_CHARS, "░");
    process.stdout.write(`\r${label.padEnd(7)} ${bar} ${done}/${total}`);
  };
  return {
    step() {
      done += 1;
      if (!process.stdout.isTTY || performance.now() - drawnMs < REDRAW_MS) return;
      drawnMs = performance.now();
      draw();
    },
    end() {
      draw();
      process.stdout.write("\n");
    },
  };
}

await main().catch((cause: unknown) => {
  console.error(cause instanceof Error ? cause.message : cause);
  process.exitCode = 1;
});
