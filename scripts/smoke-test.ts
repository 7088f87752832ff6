/**
 * How the load balancer is told to send a request to the revision that is tagged `candidate`
 * (terraform/load-balancer.tf).
 */
export const CANDIDATE_HEADERS = { "x-scrollback-revision": "candidate" } as const;

/**
 * An instance of the candidate may have to start first, and a tag takes a moment to reach the load balancer.
 */
const ATTEMPTS = 10;
const ATTEMPT_MS_MAX = 10_000;
const PAUSE_MS = 6_000;

interface Probe {
  readonly path: string;
  readonly status: number;
  /** What the body holds, so that not just any page will do. */
  readonly holds: string;
}

/** Each without credentials, and together through Firestore, Cloud KMS and the router. */
const PROBES: readonly Probe[] = [
  { path: "/.well-known/jwks.json", status: 200, holds: '"keys"' },
  { path: "/problems/not_found", status: 200, holds: "not_found" },
  { path: "/v1/operator/security-events", status: 401, holds: '"requestId"' },
  { path: "/v1/no-such-route", status: 404, holds: '"requestId"' },
];

export interface SmokeOptions {
  readonly attempts?: number;
  readonly pauseMs?: number;
}

/**
 * Asks the candidate for what needs nobody's rights. @throws Error naming what it answered wrongly, at the
 * last attempt
 */
export async function smokeTest(publicUrl: string, options: SmokeOptions = {}): Promise<void> {
  const { attempts = ATTEMPTS, pauseMs = PAUSE_MS } = options;
  for (const probe of PROBES) {
    for (let attempt = 1; ; attempt += 1) {
      const problem = await problemOf(publicUrl, probe);
      if (problem === undefined) break;
      if (attempt >= attempts) throw new Error(`GET ${probe.path}: ${problem}`);
      await new Promise((resolve) => setTimeout(resolve, pauseMs));
    }
  }
}

async function problemOf(publicUrl: string, { path, status, holds }: Probe): Promise<string | undefined> {
  try {
    const signal = AbortSignal.timeout(ATTEMPT_MS_MAX);
    const answer = await fetch(`${publicUrl}${path}`, { headers: CANDIDATE_HEADERS, signal });
    const text = await answer.text();
    if (answer.status !== status) return `${answer.status} in place of ${status}`;
    return text.includes(holds) ? undefined : `the answer does not hold ${holds}`;
  } catch (cause) {
    return cause instanceof Error ? cause.message : String(cause);
  }
}
