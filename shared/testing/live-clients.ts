import type { ChatView } from "../client/chat-view.ts";
import { type Client, type ConnectOptions, connect, type Desk } from "../client/connect.ts";
import type { Emitter } from "../client/emitter.ts";
import type { Environment } from "../client/environment.ts";
import type { Person, System } from "./start-system.ts";

/** A client as this person, of this system or one of its other instances. */
export function clientOf(system: System, person: Person, options: Partial<ConnectOptions> = {}): Client {
  const client = connect({ url: system.url, app: "demo", ...options });
  client.session.adopt(person.session as never);
  return client;
}

/** A desk that ends with the test. */
export function openDesk(client: Client): Desk & Disposable {
  const desk = client.open();
  return Object.assign(desk, { [Symbol.dispose]: () => desk.close() });
}

/** Resolves once this is so, looking again at each change. */
export function until(of: Emitter<{ change: undefined }>, condition: () => boolean): Promise<void> {
  return new Promise((resolve) => {
    if (condition()) return resolve();
    const leave = of.on("change", () => {
      if (!condition()) return;
      leave();
      resolve();
    });
  });
}

/** What a view shows, drafts included. */
export const textsOf = (view: ChatView): string[] => [
  ...view.messages.map(({ status, text }) => (status === "deleted" ? "†" : text)),
  ...view.drafts.map(({ message }) => `${message.text}…`),
];

/** A fetch whose way can be cut: requests fail, and open streams break off. */
export interface Network {
  readonly fetch: Environment["fetch"];
  /** No request gets through, and what is open ends. */
  cut(): void;
  restore(): void;
  /** The next request whose method and address match fails; `after`: once the server has answered. */
  fail(pattern: RegExp, when: "before" | "after"): void;
  /** Method and address of every request, in order. */
  readonly requests: readonly string[];
}

export function createNetwork(): Network {
  let line = new AbortController();
  let isCut = false;
  const faults: { readonly pattern: RegExp; readonly when: "before" | "after" }[] = [];
  const requests: string[] = [];
  return {
    requests,
    async fetch(url, init) {
      const name = `${init?.method ?? "GET"} ${url}`;
      requests.push(name);
      const at = faults.findIndex(({ pattern }) => pattern.test(name));
      const [fault] = at === -1 ? [] : faults.splice(at, 1);
      if (isCut || fault?.when === "before") throw new TypeError("fetch failed");
      const signals = [line.signal, ...(init?.signal == null ? [] : [init.signal])];
      const response = await fetch(url, { ...init, signal: AbortSignal.any(signals) }).catch(
        (cause: unknown) => {
          throw line.signal.aborted || isCut ? new TypeError("fetch failed") : cause;
        },
      );
      if (fault?.when !== "after") return response;
      await response.arrayBuffer();
      throw new TypeError("fetch failed");
    },
    cut() {
      isCut = true;
      line.abort(new TypeError("terminated"));
      line = new AbortController();
    },
    restore() {
      isCut = false;
    },
    fail: (pattern, when) => void faults.push({ pattern, when }),
  };
}
