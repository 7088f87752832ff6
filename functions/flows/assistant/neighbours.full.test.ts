import { beforeAll, expect, test } from "vitest";
import type { Message } from "../../../shared/chat/contract.ts";
import type { ApiClient } from "../../../shared/testing/api-client.ts";
import { EventStream } from "../../../shared/testing/event-stream.ts";
import { liftLimits } from "../../../shared/testing/lift-limits.ts";
import { ENDED, refuse, sse, startProvider, word } from "../../../shared/testing/own-provider.ts";
import { useResource, useSystem } from "../../../shared/testing/use-system.ts";

/** Questions of one app that a model refuses, and what another app notices of them. */
const HOSTILE = 50;
const CONTROLS = 40;
const WARM_UP = 10;
const SLOWER_MAX = 1.2;
/** What else the machine does slows one side for a while; what is left of refusals, always. */
const ROUNDS_MAX = 4;

const provider = useResource(startProvider);
beforeAll(async () => {
  provider.answer(({ messages }, response) => {
    const question = messages.at(-1)?.content ?? "";
    if (question.startsWith("Forbidden")) refuse(response, 400, "content_filter: flagged by policy");
    else if (question.startsWith("Huge")) refuse(response, 400, "maximum context length is 8192 tokens");
    else response.end(sse(word("Hello"), ENDED));
  });
});
const options = () => ({
  env: { MODEL_BASE_URL: provider.baseUrl, MODEL_FAST: "main", MODEL_SLOW: "main" },
});
const system = useSystem(options);
/** Where nobody asks what is refused: measured by turns with the other, as the machine is never the same. */
const quiet = useSystem(options);

/** One who asks a model, on one of the systems. */
interface Control {
  readonly url: string;
  readonly api: ApiClient;
  readonly authorization: string;
}

async function controlOn({ url, operator, signIn }: typeof system): Promise<Control> {
  await liftLimits(operator, "demo");
  const { api, session } = await signIn("ada@control.test");
  return { url, api, authorization: `Bearer ${session.accessToken}` };
}

/** How long the first word of an answer takes, in ms. */
async function firstWordMs({ url, api, authorization }: Control): Promise<number> {
  const { body } = await api.post("/v1/apps/demo/chats", { kind: "assistant", title: "Control" });
  const messages = `/v1/apps/demo/chats/${body.number}/messages`;
  const beganMs = performance.now();
  await api.post(messages, { text: "Good morning" });
  await using stream = await EventStream.open(`${url}${messages}/2/stream`, undefined, { authorization });
  await stream.until((events) => events.some(({ event }) => event === "answer.delta"));
  return performance.now() - beganMs;
}

const median = (values: readonly number[]): number =>
  values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;

/** The medians of both by turns, as one to the other. */
async function slowerBy(one: Control, other: Control): Promise<number> {
  const times: [number[], number[]] = [[], []];
  for (let turn = 0; turn < CONTROLS; turn += 1) {
    times[0].push(await firstWordMs(one));
    times[1].push(await firstWordMs(other));
  }
  const [first, second] = [median(times[0]), median(times[1])];
  console.info(`first words: ${first.toFixed(0)} ms beside refusals, ${second.toFixed(0)} ms without`);
  return first / second;
}

test(`${HOSTILE} refused questions of one app leave the first words of another as they are`, async () => {
  const attacked = await system.createApp("Other");
  const eve = await system.signIn("eve@hostile.test", attacked.id);
  const control = await controlOn(system);
  const undisturbed = await controlOn(quiet);
  for (const one of [control, undisturbed])
    for (let turn = 0; turn < WARM_UP; turn += 1) await firstWordMs(one);

  const attack = async (): Promise<void> => {
    for (let turn = 0; turn < HOSTILE; turn += 1) {
      const chats = `/v1/apps/${attacked.id}/chats`;
      const { body } = await eve.api.post(chats, { kind: "assistant", title: "Bad" });
      const text = turn % 2 === 0 ? `Forbidden ${turn}` : `Huge ${turn}`;
      // The next one is asked when this one has been refused.
      await using stream = await EventStream.open(
        `${system.url}${chats}/${body.number}/messages`,
        eve,
        { accept: "text/event-stream", "content-type": "application/json" },
        { method: "POST", body: JSON.stringify({ text }) },
      );
      await stream.ended;
    }
  };
  await Promise.all([attack(), slowerBy(control, undisturbed)]);
  let slower = Number.POSITIVE_INFINITY;
  let rounds = 0;
  while (slower >= SLOWER_MAX && rounds < ROUNDS_MAX) {
    slower = await slowerBy(control, undisturbed);
    rounds += 1;
  }
  expect(slower).toBeLessThan(SLOWER_MAX);

  // What would make a person wait on any machine: another model, a second call, an open circuit.
  const { body } = await system.operator.get("/v1/operator/breakers");
  expect(body.data.filter(({ state }: { state: string }) => state !== "closed")).toEqual([]);
  const asked = provider.calls.filter(({ messages }) => messages.at(-1)?.content === "Good morning");
  expect(asked).toHaveLength(2 * (WARM_UP + (1 + rounds) * CONTROLS));
  const { body: chats } = await control.api.get("/v1/apps/demo/chats?limit=100");
  for (const { number } of chats.data) {
    const answer: Message = (await control.api.get(`/v1/apps/demo/chats/${number}/messages/2`)).body;
    expect(answer).toMatchObject({ status: "complete", served: { as: "chosen" } });
  }
});
