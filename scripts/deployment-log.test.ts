import { beforeEach, describe, expect, test } from "vitest";
import { readConfiguration, readVariables } from "../terraform/checks/configuration.ts";
import { parseLogFilter } from "../terraform/checks/log-filter.ts";
import { planOf } from "../terraform/checks/plan.ts";
import { providerSchema } from "../terraform/checks/schema.ts";
import { type Deed, tellingOf } from "./deployment-events.ts";
import { cloudLogging, LOG_NAME, openDeploymentLog } from "./deployment-log.ts";

interface Written {
  readonly severity: string;
  readonly resource: object;
  readonly timestamp: unknown;
  readonly data: Readonly<Record<string, unknown>>;
}

/** What Google's transport hands to its client, in place of sending it. */
let written: Written[];
let answer: (callback: (error: Error | null) => void) => void;
let lines: ReturnType<typeof cloudLogging>;
beforeEach(() => {
  written = [];
  answer = (callback) => callback(null);
  lines = cloudLogging("test");
  const taking = (severity: string) => async (entries: unknown, callback: (error: Error | null) => void) => {
    for (const { metadata, data } of entries as { metadata: Written; data: Written["data"] }[]) {
      // The client announces itself with its first line.
      if ("logging.googleapis.com/diagnostic" in data) continue;
      written.push({ severity, resource: metadata.resource, timestamp: metadata.timestamp, data });
    }
    answer(callback);
  };
  Object.assign(lines.transport.common, {
    cloudLog: {
      ...lines.transport.common.cloudLog,
      entry: (metadata: object, data: object) => ({ metadata, data }),
      info: taking("INFO"),
      warning: taking("WARNING"),
      error: taking("ERROR"),
    },
  });
});

const worse = new Error("The candidate is worse. api: 7 of 40 failed.");
async function tell(deed: Deed, failure?: Error): Promise<void> {
  const log = openDeploymentLog(lines);
  const work = () => (failure === undefined ? Promise.resolve() : Promise.reject(failure));
  const thrown = await tellingOf(log, deed, work).catch((cause: unknown) => cause);
  expect(thrown).toBe(failure);
  await log.close();
}

describe("a rollout tells", () => {
  test("that it begins, of each step, and that it is over", async () => {
    await tell({ command: "deploy" });
    await tell({ command: "smoke" });
    await tell({ command: "step", percent: 5 });
    await tell({ command: "step", percent: 100 });
    expect(written.map(({ severity, data }) => [severity, data.event, data.percent])).toEqual([
      ["INFO", "deployment.started", undefined],
      ["INFO", "deployment.step", 5],
      ["INFO", "deployment.finished", 100],
    ]);
    expect(written.at(-1)).toMatchObject({
      resource: { type: "global", labels: { project_id: "test" } },
      timestamp: expect.any(Date),
      data: {
        message: expect.any(String),
        function: "roll-out",
        outcome: "ok",
        latencyMs: expect.any(Number),
      },
    });
  });

  test("that a step went back and why, as an error, and fails all the same", async () => {
    await tell({ command: "step", percent: 5 }, worse);
    expect(written).toMatchObject([
      {
        severity: "ERROR",
        data: {
          event: "deployment.rolled-back",
          percent: 5,
          outcome: "failed",
          error: { name: "Error", message: worse.message },
        },
      },
    ]);
  });

  test("that it failed where nothing was given back, or where that failed too", async () => {
    await tell({ command: "smoke" }, worse);
    await tell({ command: "step", percent: 5 }, new AggregateError([worse], "Still on the candidate."));
    expect(written.map(({ data }) => data.event)).toEqual(["deployment.failed", "deployment.failed"]);
  });

  test("that somebody gave all traffic back", async () => {
    await tell({ command: "back" });
    expect(written).toMatchObject([{ severity: "WARNING", data: { event: "deployment.rolled-back" } }]);
  });
});

test("a log that is out of reach fails no rollout", async () => {
  answer = (callback) => callback(new Error("unavailable"));
  await tell({ command: "step", percent: 100 });
  expect(written).toHaveLength(1);
});

test("the alert fires when a rollout went back or failed, and at nothing else", async () => {
  await tell({ command: "deploy" });
  await tell({ command: "step", percent: 100 });
  await tell({ command: "step", percent: 5 }, worse);
  await tell({ command: "smoke" }, worse);
  const variables = await readVariables("terraform/environments/production.tfvars");
  const plan = await planOf(await readConfiguration("terraform"), variables, providerSchema);
  const policy = plan
    .of("google_monitoring_alert_policy")
    .find(({ address }) => address.endsWith(".rolled_back"));
  const conditions = policy?.values.conditions as
    | [{ condition_matched_log: [{ filter: string }] }]
    | undefined;
  const filter = conditions?.[0].condition_matched_log[0].filter ?? "";
  expect(filter).toContain(`log_id("${LOG_NAME}")`);
  const matches = parseLogFilter(filter.replace(`log_id("${LOG_NAME}") AND `, ""));
  const found = written.filter(({ severity, resource, data }) =>
    matches({ severity, resource, jsonPayload: data }),
  );
  expect(found.map(({ data }) => data.event)).toEqual(["deployment.rolled-back", "deployment.failed"]);
});
