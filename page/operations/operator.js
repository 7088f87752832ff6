import { send } from "../http.js";

/** @typedef {ReturnType<typeof createOperator>} Operator */

const LIMIT = 100;

/** What the API lets an operator do. @param {string} operatorKey */
export function createOperator(operatorKey) {
  const path = "/v1/operator/dead-letters";
  const headers = { authorization: `Bearer ${operatorKey}` };
  return {
    /** @param {AbortSignal} signal @returns {Promise<import("./dead-letters.js").DeadLetter[]>} */
    deadLetters: async (signal) =>
      (await send("GET", `${path}?limit=${LIMIT}`, { headers, signal })).data.data,
    /** @param {AbortSignal} signal @returns {Promise<import("./dead-letters.js").Job[]>} */
    jobs: async (signal) =>
      (await send("GET", `/v1/operator/jobs?limit=${LIMIT}`, { headers, signal })).data.data,
    /** @param {string} id */
    replay: (id) => send("POST", `${path}/${id}/replay`, { headers }),
    /** @param {number} perSecond */
    replayAll: (perSecond) =>
      send("POST", `${path}/replay-all`, {
        headers: { ...headers, "idempotency-key": `"${crypto.randomUUID()}"` },
        body: { perSecond },
      }),
    /** @param {string} id */
    discard: (id) => send("DELETE", `${path}/${id}`, { headers }),
  };
}
