import { type AddressInfo, createServer } from "node:net";
import { setTimeout } from "node:timers/promises";
import { z } from "zod";

/** Every port of the suite, in the order in which `--port-base` hands them out. */
export const PORT_NAMES = [
  "hosting",
  "ui",
  "auth",
  "firestore",
  "pubsub",
  "tasks",
  "storage",
  "smtp",
  "model",
  "functions",
  "kms",
  "push",
  "trace",
] as const;

export type PortName = (typeof PORT_NAMES)[number];
export type Ports = Readonly<Record<PortName, number>>;

const PORT_MAX = 65_535;
const Port = z.int().min(0).max(PORT_MAX);

/** The `emulators` part of firebase.json; other keys there belong to other tools. */
const FirebaseEmulators = z.object({
  emulators: z.object(
    Object.fromEntries(PORT_NAMES.map((name) => [name, z.object({ port: Port })])) as Record<
      PortName,
      z.ZodObject<{ port: typeof Port }>
    >,
  ),
});

/** The ports that firebase.json gives. */
export function portsOfConfig(firebaseJson: unknown): Ports {
  const { emulators } = FirebaseEmulators.parse(firebaseJson);
  return eachPort((name) => emulators[name].port);
}

/** Consecutive ports from `base` on. */
export function portsFrom(base: number): Ports {
  if (!Number.isInteger(base) || base < 1 || base + PORT_NAMES.length - 1 > PORT_MAX) {
    throw new RangeError(`--port-base needs a number from 1 to ${PORT_MAX - PORT_NAMES.length + 1}.`);
  }
  return eachPort((_name, index) => base + index);
}

/** Port 0 everywhere: the system chooses free ones. */
export const anyPorts = (): Ports => eachPort(() => 0);

const eachPort = (port: (name: PortName, index: number) => number): Ports =>
  Object.fromEntries(PORT_NAMES.map((name, index) => [name, port(name, index)])) as Ports;

export class PortInUseError extends Error {
  constructor(name: PortName, port: number) {
    super(
      `Port ${port} (${name}) is in use. Stop what uses it, or move all ports: npm start -- --port-base 6000`,
    );
    this.name = "PortInUseError";
  }
}

/**
 * Refuses before anything has been opened when a port is taken, so that a failed start leaves
 * nothing half open. Between this look and the real listening another process may still be faster;
 * then the listening itself fails.
 */
export async function requireFreePorts(ports: Ports, names: readonly PortName[]): Promise<void> {
  await Promise.all(
    names.map(async (name) => {
      if (ports[name] !== 0 && !(await becomesFree(ports[name]))) throw new PortInUseError(name, ports[name]);
    }),
  );
}

/** A port that is free now, for what must know its address before it listens. */
export function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const probe = createServer();
    probe.once("error", reject);
    probe.listen(0, "127.0.0.1", () => {
      const { port } = probe.address() as AddressInfo;
      probe.close(() => resolve(port));
    });
  });
}

/**
 * A suite that was killed leaves its function hosts a moment in which to notice, and to let go of their
 * ports: long enough for one that is just loading its modules on a busy machine.
 */
const RELEASE_TRIES = 80;
const RELEASE_TRY_MS = 50;

async function becomesFree(port: number): Promise<boolean> {
  for (let tries = 0; tries < RELEASE_TRIES; tries += 1) {
    if (await isFree(port)) return true;
    await setTimeout(RELEASE_TRY_MS);
  }
  return false;
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve, reject) => {
    const probe = createServer();
    probe.once("error", (error: NodeJS.ErrnoException) =>
      error.code === "EADDRINUSE" ? resolve(false) : reject(error),
    );
    probe.listen(port, "127.0.0.1", () => probe.close(() => resolve(true)));
  });
}
