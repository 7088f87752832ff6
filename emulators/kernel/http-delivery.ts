import { Agent, type IncomingMessage, request as requestHttp } from "node:http";
import { request as requestHttps, Agent as SecureAgent } from "node:https";
import type { Clock } from "./clock.ts";
import type { Fault } from "./faults.ts";
import { StatusError } from "./status-error.ts";
import { withFault } from "./with-fault.ts";

/** Mints the identity token that Google's services present to a function. */
export type MintIdToken = (claims: IdTokenClaims) => Promise<string>;

/**
 * Mints tokens once the receivers are ready. Each delivery that presents an identity therefore waits for
 * them: as in the cloud, work that arrives while no instance is up waits for one instead of failing.
 */
export const mintWhenReady =
  (mintIdToken: MintIdToken, ready: () => Promise<void>): MintIdToken =>
  async (claims) => {
    await ready();
    return mintIdToken(claims);
  };

export interface IdTokenClaims {
  readonly audience: string;
  /** The service account the caller acts as. */
  readonly email: string;
  /** Its numeric id; derived from the e-mail where absent. */
  readonly subject?: string | undefined;
}

/** One HTTP request by which a queue, a subscription or a schedule hands over its work. */
export interface Delivery {
  readonly url: string;
  readonly method: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Uint8Array | undefined;
  /** How long to wait for the answer, on the suite's clock. */
  readonly deadlineMs: number;
  /** Adds `Authorization: Bearer` with a token for this audience. */
  readonly identity?: IdTokenClaims | undefined;
}

export interface Outcome {
  /** The HTTP status; undefined where there is none that counts. */
  readonly status: number | undefined;
  /** Why no status counts. */
  readonly failure: "deadline" | "unreachable" | "fault" | undefined;
}

export interface Deliverer {
  /**
   * Sends the request under a planned fault, if there is one, and resolves with the outcome; never rejects.
   */
  deliver(delivery: Delivery, fault: Fault | undefined): Promise<Outcome>;
  /** Aborts the requests under way; each ends as unreachable. */
  close(): void;
}

/** Idle connections kept per target; more wait in no queue, they are opened as needed. */
const FREE_SOCKETS_MAX = 64;

const unreachable: Outcome = { status: undefined, failure: "unreachable" };
const faulted: Outcome = { status: undefined, failure: "fault" };

export function createDeliverer(clock: Clock, mintIdToken: MintIdToken): Deliverer {
  const agent = new Agent({ keepAlive: true, maxFreeSockets: FREE_SOCKETS_MAX });
  const secureAgent = new SecureAgent({ keepAlive: true, maxFreeSockets: FREE_SOCKETS_MAX });
  const underway = new Set<AbortController>();
  let closed = false;

  /** Runs `work` with a signal that closing aborts. When it throws, the outcome is "unreachable". */
  const abortable = async (work: (ending: AbortController) => Promise<Outcome>): Promise<Outcome> => {
    if (closed) return unreachable;
    const ending = new AbortController();
    underway.add(ending);
    try {
      return await work(ending);
    } catch {
      return unreachable;
    } finally {
      underway.delete(ending);
    }
  };

  const send = (delivery: Delivery, silent: boolean): Promise<Outcome> =>
    abortable(async (ending) => {
      let late = false;
      const disarm = clock.at(clock.now() + delivery.deadlineMs, () => {
        late = true;
        ending.abort();
      });
      try {
        if (silent) await aborted(ending.signal);
        const headers = await withIdentity(delivery, mintIdToken);
        return {
          status: await exchange(delivery, headers, { agent, secureAgent }, ending.signal),
          failure: undefined,
        };
      } catch {
        return late ? { status: undefined, failure: "deadline" } : unreachable;
      } finally {
        disarm();
      }
    });

  return {
    async deliver(delivery, fault) {
      const failure = new StatusError("UNAVAILABLE", "A planned fault.");
      try {
        const outcome = await withFault(fault, {
          work: () => send(delivery, false),
          failure: () => failure,
          pause: (ms) => abortable((ending) => pause(clock, ms, ending.signal)),
          repeatable: true,
        });
        if (outcome === "hang") return await send(delivery, true);
        return outcome === "drop" ? unreachable : outcome;
      } catch (cause) {
        if (cause !== failure) throw cause;
        return faulted;
      }
    },
    close() {
      closed = true;
      for (const ending of underway) ending.abort();
      agent.destroy();
      secureAgent.destroy();
    },
  };
}

async function withIdentity(delivery: Delivery, mintIdToken: MintIdToken): Promise<Record<string, string>> {
  const headers: Record<string, string> = { ...delivery.headers };
  if (delivery.identity !== undefined)
    headers.authorization = `Bearer ${await mintIdToken(delivery.identity)}`;
  if (delivery.body !== undefined) headers["content-length"] = String(delivery.body.byteLength);
  return headers;
}

interface Agents {
  readonly agent: Agent;
  readonly secureAgent: SecureAgent;
}

/** One request; resolves with the status of the answer, whose body is dropped. */
function exchange(
  delivery: Delivery,
  headers: Record<string, string>,
  agents: Agents,
  signal: AbortSignal,
): Promise<number> {
  return new Promise((resolve, reject) => {
    signal.throwIfAborted();
    const secure = delivery.url.startsWith("https:");
    const options = { method: delivery.method, headers, signal };
    const receive = (answer: IncomingMessage): void => {
      answer.on("error", () => undefined);
      answer.resume();
      // An answer counts once it is complete: a process that dies while answering has not answered.
      answer.on("close", () =>
        answer.complete ? resolve(answer.statusCode ?? 0) : reject(new Error("The answer was cut off.")),
      );
    };
    const outgoing = secure
      ? requestHttps(delivery.url, { ...options, agent: agents.secureAgent }, receive)
      : requestHttp(delivery.url, { ...options, agent: agents.agent }, receive);
    outgoing.on("error", (cause: NodeJS.ErrnoException) => {
      // The target closed an idle connection just as it was taken up again: nothing has been handled.
      if (outgoing.reusedSocket && cause.code === "ECONNRESET" && !signal.aborted) {
        exchange(delivery, headers, agents, signal).then(resolve, reject);
      } else {
        reject(cause);
      }
    });
    outgoing.end(delivery.body);
  });
}

const aborted = (signal: AbortSignal): Promise<never> =>
  new Promise((_, reject) => {
    if (signal.aborted) reject(signal.reason);
    else signal.addEventListener("abort", () => reject(signal.reason), { once: true });
  });

/** Waits on the suite's clock, or until the signal aborts; the outcome is of no interest. */
const pause = (clock: Clock, ms: number, signal: AbortSignal): Promise<Outcome> =>
  new Promise((resolve) => {
    const cancel = clock.at(clock.now() + ms, () => resolve(unreachable));
    const stop = (): void => {
      cancel();
      resolve(unreachable);
    };
    signal.addEventListener("abort", stop, { once: true });
  });
