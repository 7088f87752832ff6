import { type AddressInfo, createServer } from "node:net";
import { setTimeout } from "node:timers/promises";
import { z } from "zod";

export type PortsOf<Name extends string> = Readonly<Record<Name, number>>;

const PORT_MAX = 65_535;
const Port = z.int().min(0).max(PORT_MAX);

/** The `emulators` part of firebase.json; other keys there belong to other tools. */
const FirebaseEmulators = z.object({
  emulators: z.record(z.string(), z.unknown()).default({}),
});
const EmulatorPort = z.object({ port: Port });

/**
 * The ports that firebase.json gives. A port that it does not give comes from `fallback`; without one, a
 * missing port is an error. Throws a ZodError that names the wrong place.
 */
export function portsOfConfig<Name extends string>(
  names: readonly Name[],
  firebaseJson: unknown,
  fallback?: PortsOf<Name>,
): PortsOf<Name> {
  const { emulators } = FirebaseEmulators.parse(firebaseJson);
  const known = fallback === undefined ? names : names.filter((name) => emulators[name] !== undefined);
  const schema = z.object(Object.fromEntries(known.map((name) => [name, EmulatorPort])));
  const given = schema.parse(emulators) as Partial<Record<Name, { port: number }>>;
  return portsOf(names, (name) => given[name]?.port ?? (fallback?.[name] as number));
}

/** Consecutive ports from `base` on. Throws a RangeError that names the flag `--port-base`. */
export function portsFrom<Name extends string>(names: readonly Name[], base: number): PortsOf<Name> {
  if (!Number.isInteger(base) || base < 1 || base + names.length - 1 > PORT_MAX) {
    throw new RangeError(`--port-base needs a number from 1 to ${PORT_MAX - names.length + 1}.`);
  }
  return portsOf(names, (_name, index) => base + index);
}

export const portsOf = <Name extends string>(
  names: readonly Name[],
  port: (name: Name, index: number) => number,
): PortsOf<Name> =>
  Object.fromEntries(names.map((name, index) => [name, port(name, index)])) as PortsOf<Name>;

export class PortInUseError extends Error {
  constructor(name: string, port: number) {
    super(`Port ${port} (${name}) is in use. Stop what uses it, or move all ports: --port-base 6000`);
    this.name = "PortInUseError";
  }
}

/**
 * Refuses before anything has been opened when a port is taken, so that a failed start leaves
 * nothing half open. Between this check and the real listening another process may still be faster;
 * then the listening itself fails.
 */
export async function requireFreePorts<Name extends string>(
  ports: PortsOf<Name>,
  names: readonly Name[],
): Promise<void> {
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
 * Processes that a killed suite has started may take a moment to notice its end and to let go of their
 * ports. The wait is long enough for one that is just loading its modules on a busy machine.
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
