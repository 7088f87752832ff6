import { chatHandle } from "../chat/chat-handle.ts";
import { type ChatHead, type LatestMessage, readThrough } from "../chat/log/head.ts";
import { mentionsAfter } from "../chat/log/mentions.ts";
import { headOf } from "../chat/store.ts";
import type { App } from "../identity/app.ts";
import { AppError } from "../platform/errors.ts";
import { READ_MS_MAX, within } from "../platform/within.ts";
import type { NotifyMembers } from "./contract.ts";
import { type DeviceDeps, removeToken, withLiveDevices } from "./devices.ts";
import { wantsToHear } from "./notify-members.ts";
import { composer, newestStanding, shieldedFrom } from "./push-to-people.ts";
import { PEOPLE_AT_ONCE, readAll, readAttention, readReachable, storedTelling, tellingRef } from "./store.ts";

/**
 * Takes back what was pushed of a message that has been deleted since: whoever has not read it and is away
 * gets what stands in its place, or, where nothing unread is left, a word to the app on the device to take it
 * away. Nothing when another message is shown by now. Cut short, it shows the same once more. Costs 2 reads,
 * 1 write, 1 query where the chat's latest message is gone, 2 reads for each member, 2 more and 1 push a
 * device for each who is told. Returns how many devices were pushed to.
 * @throws AppError `unavailable` when some device could not be reached
 */
export async function withdrawPush(
  deps: DeviceDeps,
  app: App,
  { chat, number }: NotifyMembers,
): Promise<{ pushed: number }> {
  const handle = chatHandle(app, chat);
  const [found, told] = await readAll(deps.firestore, [handle.ref, tellingRef(handle)]);
  const head = found && headOf(found);
  const telling = storedTelling(told);
  if (head === undefined || telling === undefined || head.status !== "open") return { pushed: 0 };
  if (telling.shown !== number) return { pushed: 0 };
  const standing = await newestStanding(app, head, telling.number);
  let pushed = 0;
  let failed = 0;
  for (let from = 0; from < head.members.length; from += PEOPLE_AT_ONCE) {
    const outcomes = await tellSome(deps, app, head, {
      people: head.members.slice(from, from + PEOPLE_AT_ONCE),
      number,
      standing,
    });
    pushed += outcomes.filter((outcome) => outcome === "sent").length;
    failed += outcomes.filter((outcome) => outcome === "failed").length;
  }
  if (failed > 0) {
    throw new AppError("unavailable", "Some devices could not be pushed to.", { retryAfterSeconds: 1 });
  }
  await within(READ_MS_MAX, tellingRef(handle).update({ shown: standing?.number ?? 0 }));
  return { pushed };
}

async function tellSome(
  deps: DeviceDeps,
  app: App,
  head: ChatHead,
  {
    people,
    number,
    standing,
  }: {
    readonly people: readonly string[];
    readonly number: number;
    readonly standing: LatestMessage | undefined;
  },
): Promise<readonly string[]> {
  const shown = standing?.number ?? 0;
  const now = deps.clock.now();
  const attention = await readAttention(deps.firestore, chatHandle(app, head.number), people);
  const away = [...attention].filter(
    ([person, seen]) =>
      readThrough(head, person, seen.read) < number &&
      seen.onlineUntilMs <= now &&
      wantsToHear(seen, {
        isMentioned: mentionsAfter(head, person, number - 1).length > 0,
        nowMs: now,
        throughMute: true,
      }),
  );
  const reachable = await readReachable(
    deps.firestore,
    app,
    away.map(([person]) => person),
  );
  const live = await withLiveDevices(deps, app, reachable);
  const shielded = shieldedFrom(standing, away);
  const { messageFor } = await composer(deps, app, head, { through: shown, shielded });
  const sending = away.flatMap(([person, seen]) =>
    Object.entries(live.get(person)?.devices ?? {}).map(async ([device, { token }]) => {
      const isLeft = shown > readThrough(head, person, seen.read);
      const message = messageFor({ person, device, token });
      const outcome = await deps.push.send(isLeft ? message : { ...message, isWithdrawal: true });
      if (outcome === "gone") await removeToken(deps, app, person, { device, token });
      return outcome;
    }),
  );
  return Promise.all(sending);
}
