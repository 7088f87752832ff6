import { join } from "node:path";
import { openFirestore } from "../emulators/firestore/server.ts";
import { serveGrpc } from "../emulators/kernel/grpc.ts";
import { loadProtos } from "../emulators/kernel/protos.ts";
import { createKernel } from "../emulators/kernel/kernel.ts";
import type { ServiceSpec } from "../emulators/kernel/rpc.ts";
import { protoTime } from "../emulators/kernel/proto-time.ts";
import { openPubSub } from "../emulators/pubsub/server.ts";
import { openTasks } from "../emulators/tasks/server.ts";

/**
 * Emulators in a process of their own, for a bench to start, measure and kill. Serves all given kinds on one
 * port, prints it, and ends with its input: `node bench/emulator-server.ts firestore,pubsub,tasks FOLDER`.
 */

const [, , kinds = "", folder = ""] = process.argv;
const kernel = createKernel();
const mintIdToken = async (): Promise<string> => "token";

/**
 * Answers commits as the emulator does, and forgets them: what the client and the wire cost by themselves.
 */
function openNothing(): { readonly services: readonly ServiceSpec[] } {
  const Commit: NonNullable<ServiceSpec["unary"]>[string] = ({ writes }) => {
    const commitTime = protoTime(Date.now());
    const writeResults = writes.map(() => ({ updateTime: commitTime }));
    return { commitTime, writeResults };
  };
  const root = loadProtos("@google-cloud/firestore-api");
  const proto = "google.firestore.v1.Firestore";
  return { services: [{ name: "firestore", proto, root, unary: { Commit } }] };
}

const path = (kind: string): string => join(folder, `${kind}.sqlite`);
const open: Readonly<Record<string, () => { readonly services: readonly ServiceSpec[] }>> = {
  firestore: () => openFirestore(kernel, { path: path("firestore") }),
  pubsub: () => openPubSub(kernel, { path: path("pubsub"), mintIdToken }),
  tasks: () => openTasks(kernel, { path: path("tasks"), mintIdToken }),
  nothing: openNothing,
};

const services = kinds.split(",").flatMap((kind) => {
  const opened = open[kind]?.();
  if (opened === undefined) throw new Error(`There is no emulator "${kind}".`);
  return opened.services;
});
const { port } = await serveGrpc(kernel, 0, services);
console.log(port);
process.stdin.resume().once("end", () => process.exit(0));
