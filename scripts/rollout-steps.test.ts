import { beforeEach, describe, expect, test } from "vitest";
import { back, deploy, type RolloutOptions, step, withCandidateReachable } from "./rollout-steps.ts";

interface Revision {
  readonly name: string;
  percent: number;
  tag?: string | undefined;
}

/** Services as gcloud shows and changes them, by the commands that a rollout uses. */
let services: Map<string, Revision[]>;
let logs: object[];
let commands: string[];
let waitedMs: number;

const functions = ["api", "send-mail"];
const options: RolloutOptions = {
  project: "test",
  region: "europe-west1",
  functions,
  wait: async (ms) => void (waitedMs += ms),
  now: () => 0,
  async gcloud(args) {
    commands.push(args.join(" "));
    const [group, command] = args;
    if (group === "logging") return JSON.stringify(logs);
    if (group === "functions") {
      const revisions = revisionsOf(args[2]);
      revisions.push({ name: `${args[2]}-${revisions.length + 1}`, percent: 0 });
      return "";
    }
    if (command === "revisions") {
      const name = args[args.indexOf("--service") + 1];
      return revisionsOf(name)
        .toReversed()
        .map((revision) => revision.name)
        .join("\n");
    }
    const revisions = revisionsOf(args[3]);
    if (args[2] === "update-traffic") return change(revisions, args);
    const latest = revisions.at(-1)?.name;
    const traffic = revisions
      .filter(({ percent, tag }) => percent > 0 || tag !== undefined)
      .map(({ name, ...rest }) => ({ revisionName: name, ...rest }));
    return JSON.stringify({
      status: { latestReadyRevisionName: latest, latestCreatedRevisionName: latest, traffic },
    });
  },
};

const revisionsOf = (name = ""): Revision[] => services.get(name) ?? [];

function change(revisions: Revision[], args: readonly string[]): string {
  const valueOf = (flag: string): string | undefined =>
    args.includes(flag) ? args[args.indexOf(flag) + 1] : undefined;
  const tagged = valueOf("--update-tags")?.split("=")[1];
  if (tagged !== undefined) {
    for (const revision of revisions) revision.tag = revision.name === tagged ? "candidate" : undefined;
  }
  if (args.includes("--remove-tags")) for (const revision of revisions) revision.tag = undefined;
  const shares = valueOf("--to-revisions");
  if (shares !== undefined) {
    const percents = new Map(shares.split(",").map((share) => share.split("=") as [string, string]));
    for (const revision of revisions) revision.percent = Number(percents.get(revision.name) ?? 0);
  }
  return "";
}

const trafficOf = (name: string): Record<string, number> =>
  Object.fromEntries(
    revisionsOf(name)
      .filter(({ percent }) => percent > 0)
      .map(({ name: revision, percent }) => [revision, percent]),
  );

const failing = (revision: string) => ({
  resource: { labels: { revision_name: revision } },
  httpRequest: { status: 500 },
  jsonPayload: { latencyMs: 10 },
});

beforeEach(() => {
  services = new Map(functions.map((name) => [name, [{ name: `${name}-1`, percent: 100 }]]));
  logs = [];
  commands = [];
  waitedMs = 0;
});

describe("a rollout", () => {
  test("deploys every function from its bundle, without traffic and without a tag", async () => {
    await deploy(options);
    for (const name of functions) {
      expect(trafficOf(name)).toEqual({ [`${name}-1`]: 100 });
      expect(revisionsOf(name).at(-1)).toEqual({ name: `${name}-2`, percent: 0 });
      expect(commands.find((command) => command.startsWith(`functions deploy ${name} `))).toContain(
        `--source dist/${name}`,
      );
    }
  });

  test("lets the candidate of the API be reached while it is tested, whatever comes of that", async () => {
    await deploy(options);
    const tags = (): (string | undefined)[] =>
      functions.flatMap((name) => revisionsOf(name).map(({ tag }) => tag));
    await withCandidateReachable(options, async () => {
      expect(revisionsOf("api").find(({ tag }) => tag !== undefined)?.name).toBe("api-2");
      expect(tags().filter((tag) => tag !== undefined)).toEqual(["candidate"]);
    });
    expect(tags().filter((tag) => tag !== undefined)).toEqual([]);
    const failed = withCandidateReachable(options, () => Promise.reject(new Error("smoke")));
    await expect(failed).rejects.toThrow("smoke");
    expect(tags().filter((tag) => tag !== undefined)).toEqual([]);
  });

  test("that goes back leaves no tag that an ended build has left", async () => {
    await deploy(options);
    const candidate = revisionsOf("api").at(-1);
    if (candidate !== undefined) candidate.tag = "candidate";
    await back(options);
    expect(revisionsOf("api").map(({ tag }) => tag)).toEqual([undefined, undefined]);
  });

  test("goes by steps to all traffic, and looks at the logs of each step", async () => {
    await deploy(options);
    await step(options, { percent: 5, minutes: 10 });
    expect(trafficOf("api")).toEqual({ "api-1": 95, "api-2": 5 });
    await step(options, { percent: 50, minutes: 10 });
    expect(trafficOf("send-mail")).toEqual({ "send-mail-1": 50, "send-mail-2": 50 });
    await step(options, { percent: 100, minutes: 10 });
    expect(trafficOf("api")).toEqual({ "api-2": 100 });
    expect(commands.filter((command) => command.startsWith("logging read"))).toHaveLength(3);
    expect(waitedMs).toBeGreaterThanOrEqual(30 * 60_000);
  });

  test("gives all traffic of all functions back when one is worse, and fails", async () => {
    await deploy(options);
    logs = Array.from({ length: 5 }, () => failing("api-2"));
    await expect(step(options, { percent: 5, minutes: 1 })).rejects.toThrow("api: 5 of 5 failed");
    for (const name of functions) expect(trafficOf(name)).toEqual({ [`${name}-1`]: 100 });
  });

  test("gives it back after all of it was moved, too", async () => {
    await deploy(options);
    await step(options, { percent: 100, minutes: 0 });
    logs = Array.from({ length: 5 }, () => failing("send-mail-2"));
    await expect(step(options, { percent: 100, minutes: 0 })).rejects.toThrow("send-mail");
    for (const name of functions) expect(trafficOf(name)).toEqual({ [`${name}-1`]: 100 });
  });

  test("gives it back when the logs can't be read", async () => {
    await deploy(options);
    const blind: RolloutOptions = {
      ...options,
      gcloud: (args) => (args[0] === "logging" ? Promise.reject(new Error("denied")) : options.gcloud(args)),
    };
    await expect(step(blind, { percent: 5, minutes: 1 })).rejects.toThrow("denied");
    expect(trafficOf("api")).toEqual({ "api-1": 100 });
  });

  test("of a function that has only one revision gives that all traffic", async () => {
    services.set("api", []);
    await deploy(options);
    await step(options, { percent: 5, minutes: 0 });
    expect(trafficOf("api")).toEqual({ "api-1": 100 });
  });

  test("goes back for the other functions when one can't", async () => {
    await deploy(options);
    await step(options, { percent: 50, minutes: 0 });
    const broken: RolloutOptions = {
      ...options,
      gcloud: (args) => (args.includes("api") ? Promise.reject(new Error("no")) : options.gcloud(args)),
    };
    await expect(back(broken)).rejects.toThrow("still send traffic");
    expect(trafficOf("send-mail")).toEqual({ "send-mail-1": 100 });
  });
});
