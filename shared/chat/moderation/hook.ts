import type { App } from "../../identity/app.ts";
import type { AppDirectory } from "../../identity/app-directory.ts";
import type { Moderation } from "../../identity/contract.ts";
import { openHookSecrets } from "../../identity/hook-secret.ts";
import type { Deps } from "../../platform/deps.ts";
import { parseJsonValue } from "../../platform/models/json-value.ts";
import { OutgoingFailure, type OutgoingReply } from "../../platform/outgoing/outgoing.ts";
import { signWebhook } from "../../platform/outgoing/sign-webhook.ts";
import { type Kind, REASON_CHARS_MAX, Verdict } from "../contract.ts";
import { createHookCircuits } from "./hook-circuit.ts";

/** Of a hook's reply. */
export const VERDICT_BYTES_MAX = 16 * 1024;

/** A text that somebody or a model has written, as the hook is told of it. */
export interface Subject {
  /** The same whenever the same text is sent: receivers know a repetition by it. Without full stops. */
  readonly id: string;
  readonly chat: { readonly number: number; readonly kind: Kind };
  readonly message: {
    /** Absent while the message waits for the hook. */
    readonly number?: number;
    /** Empty of a model's answer. */
    readonly sender: string;
    /** Whose answer it is. */
    readonly model?: string;
    readonly text: string;
    /** What it forwards. */
    readonly forwarded?: string;
    /** What the model thought before. */
    readonly thinking?: string;
    readonly isEdit: boolean;
  };
}

/** What becomes of a text; `failed` says why the hook did not say so itself. */
export interface Judgement {
  readonly decision: Verdict["decision"];
  readonly reason: string;
  readonly failed?: string;
}

/** An app's own judge of what people write and models answer. */
export interface Hook {
  readonly mode: Moderation["mode"];
  readonly onFailure: Moderation["onFailure"];
  /** Asks it, once; never throws. A hook that fails decides what the app has set for that. */
  judge(subject: Subject): Promise<Judgement>;
}

export interface Hooks {
  /** The app's hook; undefined where it has none. No read while the app is known here. */
  of(app: App): Promise<Hook | undefined>;
}

export function openHooks(deps: Deps & { readonly apps: AppDirectory }): Hooks {
  const circuits = createHookCircuits(deps.clock);
  const asking = new Map<string, Promise<Judgement>>();

  const judge = async (app: App, moderation: Called, subject: Subject): Promise<Judgement> => {
    const call = circuits.begin(app.id, moderation.url);
    if (call === undefined) return failed(deps, app, moderation, "left alone");
    try {
      const { decision, reason = "" } = await ask(deps, app, moderation, subject);
      call.end(true);
      return { decision, reason: cleanReason(reason) };
    } catch (cause) {
      call.end(false);
      return failed(deps, app, moderation, cause instanceof HookFailure ? cause.message : kindOf(cause));
    }
  };

  return {
    async of(app) {
      const { moderation } = await deps.apps.settingsOf(app);
      const { url } = moderation;
      if (url === null) return undefined;
      return {
        mode: moderation.mode,
        onFailure: moderation.onFailure,
        judge(subject) {
          // Repetitions of a request that is under way share its judgement.
          const name = JSON.stringify([app.id, subject]);
          const begun = asking.get(name);
          if (begun !== undefined) return begun;
          const judging = judge(app, { ...moderation, url }, subject).finally(() => asking.delete(name));
          asking.set(name, judging);
          return judging;
        },
      };
    },
  };
}

type Called = Moderation & { readonly url: string };

class HookFailure extends Error {}

const kindOf = (cause: unknown): string => (cause instanceof OutgoingFailure ? cause.kind : "failed");

function failed(deps: Deps, app: App, { onFailure }: Moderation, why: string): Judgement {
  deps.log.warn("moderation.failed", { app: app.id, failure: why });
  return {
    decision: onFailure === "hold" ? "hide" : "allow",
    reason: "The moderation hook did not answer.",
    failed: why,
  };
}

async function ask(
  deps: Deps & { readonly apps: AppDirectory },
  app: App,
  { url, mode, timeoutMs }: Called,
  { id, chat, message }: Subject,
): Promise<Verdict> {
  const secrets = openHookSecrets(deps, app, await deps.apps.hookSecretsOf(app));
  const nowMs = deps.clock.now();
  const body = JSON.stringify({
    type: "message.judge",
    timestamp: new Date(nowMs).toISOString(),
    data: { app: app.id, mode, chat, message },
  });
  const signed = signWebhook(secrets, { id, body, nowMs });
  const headers = {
    "content-type": "application/json",
    accept: "application/json",
    "user-agent": "Scrollback",
    ...signed,
  };
  return parseVerdict(
    await deps.outgoing.post({ url, headers, body, timeoutMs, replyBytesMax: VERDICT_BYTES_MAX }),
  );
}

function parseVerdict({ status, body }: OutgoingReply): Verdict {
  if (status < 200 || status > 299) throw new HookFailure(`status ${status}`);
  const parsed = Verdict.safeParse(parseJsonValue(body));
  if (!parsed.success) throw new HookFailure("malformed");
  return parsed.data;
}

/** One line without control characters, however it came. */
const cleanReason = (text: string): string =>
  text
    .toWellFormed()
    .replaceAll(/[\p{Cc}\u2028\u2029]+/gu, " ")
    .trim()
    .slice(0, REASON_CHARS_MAX)
    .toWellFormed();
