import type { Gcloud } from "./rollout-steps.ts";

/** By this tag a candidate is reached; it is set while it is tried out only. */
export const CANDIDATE_TAG = "candidate";

interface Traffic {
  readonly revisionName?: string;
  readonly percent?: number;
  readonly tag?: string;
  readonly url?: string;
  /** Whether it follows the revision that was created last. */
  readonly latestRevision?: boolean;
}

export interface Service {
  readonly spec?: {
    readonly template?: {
      readonly spec?: {
        readonly containers?: readonly {
          readonly env?: readonly { readonly name: string; readonly value?: string }[];
        }[];
      };
    };
  };
  readonly status: {
    readonly latestReadyRevisionName: string;
    readonly latestCreatedRevisionName: string;
    readonly traffic: readonly Traffic[];
  };
}

export interface Place {
  readonly project: string;
  readonly region: string;
  readonly gcloud: Gcloud;
}

/** A candidate that can be asked for the moment. */
export interface Reachable {
  readonly name: string;
  /** The tagged revision's own address; a public function is asked through the load balancer instead. */
  readonly url: string;
  /** The invoker's, for a background function. */
  readonly token: string | undefined;
}

export const where = ({ project, region }: Place): string[] => ["--project", project, "--region", region];

export async function describe(place: Place, name: string): Promise<Service> {
  const text = await place.gcloud(["run", "services", "describe", name, ...where(place), "--format", "json"]);
  return JSON.parse(text) as Service;
}

export const updateTraffic = (place: Place, name: string, change: readonly string[]): Promise<string> =>
  place.gcloud(["run", "services", "update-traffic", name, ...where(place), ...change, "--quiet"]);

/**
 * Makes a candidate reachable, which for a public function is by a header that anybody may send; lets it be
 * asked, and makes it unreachable again, whatever comes of it.
 */
export async function tryOut(
  place: Place,
  { name, isPublic }: { readonly name: string; readonly isPublic: boolean },
  ask: (candidate: Reachable) => Promise<void>,
): Promise<void> {
  try {
    const candidate = (await describe(place, name)).status.latestCreatedRevisionName;
    await updateTraffic(place, name, ["--update-tags", `${CANDIDATE_TAG}=${candidate}`]);
    const service = await describe(place, name);
    const url = service.status.traffic.find(({ tag }) => tag === CANDIDATE_TAG)?.url;
    if (url === undefined) throw new Error(`The candidate of ${name} has no address.`);
    const token = isPublic ? undefined : await invokersToken(place, name, service);
    await ask({ name, url, token });
  } finally {
    await removeTag(place, name);
  }
}

export async function removeTag(place: Place, name: string): Promise<void> {
  const { traffic } = (await describe(place, name)).status;
  if (!traffic.some(({ tag }) => tag === CANDIDATE_TAG)) return;
  await updateTraffic(place, name, ["--remove-tags", CANDIDATE_TAG]);
}

/** Whom a function takes calls from, and under which address, stands in its environment. */
async function invokersToken({ gcloud }: Place, name: string, { spec }: Service): Promise<string> {
  const variables = spec?.template?.spec?.containers?.[0]?.env ?? [];
  const valueOf = (wanted: string): string => {
    const value = variables.find((variable) => variable.name === wanted)?.value;
    if (value === undefined) throw new Error(`${name} has no ${wanted}.`);
    return value;
  };
  const audience = valueOf("FUNCTIONS_URL").replace("{function}", name);
  const token = await gcloud([
    "auth",
    "print-identity-token",
    "--impersonate-service-account",
    valueOf("INVOKER_EMAIL"),
    "--audiences",
    audience,
    "--include-email",
  ]);
  return token.trim();
}
