import { send } from "./http.js";

/**
 * @typedef {{ api: string, projectId: string, operatorKey: string, app: { id: string, token?: string }, ports: Record<string, number> }} Info
 * @typedef {{ to: string, from: string, subject: string, text: string, at: string }} Mail
 * @typedef {{ user?: string, token: string, notification?: { title?: string, body?: string }, at: string }} Push
 * @typedef {{ rpcs: Record<string, number>, billed: { reads: number, writes: number, deletes: number }, publishes: number, tasks: number, modelCalls: number }} Counts
 * @typedef {{ sequence: number, at: string, severity: string, message: string, function?: string, requestId?: string, entry: Record<string, unknown> }} LogLine
 *
 * @typedef {{ collections: string[], document?: { id: string, updateTime: string, fields: Record<string, unknown> }, documents: { id: string, updateTime: string, fields: Record<string, unknown> }[], next?: string }} BrowsePage
 * @typedef {{ firstTokenMs: number, tokensPerSecond: number, fault?: string, after?: number }} ModelSettings
 * @typedef {{ model: string, provider: string, state: "closed" | "open" | "half-open", openUntil: string | null }} Breaker
 * @typedef {ReturnType<typeof createControl>} Control
 */

/** The suite's own doors, beside the API. @param {string} base */
export function createControl(base) {
  /** @param {string} path @param {AbortSignal} [signal] */
  const get = async (path, signal) =>
    (await send("GET", `${base}/control/${path}`, signal ? { signal } : {})).data;

  return {
    /** @returns {Promise<Info>} */
    info: () => get("info"),
    /** @param {AbortSignal} signal @returns {Promise<Mail[]>} */
    mail: async (signal) => (await get("mail?limit=30", signal)).data,
    /** @param {AbortSignal} signal @returns {Promise<Push[]>} */
    pushes: async (signal) => (await get("pushes?limit=30", signal)).data,
    /** @param {string} requestId @returns {Promise<Counts>} */
    cost: (requestId) => get(`meter?requestId=${encodeURIComponent(requestId)}`),
    /** @param {URLSearchParams} query @param {AbortSignal} signal @returns {Promise<LogLine[]>} */
    logs: async (query, signal) => (await get(`logs?${query}`, signal)).data,
    /** @param {AbortSignal} signal @returns {Promise<import("./operations/traces.js").Summary[]>} */
    traces: async (signal) => (await get("traces?limit=500", signal)).data,
    /** @param {string} traceId @param {AbortSignal} signal @returns {Promise<import("./operations/waterfall.js").Span[]>} */
    spans: async (traceId, signal) => (await get(`traces/${traceId}`, signal)).data,
    /** What is at and below a path in Firestore. @param {string} path @param {string} [after] @returns {Promise<BrowsePage>} */
    browse: (path, after) =>
      get(
        `firestore?${new URLSearchParams({ path, limit: "50", ...(after === undefined ? {} : { after }) })}`,
      ),
    /** @param {AbortSignal} signal */
    queues: (signal) => get("queues", signal),
    /** How each emulated model behaves. @param {AbortSignal} [signal] @returns {Promise<Record<string, ModelSettings>>} */
    models: async (signal) => (await get("model", signal)).models,
    /** A fault that is not given ends. @param {Partial<ModelSettings> & { model: string }} change */
    setModel: (change) => send("POST", `${base}/control/model`, { body: change }),
    /** How the models stand with the API, which only operators are told. @param {string} operatorKey @param {AbortSignal} [signal] @returns {Promise<Breaker[]>} */
    breakers: async (operatorKey, signal) => {
      const headers = { authorization: `Bearer ${operatorKey}` };
      return (await send("GET", "/v1/operator/breakers", { headers, ...(signal ? { signal } : {}) })).data
        .data;
    },
    /** @param {string} name */
    runSchedule: (name) => send("POST", `${base}/control/schedules/${encodeURIComponent(name)}/run`),
  };
}

/** Where the suite's control API is; undefined when the page is served by something else. */
export async function findControl() {
  try {
    const { data } = await send("GET", "/__/suite.json");
    return typeof data?.control === "string" ? createControl(data.control) : undefined;
  } catch {
    return undefined;
  }
}
