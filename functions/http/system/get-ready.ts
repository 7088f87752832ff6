import { z } from "zod";
import type { Deps } from "../../../shared/platform/deps.ts";
import { within } from "../../../shared/platform/within.ts";
import { publicEndpoint } from "../endpoint.ts";
import type { ApiDeps } from "../api-deps.ts";

/** Each dependency has so long to answer. */
export const CHECK_MS_MAX = 2_000;
/** An instance checks its dependencies at most once in this time. */
export const CHECKED_FOR_MS = 5_000;

const Check = z.object({
  status: z.enum(["ok", "failed"]),
  latencyMs: z.number().optional(),
});
type Check = z.infer<typeof Check>;
export const Readiness = z.object({
  status: z.enum(["ok", "failed"]),
  checks: z.record(z.enum(["firestore", "pubsub", "tasks", "storage", "model"]), Check),
});
export type Readiness = z.infer<typeof Readiness>;

/**
 * Whether each dependency answers, by name. A model that fails, or the bucket of files, does not make the
 * instance unfit: chats are written, and answers and files wait. 1 read, and 1 call to each, at most every
 * CHECKED_FOR_MS.
 */
export const getReady = publicEndpoint({
  method: "GET",
  path: "/readyz",
  summary: "Says whether what the API depends on answers.",
  reply: Readiness,
  async handle({ deps }) {
    const readiness = await readinessOf(deps);
    return { status: readiness.status === "ok" ? 200 : 503, body: readiness };
  },
});

const known = new WeakMap<ApiDeps, { readonly checking: Promise<Readiness>; readonly atMs: number }>();

function readinessOf(deps: ApiDeps): Promise<Readiness> {
  const before = known.get(deps);
  if (before !== undefined && performance.now() - before.atMs < CHECKED_FOR_MS) return before.checking;
  const checking = checkAll(deps);
  known.set(deps, { checking, atMs: performance.now() });
  return checking;
}

async function checkAll({
  firestore,
  publisher,
  tasks,
  bucket,
  models,
  config,
  log,
  upkeep,
}: Deps): Promise<Readiness> {
  const check = async (name: string, work: () => Promise<unknown>): Promise<Check> => {
    const startedMs = performance.now();
    try {
      await within(CHECK_MS_MAX, work());
      return { status: "ok", latencyMs: Math.round(performance.now() - startedMs) };
    } catch (cause) {
      log.error("A dependency does not answer.", cause, { event: "dependency.failed", dependency: name });
      return { status: "failed" };
    }
  };
  return upkeep.run(async () => {
    const [ofFirestore, pubsub, ofTasks, storage, model] = await Promise.all([
      check("firestore", () => firestore.collection("system").doc("ready").get()),
      check("pubsub", () => publisher.check("chat-changes")),
      check("tasks", () => tasks.check("answer-fast")),
      check("storage", () => bucket.check()),
      check("model", () => models.check(config.laneModels.fast)),
    ]);
    const isFit = [ofFirestore, pubsub, ofTasks].every(({ status }) => status === "ok");
    const checks = { firestore: ofFirestore, pubsub, tasks: ofTasks, storage, model };
    return { status: isFit ? "ok" : "failed", checks };
  });
}
