import { expect, test } from "vitest";
import { startChat, usePeople, useSystem } from "../../../shared/testing/use-system.ts";
import { writeHistory } from "../../../shared/testing/write-history.ts";

const system = useSystem();
const [ada, bob] = usePeople(system, "ada@join.test", "bob@join.test");

const FEW = 10;
const MANY = 10_000;

test(
  `joining a group of ${MANY} messages costs no more than joining one of ${FEW}`,
  { timeout: 300_000 },
  async () => {
    await system.operator.patch("/v1/apps/demo", { settings: { limits: { personPerMinute: null } } });
    const costs = [];
    for (const count of [FEW, MANY]) {
      const { path } = await startChat(ada.api, {});
      await writeHistory(ada.api, path, count);
      await system.settle();
      const joined = await system.meter(async () => {
        expect((await ada.api.put(`${path}/members/${bob.id}`)).status).toBe(200);
      });
      expect((await bob.api.get(path)).body).toMatchObject({ messagesCount: count + 1, unreadCount: 0 });
      costs.push({ rpcs: joined.rpcs, billed: joined.billed });
    }
    const [few, many] = costs;
    expect(many?.billed.writes).toBeLessThanOrEqual(few?.billed.writes ?? 0);
    expect(many?.billed.reads).toBeLessThanOrEqual(few?.billed.reads ?? 0);
  },
);
