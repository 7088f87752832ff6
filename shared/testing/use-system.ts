import { afterAll, afterEach, beforeAll, onTestFinished } from "vitest";
import type { SettingsChange } from "../../emulators/model/settings.ts";
import { roundMs } from "../notify/announce-messages.ts";
import type { ApiClient } from "./api-client.ts";
import { type Instance, type Person, startSystem, type System, type SystemOptions } from "./start-system.ts";

/**
 * What the tests of a file share: made before the first of them, disposed of after the last. Resources are
 * made in the order in which a file names them, and disposed of in the reverse order. What is returned stands
 * for the resource; only tests and later hooks may look into it.
 */
export function useResource<T extends object>(make: () => Promise<T>): T {
  let made: T | undefined;
  beforeAll(async () => {
    made = await make();
  });
  afterAll(async () => {
    if (made !== undefined && Symbol.asyncDispose in made)
      await (made as AsyncDisposable)[Symbol.asyncDispose]();
  });
  return new Proxy({} as T, {
    get(_, name) {
      if (made === undefined) throw new Error(`${String(name)} is there once the tests have begun.`);
      return Reflect.get(made, name);
    },
  });
}

/** A system for the tests of a file; options that other resources are part of are made by a function. */
export const useSystem = (
  options: SystemOptions | (() => SystemOptions | Promise<SystemOptions>) = {},
): System => useResource(async () => startSystem(typeof options === "function" ? await options() : options));

/** A second instance of the API, with a memory of its own. */
export const useInstance = (system: System): Instance => useResource(() => system.anotherInstance());

/**
 * For a test of what an instance remembers, or of what a request costs where it does: in cloud mode, where a
 * system has several, all requests until the test's end go to one of them.
 */
export function stayAtOneInstance(system: System): void {
  const one = system.oneInstance();
  onTestFinished(() => one[Symbol.dispose]());
}

/** People who are signed in to the app `demo`, one for each address. */
export function usePeople<const Emails extends readonly string[]>(
  system: System,
  ...emails: Emails
): { readonly [At in keyof Emails]: Person } {
  const people = emails.map((email) => useResource(() => system.signIn(email)));
  return people as { readonly [At in keyof Emails]: Person };
}

/** Somebody who is signed in to the app `demo` with a role, by default as `{role}@example.test`. */
export const useRole = (system: System, role: string, email?: string): Person =>
  useResource(() => system.signInAs(role, email));

/** The emulated model answers at this pace, whatever a test does to it meanwhile. */
export function useModelPace(system: System, pace: SettingsChange): void {
  const set = (): void => system.suite.model.change(pace);
  beforeAll(set);
  afterEach(set);
  afterAll(() => system.suite.model.reset());
}

/** Everything that is due after the longest time between two rounds of notifications. */
export async function settleRounds(system: System): Promise<void> {
  await system.settle();
  system.suite.kernel.clock.advance(roundMs(2) + 1);
  await system.settle();
}

/** A chat that a test talks in. */
export interface TestChat {
  readonly number: number;
  /** Its path in the API. */
  readonly path: string;
}

export interface ChatDraft {
  readonly kind?: "assistant" | "direct" | "group";
  readonly members?: readonly { readonly id: string }[];
  /** Posted one after the other. */
  readonly texts?: readonly string[];
  readonly [field: string]: unknown;
}

/** Begins a chat, by default a group of whoever begins it alone. */
export async function startChat(
  by: ApiClient,
  { kind = "group", members, texts = [], ...draft }: ChatDraft = {},
): Promise<TestChat> {
  const chats = "/v1/apps/demo/chats";
  const body = { kind, ...draft, members: members?.map(({ id }) => id) };
  const begun = await by.post(chats, body);
  const path = `${chats}/${begun.body.number}`;
  if (begun.status >= 300) throw new Error(`${JSON.stringify(body)} was answered with ${begun.status}.`);
  for (const text of texts) {
    const { status } = await by.post(`${path}/messages`, { text });
    if (status !== 201) throw new Error(`"${text}" was answered with ${status}.`);
  }
  return { number: begun.body.number, path };
}
