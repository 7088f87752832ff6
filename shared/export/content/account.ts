import { listPersonUsage } from "../../assistant/person-usage.ts";
import { listBlocks } from "../../chat/log/block-person.ts";
import { listReportsBy } from "../../chat/moderation/report.ts";
import { scheduledView } from "../../chat/scheduled/schedule-message.ts";
import { scheduledBy, storedScheduled } from "../../chat/scheduled/store.ts";
import { listSessions } from "../../identity/list-sessions.ts";
import { readFactor } from "../../identity/factor.ts";
import { readUser } from "../../identity/profile.ts";
import { devicesRef, storedDevices } from "../../notify/store.ts";
import { listNotifications } from "../../notify/list-notifications.ts";
import { PAGE_LIMIT_MAX } from "../../notify/contract.ts";
import { READ_MS_MAX, within } from "../../platform/within.ts";
import { exportPaths } from "../contract.ts";
import { dataPage } from "../html/data-page.ts";
import type { ExportContext } from "../export-context.ts";
import { jsonBytes, type Place, type Turn } from "../turn.ts";

/** A page of a list; `next` leads to the following one. */
interface ListPage {
  readonly data: unknown;
  readonly next?: string | null;
}

/** What a person has besides chats and files, each by itself. */
interface AccountList {
  readonly name: string;
  /** How the index calls it. */
  readonly label: string;
  /** Pages are numbered where there may be several. */
  readonly isPaged?: true;
  read(context: ExportContext, cursor: string | undefined): Promise<ListPage>;
}

const FIRST_DAY = "1971-01-01";

export const ACCOUNT_LISTS: readonly AccountList[] = [
  {
    name: "profile",
    label: "Profile",
    async read({ app, by }) {
      const [user, factor] = await Promise.all([readUser(app, by, by.id), readFactor(app, by)]);
      return { data: { ...user, secondFactor: factor.enabled } };
    },
  },
  {
    name: "sessions",
    label: "Sessions",
    isPaged: true,
    async read({ deps, app, by }, cursor) {
      const page = await listSessions(deps, app, by, { limit: PAGE_LIMIT_MAX, cursor });
      return { data: page.data.map(({ current: _current, ...session }) => session), next: page.next };
    },
  },
  {
    name: "devices",
    label: "Devices",
    async read({ app, person }) {
      const found = await within(READ_MS_MAX, devicesRef(app, person).get());
      const devices = Object.entries(storedDevices(found)?.devices ?? {});
      // A push token is an address and no data of the person's.
      return {
        data: devices.map(([id, { platform, at }]) => ({
          id,
          platform,
          registeredAt: at.toDate().toISOString(),
        })),
      };
    },
  },
  {
    name: "blocks",
    label: "People blocked",
    read: async ({ app, by }) => ({ data: await listBlocks(app, by) }),
  },
  {
    name: "notifications",
    label: "Notifications",
    isPaged: true,
    read: ({ deps, app, by }, cursor) => listNotifications(deps, app, by, { limit: PAGE_LIMIT_MAX, cursor }),
  },
  {
    name: "scheduled",
    label: "Scheduled messages",
    async read({ app, person }) {
      const found = await within(READ_MS_MAX, scheduledBy(app, person).get());
      return { data: found.docs.map((document) => scheduledView(document.id, storedScheduled(document))) };
    },
  },
  {
    name: "reports",
    label: "Reports",
    isPaged: true,
    async read({ app, person }, cursor) {
      const page = await listReportsBy(app, person, { limit: PAGE_LIMIT_MAX, cursor });
      // Who has decided is the moderators' own.
      return { data: page.data.map(({ decidedBy: _by, ...report }) => report), next: page.next };
    },
  },
  {
    name: "usage",
    label: "Usage",
    async read({ deps, app, person }) {
      const today = new Date(deps.clock.now()).toISOString().slice(0, 10);
      return { data: await listPersonUsage(app, person, FIRST_DAY, today) };
    },
  },
];

type AccountPlace = Extract<Place, { stage: "account" }>;

/** Writes a page of one of the lists. Costs what the list costs. */
export const turnOfAccount: Turn<AccountPlace> = async (context, { list, page, cursor }, { writer }) => {
  const wanted = ACCOUNT_LISTS[list];
  if (wanted === undefined) return { place: { stage: "chats", after: null } };
  const { data, next } = await wanted.read(context, cursor);
  await writer.add(accountPath(wanted, page, "json"), jsonBytes({ data }));
  await writer.add(accountPath(wanted, page, "html"), dataPage(wanted.label, data));
  return {
    place: next
      ? { stage: "account", list, page: page + 1, cursor: next }
      : { stage: "account", list: list + 1, page: 1 },
  };
};

/** Where a page of a list lies, for machines and for people. */
export const accountPath = (
  { name, isPaged }: Pick<AccountList, "name" | "isPaged">,
  page: number,
  form: "json" | "html",
): string => exportPaths.list("account", `${isPaged === true ? `${name}-${page}` : name}.${form}`);
