import { describe, expect, test } from "vitest";
import type { FaultKind } from "../../../emulators/kernel/faults.ts";
import type { Branch, Chat, Message } from "../../../shared/chat/contract.ts";
import type { ApiReply, ApiClient } from "../../../shared/testing/api-client.ts";
import { type Person, type System, startSystem } from "../../../shared/testing/start-system.ts";
import { SWEEP_MS_MAX, sweep } from "../../../shared/testing/sweep.ts";

/**
 * The fault sweep over what changes chats and messages: each call of each change fails in each way, the
 * client repeats its request until it succeeds, and afterwards everything is as it is without a fault: the
 * revision too, so nothing was done twice. Appends and new chats have their own sweep in faults.test.ts.
 */

const KINDS: readonly FaultKind[] = ["before", "after", "drop"];
const CODES = ["UNAVAILABLE", "ABORTED", "DEADLINE_EXCEEDED", "INTERNAL"] as const;
const TRIES_MAX = 6;
const chats = "/v1/apps/demo/chats";
const thumb = encodeURIComponent("👍");

interface Scene {
  readonly system: System;
  readonly ada: Person;
  readonly bob: Person;
  /** Ada's client on the instance that is put to the test. */
  readonly api: ApiClient;
  readonly path: string;
  readonly chat: number;
  /** The Idempotency-Key of the change. */
  readonly key: { readonly "idempotency-key": string };
}

const CHANGES: Readonly<Record<string, (scene: Scene) => Promise<ApiReply>>> = {
  reply: ({ api, path, key }) => api.post(`${path}/messages`, { text: "Yes", replyTo: 1 }, key),
  forward: ({ api, path, chat, key }) =>
    api.post(`${path}/messages`, { forwardOf: { chat, message: 1 } }, key),
  branch: ({ api, path, key }) => api.post(`${path}/messages`, { text: "Or else", after: 1 }, key),
  "switch of branch": ({ api, path }) => api.put(`${path}/branch`, { branch: "main" }),
  fork: ({ api, path, key }) => api.post(`${path}/forks`, { at: 2 }, key),
  edit: ({ api, path, key }) => api.patch(`${path}/messages/1`, { text: "Edited" }, key),
  "deletion of a message": ({ api, path }) => api.delete(`${path}/messages/1`),
  reaction: ({ api, path }) => api.put(`${path}/messages/2/reactions/${thumb}`),
  "reaction taken back": ({ api, path }) => api.delete(`${path}/messages/1/reactions/${thumb}`),
  "change of the chat": ({ api, path }) => api.patch(path, { title: "Renamed", tags: ["new"], pinned: true }),
  "new member": ({ api, path, system }) => api.put(`${path}/members/${extra.get(system)?.id}`),
  "member removed": ({ api, path, bob }) => api.delete(`${path}/members/${bob.id}`),
  mark: ({ api, path }) => api.put(`${path}/read`, { number: 2 }),
  typing: ({ api, path }) => api.post(`${path}/typing`),
};

/** Somebody who is no member. */
const extra = new Map<System, Person>();

async function chatFor(system: System, ada: Person, bob: Person): Promise<{ path: string; chat: number }> {
  const { body } = await ada.api.post(chats, {
    kind: "group",
    title: "Swept",
    model: "emulated-small",
    members: [bob.id],
  });
  const path = `${chats}/${body.number}`;
  for (const text of ["First", "Second"]) await bob.api.post(`${path}/messages`, { text });
  await ada.api.post(`${path}/messages`, { text: "Mine" });
  await ada.api.post(`${path}/messages`, { text: "Beside it", after: 2 });
  await ada.api.put(`${path}/messages/1/reactions/${thumb}`);
  await system.settle();
  return { path, chat: body.number };
}

/** What a chat comes to, without what differs from chat to chat. */
async function stateOf({ system, ada, path, chat }: Scene): Promise<object> {
  const get = async <T>(url: string): Promise<T> => (await system.operator.get(url)).body;
  const bare = (message: Message) => ({
    ...message,
    id: "",
    createdAt: "",
    replies: message.replies && { ...message.replies, latest: message.replies.latest?.number },
    editedAt: message.editedAt === undefined ? undefined : "some time",
    parts: message.parts.map((part) => ({ ...part, createdAt: "", chat: 0 })),
    forwardedFrom: message.forwardedFrom && { ...message.forwardedFrom, chat: 0, createdAt: "" },
  });
  const changes = await get<{ data: Message[] }>(`${path}/changes`);
  const branches = await get<{ data: Branch[] }>(`${path}/branches`);
  const whole = await get<Chat>(path);
  const edits = await get<{ data: unknown[] }>(`${path}/messages/1/edits`);
  const reads = await get<{ data: { user: string }[] }>(`${path}/reads`);
  const all = await get<{ data: Chat[] }>(chats);
  return {
    messages: changes.data.map(bare),
    branches: branches.data.map((branch) => ({ ...branch, createdAt: "" })),
    chat: { ...whole, number: 0, createdAt: "", latestAt: "", updatedAt: "", latest: whole.latest?.text },
    edits: edits.data.length,
    mark: reads.data.find(({ user }) => user === ada.id),
    newer: all.data
      .filter(({ number }) => number > chat)
      .map(({ number: _, revision, messagesCount, latest, members }) => [
        revision,
        messagesCount,
        latest?.text,
        members,
      ]),
  };
}

async function untilSuccess(run: () => Promise<ApiReply>): Promise<ApiReply> {
  for (let tries = 0; ; tries += 1) {
    const answer = await run();
    if (answer.status < 300) return answer;
    expect([500, 503, 504]).toContain(answer.status);
    if (tries === TRIES_MAX) throw new Error(`Still ${answer.status} after ${TRIES_MAX} repetitions.`);
  }
}

describe.concurrent.each(Object.entries(CHANGES))("a %s", (name, change) => {
  test("survives each fault of each call it makes", { timeout: SWEEP_MS_MAX }, async () => {
    await using system = await startSystem();
    await using elsewhere = await system.anotherInstance();
    const ada = await system.signIn(`ada@${system.project}.test`);
    const bob = await system.signIn(`bob@${system.project}.test`);
    extra.set(system, await system.signIn(`carol@${system.project}.test`));
    const api = elsewhere.as(name === "edit" || name.startsWith("deletion") ? bob : ada);
    await api.get("/v1/apps/demo/me");
    const newScene = async (index: number): Promise<Scene> => ({
      system,
      ada,
      bob,
      api,
      ...(await chatFor(system, ada, bob)),
      key: { "idempotency-key": `sweep-${index}` },
    });
    const model = await newScene(0);
    const cost = await system.meterRequest(async () => {
      expect((await change(model)).status).toBeLessThan(300);
    });
    await system.settle();
    const expected = await stateOf(model);
    const cases = Object.entries(cost.rpcs).flatMap(([rpc, times]) =>
      Array.from({ length: times }, (_, skip) =>
        // A dropped connection takes a second to be made again, and says no more of a read than an error
        // does.
        KINDS.filter((kind) => kind !== "drop" || rpc === "firestore.Commit").map((kind) => ({
          rpc,
          skip,
          kind,
        })),
      ).flat(),
    );
    expect(cases.length).toBeGreaterThan(0);
    for (const [index, { rpc, skip, kind }] of sweep(cases).entries()) {
      const scene = await newScene(index + 1);
      const [service = "", method = ""] = rpc.split(".");
      system.fault({ service, method, skip, kind, code: CODES[index % CODES.length] ?? "UNAVAILABLE" });
      await untilSuccess(() => change(scene));
      system.clearFaults();
      await system.settle();
      expect(await stateOf(scene), `${kind} at ${rpc} ${skip}`).toEqual(expected);
    }
  });
});
