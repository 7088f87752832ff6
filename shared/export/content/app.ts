import { listUsage } from "../../chat/usage.ts";
import { viewFor } from "../../identity/profile.ts";
import { completeSettings } from "../../identity/settings.ts";
import { listUsers } from "../../identity/store.ts";
import { exportPaths } from "../contract.ts";
import { dataPage } from "../html/data-page.ts";
import { jsonBytes, type Place, type Turn } from "../turn.ts";

/** People of one turn. */
const PEOPLE = 300;

type PeoplePlace = Extract<Place, { stage: "people" }>;

/** Writes what the app is, then its people, removed ones too. 1 query and a read for each person. */
export const turnOfPeople: Turn<PeoplePlace> = async (context, { page, after }, { writer, counts }) => {
  const { app, appHead, by } = context;
  if (after === undefined) {
    const { name, settings, createdAt } = appHead;
    const about = {
      id: app.id,
      name,
      settings: completeSettings(settings),
      createdAt: createdAt.toDate().toISOString(),
    };
    await writer.add(exportPaths.list("app", "app.json"), jsonBytes(about));
    await writer.add(exportPaths.list("app", "app.html"), dataPage(name, about));
  }
  const found = await listUsers(app, after, PEOPLE);
  const data = found.map(({ id, stored }) => viewFor(by, id, stored));
  if (found.length > 0)
    await writer.add(exportPaths.list("people", `people-${page}.json`), jsonBytes({ data }));
  counts.people += found.length;
  const last = found.at(-1);
  if (last !== undefined && found.length === PEOPLE) {
    return { place: { stage: "people", page: page + 1, after: last.id } };
  }
  return { place: { stage: "usage", year: appHead.createdAt.toDate().getUTCFullYear() } };
};

type UsagePlace = Extract<Place, { stage: "usage" }>;

/** Writes what was used in a year. 1 query, a read for each day and shard. */
export const turnOfUsage: Turn<UsagePlace> = async ({ deps, app }, { year }, { writer }) => {
  if (year > new Date(deps.clock.now()).getUTCFullYear()) return { place: { stage: "chats", after: null } };
  const data = await listUsage(app, `${year}-01-01`, `${year}-12-31`);
  await writer.add(exportPaths.list("app", `usage-${year}.json`), jsonBytes({ data }));
  return { place: { stage: "usage", year: year + 1 } };
};
