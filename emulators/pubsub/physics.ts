import type { Fault } from "../kernel/faults.ts";
import type { Physics } from "../kernel/physics.ts";

/**
 * Where the suite's physics are on, pushes are doubled now and then: without exactly-once delivery a message
 * may come again though it was acknowledged (cloud.google.com/pubsub/docs/exactly-once-delivery). The share
 * is ours, and far larger than Google's, so that a test meets it.
 */
export const PUSH_DOUBLED_SHARE = 0.05;

const TWICE: Fault = { kind: "twice", code: "UNAVAILABLE", ms: 0 };

export const doubledPush = (physics: Physics, project: string): Fault | undefined =>
  physics.holdsIn(project) && physics.random() < PUSH_DOUBLED_SHARE ? TWICE : undefined;
