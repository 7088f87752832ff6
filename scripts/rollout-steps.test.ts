import { beforeEach, describe, expect, test } from "vitest";
import { back, deploy, METRIC_DELAY_MS, type RolloutOptions, smoke, step } from "./rollout-steps.ts";
import type { Reachable } from "./try-out.ts";

interface Revision {
  readonly name: string;
  readonly image: string;
  percent: number;
  tag?: string | undefined;
}

const PLACEHOLDER = "us-docker.pkg.dev/cloudrun/container/hello";
const OURS = "europe-west1-docker.pkg.dev/test/cloud-run-source-deploy/x";

/** Services as gcloud shows and changes them, by the commands that a rollout uses. */
let services: Map<string, { revisions: Revision[]; followsLatest: boolean }>;
let logs: object[];
let kills: object[];
let requests: Map<string, { good: number; bad: number }>;
let commands: string[];
let asked: Reachable[];
let waitedMs: number;

const functions = [
  { name: "api", isPublic: true },
  { name: "send-mail", isPublic: false },
];
const names = functions.map(({ name }) => name);

const revisionsOf = (name = ""): Revision[] => services.get(name)?.revisions ?? [];

const valueOf = (args: readonly string[], flag: string): string | undefined =>
  args.includes(flag) ? args[args.indexOf(flag) + 1] : undefined;

/** What the flag is documented to do: traffic that follows the latest revision is bound to it by name. */
function deployed(args: readonly string[]): string {
  const [, , name = ""] = args;
  const service = services.get(name);
  if (service === undefined) throw new Error(`There is no ${name}.`);
  const { revisions } = service;
  const takesAll = service.followsLatest && !args.includes("--no-traffic");
  if (takesAll) for (const revision of revisions) revision.percent = 0;
  if (args.includes("--no-traffic")) service.followsLatest = false;
  revisions.push({ name: `${name}-${revisions.length + 1}`, image: OURS, percent: takesAll ? 100 : 0 });
  return "";
}

function described(name = ""): string {
  const { revisions = [], followsLatest = false } = services.get(name) ?? {};
  const latest = revisions.at(-1)?.name;
  const traffic = revisions
    .filter(({ percent, tag }) => percent > 0 || tag !== undefined)
    .map(({ name: revisionName, percent, tag }) => ({
      revisionName,
      percent,
      latestRevision: followsLatest,
      ...(tag === undefined ? {} : { tag, url: `https://${tag}---${name}.run.app` }),
    }));
  const env = [
    { name: "FUNCTIONS_URL", value: "https://{function}-1.europe-west1.run.app" },
    { name: "INVOKER_EMAIL", value: "invoker@test" },
  ];
  return JSON.stringify({
    spec: { template: { spec: { containers: [{ env }] } } },
    status: { latestReadyRevisionName: latest, latestCreatedRevisionName: latest, traffic },
  });
}

function change(name: string | undefined, args: readonly string[]): string {
  const revisions = revisionsOf(name);
  const tagged = valueOf(args, "--update-tags")?.split("=")[1];
  if (tagged !== undefined) {
    for (const revision of revisions) revision.tag = revision.name === tagged ? "candidate" : undefined;
  }
  if (args.includes("--remove-tags")) for (const revision of revisions) revision.tag = undefined;
  const shares = valueOf(args, "--to-revisions");
  if (shares !== undefined) {
    const percents = new Map(shares.split(",").map((share) => share.split("=") as [string, string]));
    for (const revision of revisions) revision.percent = Number(percents.get(revision.name) ?? 0);
  }
  return "";
}

function listed(name = ""): string {
  return JSON.stringify(
    revisionsOf(name).map(({ name: revision, image }, index) => ({
      metadata: { name: revision, creationTimestamp: new Date(index * 1000).toISOString() },
      spec: { containers: [{ image }] },
    })),
  );
}

const options: RolloutOptions = {
  project: "test",
  region: "europe-west1",
  functions,
  wait: async (ms) => void (waitedMs += ms),
  now: () => 0,
  ask: async (candidate) => void asked.push(candidate),
  async fetch(input) {
    const isCount = new URL(input instanceof Request ? input.url : input).searchParams
      .get("filter")
      ?.includes("request_count");
    const timeSeries = [...requests].flatMap(([revision, { good, bad }]) =>
      [
        ["2xx", good],
        ["5xx", bad],
      ].map(([response_code_class, count]) => ({
        metric: { labels: { response_code_class } },
        resource: { labels: { revision_name: revision } },
        points: [{ value: { int64Value: String(count) } }],
      })),
    );
    return Response.json({ timeSeries: isCount ? timeSeries : [] });
  },
  async gcloud(args) {
    commands.push(args.join(" "));
    const [group, command, third] = args;
    if (group === "auth") return `token of ${args.join(" ")}\n`;
    if (group === "logging") return JSON.stringify(args[2]?.includes("varlog") ? kills : logs);
    if (command === "deploy") return deployed(args);
    if (command === "revisions") return listed(valueOf(args, "--service"));
    return third === "update-traffic" ? change(args[3], args) : described(args[3]);
  },
};

const trafficOf = (name: string): Record<string, number> =>
  Object.fromEntries(
    revisionsOf(name)
      .filter(({ percent }) => percent > 0)
      .map(({ name: revision, percent }) => [revision, percent]),
  );
const tags = (): string[] => names.flatMap((name) => revisionsOf(name).flatMap(({ tag }) => tag ?? []));

const failing = (revision: string) => ({
  resource: { labels: { revision_name: revision } },
  httpRequest: { status: 500 },
  jsonPayload: { latencyMs: 10 },
});

beforeEach(() => {
  services = new Map(
    names.map((name) => [
      name,
      { revisions: [{ name: `${name}-1`, image: OURS, percent: 100 }], followsLatest: false },
    ]),
  );
  logs = [];
  kills = [];
  requests = new Map(names.map((name) => [`${name}-2`, { good: 100, bad: 0 }]));
  commands = [];
  asked = [];
  waitedMs = 0;
});

describe("a rollout", () => {
  test("deploys every function from its bundle, without traffic and without a tag", async () => {
    await deploy(options);
    for (const name of names) {
      expect(trafficOf(name)).toEqual({ [`${name}-1`]: 100 });
      expect(revisionsOf(name).at(-1)).toEqual({ name: `${name}-2`, image: OURS, percent: 0 });
      expect(commands.find((command) => command.startsWith(`run deploy ${name} `))).toContain(
        `--source dist/${name} --function ${name} --base-image nodejs24`,
      );
    }
  });

  test("takes no traffic unproved where it follows the latest revision, as in a new service", async () => {
    for (const service of services.values()) service.followsLatest = true;
    await deploy(options);
    for (const name of names) expect(trafficOf(name)).toEqual({ [`${name}-1`]: 100 });
    expect([...services.values()].map(({ followsLatest }) => followsLatest)).toEqual([false, false]);
  });

  test("fails when a new revision has traffic all the same", async () => {
    const ignoring: RolloutOptions = {
      ...options,
      gcloud: (args) => options.gcloud(args.filter((arg) => arg !== "--no-traffic")),
    };
    for (const service of services.values()) service.followsLatest = true;
    await expect(deploy(ignoring)).rejects.toThrow("has traffic before it was tried out");
  });

  test("removes what a rollout has left that was ended from outside", async () => {
    const [left] = revisionsOf("api");
    if (left !== undefined) left.tag = "candidate";
    await deploy(options);
    expect(tags()).toEqual([]);
  });

  test("tries out every function, one at a time, the background ones in the invoker's name", async () => {
    await deploy(options);
    const tagged: string[][] = [];
    await smoke({ ...options, ask: async (candidate) => void (tagged.push(tags()), asked.push(candidate)) });
    expect(tagged).toEqual([["candidate"], ["candidate"]]);
    expect(asked.map(({ name, url }) => [name, url])).toEqual([
      ["api", "https://candidate---api.run.app"],
      ["send-mail", "https://candidate---send-mail.run.app"],
    ]);
    expect(asked[0]?.token).toBeUndefined();
    expect(asked[1]?.token).toContain("--impersonate-service-account invoker@test");
    expect(asked[1]?.token).toContain("--audiences https://send-mail-1.europe-west1.run.app --include-email");
    expect(tags()).toEqual([]);
  });

  test("leaves nothing reachable whatever comes of trying out", async () => {
    await deploy(options);
    const failed = smoke({ ...options, ask: () => Promise.reject(new Error("smoke")) });
    await expect(failed).rejects.toThrow("smoke");
    expect(tags()).toEqual([]);
  });

  test("that goes back leaves no tag that an ended build has left", async () => {
    await deploy(options);
    const candidate = revisionsOf("api").at(-1);
    if (candidate !== undefined) candidate.tag = "candidate";
    await back(options);
    expect(tags()).toEqual([]);
  });

  test("goes by steps to all traffic, and looks at logs and metrics of each step", async () => {
    await deploy(options);
    await step(options, { percent: 5, minutes: 10 });
    expect(trafficOf("api")).toEqual({ "api-1": 95, "api-2": 5 });
    await step(options, { percent: 50, minutes: 10 });
    expect(trafficOf("send-mail")).toEqual({ "send-mail-1": 50, "send-mail-2": 50 });
    await step(options, { percent: 100, minutes: 10 });
    expect(trafficOf("api")).toEqual({ "api-2": 100 });
    expect(commands.filter((command) => command.startsWith("logging read"))).toHaveLength(6);
    expect(waitedMs).toBe(3 * (10 * 60_000 + METRIC_DELAY_MS));
    expect(asked).toEqual([]);
  });

  test.each<[string, () => void, string]>([
    ["lines", () => (logs = Array.from({ length: 5 }, () => failing("api-2"))), "api: 5 of 5 failed"],
    [
      "metrics, when its code comes to no line",
      () => requests.set("api-2", { good: 0, bad: 40 }),
      "api: 40 of 40 answered 5xx",
    ],
    ["ended instances", () => kills.push(failing("api-2")), "api: 1 instances were ended"],
  ])("gives all traffic of all functions back when one is worse by its %s", async (_, cause, says) => {
    await deploy(options);
    cause();
    await expect(step(options, { percent: 5, minutes: 1 })).rejects.toThrow(says);
    for (const name of names) expect(trafficOf(name)).toEqual({ [`${name}-1`]: 100 });
  });

  test("gives it back after all of it was moved, too", async () => {
    await deploy(options);
    await step(options, { percent: 100, minutes: 0 });
    logs = Array.from({ length: 5 }, () => failing("send-mail-2"));
    await expect(step(options, { percent: 100, minutes: 0 })).rejects.toThrow("send-mail");
    for (const name of names) expect(trafficOf(name)).toEqual({ [`${name}-1`]: 100 });
  });

  test("does not take silence for health: whom nobody has asked is tried out", async () => {
    await deploy(options);
    requests.delete("send-mail-2");
    await step(options, { percent: 5, minutes: 1 });
    expect(asked.map(({ name }) => name)).toEqual(["send-mail"]);
    const dead: RolloutOptions = { ...options, ask: () => Promise.reject(new Error("500")) };
    await expect(step(dead, { percent: 50, minutes: 1 })).rejects.toThrow("nobody has asked the candidate");
    for (const name of names) expect(trafficOf(name)).toEqual({ [`${name}-1`]: 100 });
    expect(tags()).toEqual([]);
  });

  test.each(["logging", "auth"])("gives it back when %s can't be read", async (group) => {
    await deploy(options);
    const blind: RolloutOptions = {
      ...options,
      gcloud: (args) => (args[0] === group ? Promise.reject(new Error("denied")) : options.gcloud(args)),
    };
    await expect(step(blind, { percent: 5, minutes: 1 })).rejects.toThrow("denied");
    expect(trafficOf("api")).toEqual({ "api-1": 100 });
  });

  test("of a service that has only Terraform's placeholder besides gives the candidate all traffic", async () => {
    services.set("api", {
      revisions: [{ name: "api-1", image: PLACEHOLDER, percent: 100 }],
      followsLatest: true,
    });
    await deploy(options);
    expect(trafficOf("api")).toEqual({ "api-1": 100 });
    await step(options, { percent: 5, minutes: 0 });
    expect(trafficOf("api")).toEqual({ "api-2": 100 });
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
