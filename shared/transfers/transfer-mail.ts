import type { App } from "../identity/app.ts";
import { readDocument, storedAppHead } from "../identity/store.ts";
import { type StoredJob, storedJob } from "../jobs/jobs.ts";
import { escapeHtml } from "../platform/escape-html.ts";
import { plainName } from "../notify/plain-name.ts";
import { readPresence, readReachable } from "../notify/store.ts";
import type { Deps } from "../platform/deps.ts";
import { derivedId } from "../platform/ids.ts";
import { type Mail, messageIdOf } from "../platform/mailer.ts";
import type { TransferMail } from "./contract.ts";
import { transfersOf } from "./store.ts";
import { isOver } from "./tell-of.ts";

/**
 * Says that a transfer is over to whoever has begun it, unless they were there when it ended, or have ended
 * it themselves. Always the same mail, with the same id. 5 reads.
 * @returns undefined where there is nothing to be said
 */
export async function composeTransferMail(
  deps: Pick<Deps, "firestore" | "clock" | "config">,
  app: App,
  { transfer }: TransferMail,
): Promise<Mail | undefined> {
  const { data: stored } = await readDocument(transfersOf(app).doc(transfer), storedJob);
  const person = stored?.createdBy;
  if (stored === undefined || person === undefined || !isWorthMail(stored)) return undefined;
  const [{ data: head }, reachable, presence] = await Promise.all([
    readDocument(app.ref, storedAppHead),
    readReachable(deps.firestore, app, [person]),
    readPresence(deps.firestore, app, person),
  ]);
  const to = reachable.get(person)?.email ?? "";
  const wasThere =
    presence.onlineUntilMs > deps.clock.now() || presence.lastSeenMs >= stored.updatedAt.toMillis();
  if (head?.status !== "open" || to === "" || wasThere) return undefined;
  const { subject, words } = wordsOf(stored);
  const name = plainName(head.name);
  const where = name === "" ? "in your account" : `in your account of ${name}`;
  const line = `${words} You find it ${where}, for seven days.`;
  const id = derivedId("transfer-mail", app.id, transfer);
  return {
    to,
    subject,
    text: `${line}\n`,
    html: `<p>${escapeHtml(line)}</p>`,
    messageId: messageIdOf(deps.config, id),
  };
}

const isWorthMail = (stored: StoredJob): boolean =>
  isOver(stored) && stored.error?.code !== "cancelled" && stored.input["dryRun"] !== true;

/** Nothing of what somebody may have written stands in it. */
function wordsOf({ kind, state, result }: StoredJob): { readonly subject: string; readonly words: string } {
  const isExport = kind === "export";
  if (state === "failed") {
    return isExport
      ? { subject: "Your export has failed", words: "The export that you began could not be made." }
      : { subject: "Your import has failed", words: "The import that you began could not be finished." };
  }
  if (isExport) return { subject: "Your export is ready", words: "The export that you began is ready." };
  const counted = (name: string, one: string, many: string): string => {
    const count = Number(result?.[name] ?? 0);
    return `${count.toLocaleString("en")} ${count === 1 ? one : many}`;
  };
  const chats = counted("chats", "chat", "chats");
  const messages = counted("messages", "message", "messages");
  const existing = counted("existing", "message", "messages");
  const skipped = counted("skipped", "thing", "things");
  return {
    subject: "Your chats are here",
    words: `The import that you began is done. New: ${chats} and ${messages}. Here before: ${existing}. Not kept: ${skipped}.`,
  };
}
