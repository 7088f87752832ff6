import { afterAll, beforeAll, expect, test } from "vitest";
import { LEFT_MS, moveApp, QUIET_MS } from "../../../shared/cells/move-app.ts";
import { COLLECTION_IDS } from "../../../shared/cells/store.ts";
import type { FaultKind } from "../../../emulators/kernel/faults.ts";
import { startCells } from "../../../shared/testing/start-cells.ts";
import type { System } from "../../../shared/testing/start-system.ts";
import { SWEEP_MS_MAX, sweep } from "../../../shared/testing/sweep.ts";

/** A move whose calls fail, one in each try, without being made or with their effect unknown. */

let west: System;
let east: System;
beforeAll(async () => {
  [west, east] = (await startCells("west", "east")) as [System, System];
});
afterAll(async () => {
  await west[Symbol.asyncDispose]();
  await east[Symbol.asyncDispose]();
});

const TRIES_MAX = 8;
const TEXTS = ["One", "Two", "Three"];

async function startApp(id: string): Promise<void> {
  await west.operator.post("/v1/apps", { name: id, id });
  const { body } = await west.operator.post(`/v1/apps/${id}/chats`, { kind: "group" });
  for (const text of TEXTS) {
    await west.operator.post(`/v1/apps/${id}/chats/${body.number}/messages`, { text });
  }
  await west.settle();
}

/** Does the steps as jobs do: one that fails is done again from where it began. Counts the calls. */
async function move(app: string, failing: (step: number) => void): Promise<void> {
  const step = moveApp(west.deps);
  let cursor: string | null = null;
  for (let steps = 0; ; steps += 1) {
    failing(steps);
    for (let tries = 1; ; tries += 1) {
      try {
        const stepped = await step({ app, cell: "east" }, cursor);
        if (stepped.notBefore !== undefined) west.suite.kernel.clock.advance(Math.max(QUIET_MS, LEFT_MS));
        cursor = stepped.cursor;
        break;
      } catch (cause) {
        if (tries === TRIES_MAX) throw cause;
      }
    }
    if (cursor === null) return;
  }
}

const calls = (): Record<string, number> => {
  const read = (of: System) => of.suite.kernel.meter.read({ project: of.project }).rpcs;
  const both = { ...read(west) };
  for (const [rpc, times] of Object.entries(read(east))) both[`east ${rpc}`] = times;
  return both;
};

test(
  "a move that fails at any call, before or after its effect, ends as if it had not",
  { timeout: SWEEP_MS_MAX },
  async () => {
    await startApp("steady");
    west.suite.kernel.meter.clear(west.project);
    east.suite.kernel.meter.clear(east.project);
    await move("steady", () => undefined);
    const cases = Object.entries(calls()).flatMap(([rpc, times]) => {
      const [, of = "", service = "", method = ""] = /^(east )?(\w+)\.(\w+)$/.exec(rpc) ?? [];
      if (service !== "firestore" || method === "Listen") return [];
      // A walk asks the same of one collection after the other.
      const every = method === "RunQuery" ? COLLECTION_IDS.length / 4 : 1;
      return Array.from({ length: Math.ceil(times / every) }, (_, index) =>
        (["before", "after"] as const).map((kind: FaultKind) => {
          const skip = Math.floor(index * every);
          return { of, method, skip, kind };
        }),
      ).flat();
    });
    expect(cases.length).toBeGreaterThan(20);
    for (const [index, { of, method, skip, kind }] of sweep(cases, 12).entries()) {
      const app = `app-${index}`;
      await startApp(app);
      const failing = of === "" ? west : east;
      await move(app, (step) => {
        if (step > 0) return;
        failing.fault({ service: "firestore", method, skip, kind, code: "PERMISSION_DENIED" });
      });
      failing.clearFaults();
      const name = `${of}${method} ${skip} ${kind}`;
      const { status, body } = await east.operator.get(`/v1/apps/${app}/chats/1/messages?after=0`);
      expect([name, status]).toEqual([name, 200]);
      expect(body.data.map(({ text }: { text: string }) => text)).toEqual(TEXTS);
      expect((await west.client().get(`/v1/apps/${app}/auth/options`)).status).toBe(421);
      const posted = await east.operator.post(`/v1/apps/${app}/chats/1/messages`, { text: "Four" });
      expect([name, posted.body.number]).toEqual([name, TEXTS.length + 1]);
    }
  },
);
