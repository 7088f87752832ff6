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

/** Of each public function: without credentials, and together through Firestore, Cloud KMS and the router. */
export const PROBES: Readonly<Record<string, readonly Probe[]>> = {
  api: [
    { path: "/.well-known/jwks.json", status: 200, holds: '"keys"' },
    { path: "/problems/not_found", status: 200, holds: "not_found" },
    { path: "/v1/operator/security-events", status: 401, holds: '"requestId"' },
    { path: "/v1/no-such-route", status: 404, holds: '"requestId"' },
  ],
  live: [{ path: "/v1/apps/no-such-app/events", status: 401, holds: '"requestId"' }],
};

export interface SmokeOptions {
  readonly attempts?: number;
  readonly pauseMs?: number;
}

/**
 * Asks a public function's candidate for what needs nobody's rights. @throws Error naming what it answered
 * wrongly, at the last attempt
 */
export async function smokeTest(
  { name, publicUrl }: { readonly name: string; readonly publicUrl: string },
  options: SmokeOptions = {},
): Promise<void> {
  const probes = PROBES[name];
  if (probes === undefined) throw new Error(`Nobody knows what ${name} answers.`);
  for (const probe of probes) {
    await insist(`GET ${probe.path}`, options, () => problemOf(publicUrl, probe));
  }
}

/**
 * Asks a background function, in the invoker's name, whether it is there: it proves the caller and does
 * nothing. @throws Error as above
 */
export async function smokeTestBackground(
  { url, token }: { readonly url: string; readonly token: string },
  options: SmokeOptions = {},
): Promise<void> {
  await insist(`GET ${url}`, options, async () => {
    const signal = AbortSignal.timeout(ATTEMPT_MS_MAX);
    const { status } = await fetch(url, { headers: { authorization: `Bearer ${token}` }, signal });
    return status === 204 ? undefined : `${status} in place of 204`;
  });
}

async function insist(
  what: string,
  { attempts = ATTEMPTS, pauseMs = PAUSE_MS }: SmokeOptions,
  ask: () => Promise<string | undefined>,
): Promise<void> {
  for (let attempt = 1; ; attempt += 1) {
    const problem = await ask().catch((cause: unknown) =>
      cause instanceof Error ? cause.message : String(cause),
    );
    if (problem === undefined) return;
    if (attempt >= attempts) throw new Error(`${what}: ${problem}`);
    await new Promise((resolve) => setTimeout(resolve, pauseMs));
  }
}

async function problemOf(publicUrl: string, { path, status, holds }: Probe): Promise<string | undefined> {
  const signal = AbortSignal.timeout(ATTEMPT_MS_MAX);
  const answer = await fetch(`${publicUrl}${path}`, { headers: CANDIDATE_HEADERS, signal });
  const text = await answer.text();
  if (answer.status !== status) return `${answer.status} in place of ${status}`;
  return text.includes(holds) ? undefined : `the answer does not hold ${holds}`;
}
