import type { Config } from "./config.ts";
import { currentContext, REQUEST_ID_HEADER, TRACEPARENT_HEADER } from "./context.ts";
import { lazy } from "./lazy.ts";
import type { Log } from "./log.ts";
import { inSpan } from "./trace.ts";

/** A message to one device, as FCM's HTTP v1 API takes it (fcm.googleapis.com, projects.messages.send). */
export interface PushMessage {
  readonly token: string;
  readonly title: string;
  readonly body: string;
  readonly data: Readonly<Record<string, string>>;
  /** A device shows one message of a key, the latest: what comes twice is seen once. At most 64 bytes. */
  readonly collapseKey: string;
  /** Shows nothing: the app on the device takes what it shows of the key back. */
  readonly isWithdrawal?: true;
}

/**
 * `sent`: FCM has taken it. `gone`: nobody will ever be reached by this token. `refused`: this message will
 * never be taken. `failed`: nothing is known, or it may be taken later.
 */
export type PushOutcome = "sent" | "gone" | "refused" | "failed";

export interface Push {
  /** Never throws. One call of at most PUSH_MS_MAX. */
  send(message: PushMessage): Promise<PushOutcome>;
}

const PUSH_MS_MAX = 10_000;
const FCM = "https://fcm.googleapis.com";

export function openPush(config: Pick<Config, "projectId" | "pushEndpoint">, log: Log): Push {
  const url = `${config.pushEndpoint ?? FCM}/v1/projects/${config.projectId}/messages:send`;
  const credentials = lazy(async () => {
    const { applicationDefault } = await import("firebase-admin/app");
    return applicationDefault();
  });
  /** An endpoint named in the configuration is reached without credentials, as Google's own emulators are. */
  const authorization = async (): Promise<Record<string, string>> => {
    if (config.pushEndpoint !== undefined) return {};
    const { access_token: token } = await (await credentials.get()).getAccessToken();
    return { authorization: `Bearer ${token}` };
  };
  const post = async (message: PushMessage): Promise<PushOutcome> => {
    try {
      const response = await fetch(url, {
        method: "POST",
        headers: { "content-type": "application/json", ...contextHeaders(), ...(await authorization()) },
        body: JSON.stringify({ message: wireOf(message) }),
        signal: AbortSignal.timeout(PUSH_MS_MAX),
      });
      const outcome = response.ok ? "sent" : outcomeOf(response.status, (await response.json()) as Failure);
      if (response.ok) await response.body?.cancel();
      if (outcome === "refused" || outcome === "failed") {
        log.warn("FCM has not taken a message.", { status: response.status, outcome });
      }
      return outcome;
    } catch (cause) {
      // The cause is left out: its message can name the token.
      log.warn("FCM could not be reached.", { cause: cause instanceof Error ? cause.name : typeof cause });
      return "failed";
    }
  };
  return {
    send: (message) =>
      inSpan("push", "client", { "server.address": new URL(url).host }, async (span) => {
        const outcome = await post(message);
        span?.set({ "scrollback.outcome": outcome });
        return outcome;
      }),
  };
}

function wireOf(message: PushMessage): object {
  return message.isWithdrawal ? withdrawalOf(message) : shownOf(message);
}

/**
 * Data alone: FCM hands it to the app and shows nothing
 * (firebase.google.com/docs/cloud-messaging/concept-options).
 */
const withdrawalOf = ({ token, data, collapseKey }: PushMessage): object => ({
  token,
  data: { ...data, withdrawn: collapseKey },
  android: { collapse_key: collapseKey, priority: "NORMAL" },
  apns: {
    headers: { "apns-collapse-id": collapseKey, "apns-push-type": "background", "apns-priority": "5" },
    payload: { aps: { "content-available": 1 } },
  },
});

const shownOf = ({ token, title, body, data, collapseKey }: PushMessage): object => ({
  token,
  notification: { title, body },
  data,
  android: { collapse_key: collapseKey, priority: "HIGH", notification: { tag: collapseKey } },
  apns: { headers: { "apns-collapse-id": collapseKey }, payload: { aps: { "thread-id": collapseKey } } },
  webpush: { notification: { tag: collapseKey, title, body } },
});

function contextHeaders(): Record<string, string> {
  const context = currentContext();
  if (context === undefined) return {};
  return { [REQUEST_ID_HEADER]: context.requestId, [TRACEPARENT_HEADER]: context.traceparent };
}

interface Failure {
  readonly error?: {
    readonly details?: readonly {
      readonly errorCode?: string;
      readonly fieldViolations?: readonly { readonly field?: string }[];
    }[];
  };
}

/** As FCM's reference explains its error codes: firebase.google.com/docs/reference/fcm/rest/v1/ErrorCode. */
export function outcomeOf(status: number, { error }: Failure): PushOutcome {
  const details = error?.details ?? [];
  const codes = new Set(details.map(({ errorCode }) => errorCode));
  // The app was removed, or its token belongs to another sender.
  if (codes.has("UNREGISTERED") || codes.has("SENDER_ID_MISMATCH")) return "gone";
  // An invalid message is ours and says nothing about the device, unless it is the token that is invalid.
  const fields = details.flatMap(({ fieldViolations = [] }) => fieldViolations.map(({ field }) => field));
  if (fields.includes("message.token")) return "gone";
  if (status === 400 || codes.has("THIRD_PARTY_AUTH_ERROR")) return "refused";
  return "failed";
}
