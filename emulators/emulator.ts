import type { IndexFile } from "./firestore/index-file.ts";
import type { DataFolder } from "./kernel/data-folder.ts";
import type { HttpBeside } from "./kernel/grpc.ts";
import type { Kernel } from "./kernel/kernel.ts";
import type { ServiceSpec } from "./kernel/rpc.ts";
import type { RequestListener } from "./kernel/loopback.ts";

/** How clients reach an emulator on its port. */
export type Served =
  /** gRPC, and HTTP/1.1 on the same port where `http` is given. */
  | { readonly grpc: readonly ServiceSpec[]; readonly http?: HttpBeside | undefined }
  /**
   * HTTP/1.1. Emulators that share a port divide its requests: `accepts` says which requests belong to this
   * emulator; the emulator without it gets the others.
   */
  | { readonly listener: RequestListener; readonly accepts?: (method: string, url: string) => boolean }
  /** Another protocol: the emulator listens by itself and resolves with the port that it has taken. */
  | { readonly listen: (port: number) => Promise<number> };

export interface Opened<Api> {
  /** What programs in the same process use: tests, provisioning, a control API. */
  readonly api: Api;
  /** Absent: the emulator serves nothing by itself. */
  readonly served?: Served;
  /** Runs after the emulator's port has been closed. */
  close?(): unknown;
}

/** What the suite gives to an emulator that opens. */
export interface Opening {
  readonly project: string;
  readonly folder: DataFolder;
  /**
   * `firestore.indexes.json`, parsed: Firestore then refuses queries that lack an index, as in production.
   */
  readonly indexes: IndexFile | undefined;
  /** Resolves when the receivers of pushes, tasks and schedules can be called. */
  beforeDelivery(): Promise<void>;
  /** Listens on the emulator's HTTP port at once, for an emulator that must know its own address. */
  takePort(): Promise<number>;
}

// oxlint-disable-next-line typescript/no-explicit-any -- any emulator, whatever its API and its relations are
export type AnyEmulator = Emulator<string, any, any, any, any, any>;
type Emulators = Readonly<Record<string, AnyEmulator>>;

/** What `suite.<name>` is for this emulator. */
export type ApiOf<E> = E extends { open(...args: never[]): Opened<infer Api> | Promise<Opened<infer Api>> }
  ? Api
  : never;

/** The shape that every service has. */
export interface Emulator<
  Name extends string,
  Port extends string | undefined,
  Api,
  Needs extends Emulators,
  Uses extends Emulators,
  Prepared,
> {
  readonly name: Name;
  /** The name of the port on which it is served; undefined where nothing is. */
  readonly port: Port;
  /** The files and folders that it keeps in the data folder. */
  readonly files: readonly string[];
  /** Emulators that it cannot work without: the suite starts them with it. */
  readonly needs?: Needs;
  /** Emulators that it works with if they have been started too. */
  readonly uses?: Uses;
  /** Starts what takes long and depends on no other emulator. All emulators prepare at the same time. */
  prepare?(opening: Pick<Opening, "project" | "folder">): Promise<Prepared>;
  open(
    kernel: Kernel,
    opening: Opening,
    related: { readonly [N in keyof Needs]: ApiOf<Needs[N]> } & {
      readonly [U in keyof Uses]?: ApiOf<Uses[U]>;
    },
    prepared: Prepared,
  ): Opened<Api> | Promise<Opened<Api>>;
  /** The variables that point clients at it. `address` is host and port, "" where it has no port. */
  env(address: string, api: Api): Readonly<Record<string, string>>;
}

/** Infers the types of an emulator from its definition. */
export const defineEmulator = <
  const Name extends string,
  const Port extends string | undefined,
  Api,
  // oxlint-disable-next-line typescript/no-empty-object-type -- no relations at all
  Needs extends Emulators = {},
  // oxlint-disable-next-line typescript/no-empty-object-type -- no relations at all
  Uses extends Emulators = {},
  Prepared = undefined,
>(
  emulator: Emulator<Name, Port, Api, Needs, Uses, Prepared>,
): Emulator<Name, Port, Api, Needs, Uses, Prepared> => emulator;
