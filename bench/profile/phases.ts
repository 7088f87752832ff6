import type { CpuProfile, ProfileNode } from "./inspector.ts";

/**
 * What part of a request a source file belongs to; the first that fits. Time below a function of no file of
 * these belongs to whoever called it.
 */
const PHASES: readonly (readonly [name: string, file: RegExp])[] = [
  ["suite's function host", /emulators\/local\/function-host/],
  ["Pub/Sub client", /@google-cloud\/pubsub/],
  ["Firestore client", /@google-cloud\/firestore|platform\/firestore/],
  ["gax", /google-gax/],
  ["gRPC, HTTP/2", /@grpc\/grpc-js|internal\/http2|node:http2/],
  ["protobuf", /protobufjs|proto-loader|node_modules\/long\//],
  ["tracing", /opentelemetry|platform\/(?:trace|context)|runtime\/request-(?:span|context)/],
  ["log line", /platform\/(?:log|redact)\.ts|request-line|winston/],
  [
    "authentication",
    /jose\/|runtime\/authenticate|identity\/(?:access-token|key-ring|revocation|permissions)/,
  ],
  ["limits", /runtime\/(?:quota|gate|operations)|identity\/(?:quota|rate-limit|app-directory|settings)/],
  ["validation", /node_modules\/zod|runtime\/parse-/],
  [
    "framework, Express",
    /functions-framework|node_modules\/(?:express|router|body-parser|finalhandler|qs)\//,
  ],
  ["runtime", /functions\/(?:runtime|http)\//],
  ["blocks", /shared\/chat\/blocks/],
  ["head log", /platform\/(?:head-|shared-commits)/],
  ["search", /shared\/(?:search|words)\//],
  ["answers", /shared\/(?:assistant|models|classifier)/],
  ["rules of chats", /shared\/chat\//],
  ["publish", /platform\/publisher/],
  ["rest of ours", /\/(?:shared|functions)\//],
  ["HTTP", /node:(?:_http|http|internal\/http)/],
  ["other packages", /node_modules\//],
];

const NATIVE: ReadonlyMap<string, string> = new Map([
  ["(garbage collector)", "garbage collection"],
  ["(program)", "outside JavaScript"],
]);
const IDLE = new Set(["(idle)", "(root)"]);
const REST = "Node, called by nobody above";

/** A part of the samples, by what was busy in them. */
export interface Share {
  readonly name: string;
  readonly share: number;
}

/** The samples in which the main thread was busy, by phase and by function; the largest first. */
export function sharesOf(profile: CpuProfile): { phases: Share[]; functions: Share[] } {
  const nodes = new Map(profile.nodes.map((node) => [node.id, node]));
  const callers = new Map<number, ProfileNode>();
  for (const node of profile.nodes) for (const child of node.children ?? []) callers.set(child, node);
  const phases = new Map<string, number>();
  const functions = new Map<string, number>();
  let busy = 0;
  for (const id of profile.samples) {
    const node = nodes.get(id);
    if (node === undefined || IDLE.has(node.callFrame.functionName)) continue;
    busy += 1;
    count(phases, phaseOf(node, callers));
    count(functions, nameOf(node));
  }
  return { phases: sharesIn(phases, busy), functions: sharesIn(functions, busy) };
}

const count = (table: Map<string, number>, name: string): void => {
  table.set(name, (table.get(name) ?? 0) + 1);
};

const sharesIn = (table: ReadonlyMap<string, number>, total: number): Share[] =>
  [...table].map(([name, samples]) => ({ name, share: samples / total })).sort((a, b) => b.share - a.share);

function phaseOf(node: ProfileNode, callers: ReadonlyMap<number, ProfileNode>): string {
  const native = NATIVE.get(node.callFrame.functionName);
  if (native !== undefined) return native;
  for (let at: ProfileNode | undefined = node; at !== undefined; at = callers.get(at.id)) {
    const { url } = at.callFrame;
    const phase = PHASES.find(([, file]) => file.test(url));
    if (phase !== undefined) return phase[0];
  }
  return REST;
}

function nameOf({ callFrame: { functionName, url, lineNumber } }: ProfileNode): string {
  const file = url.replace(/^.*\/(?=(?:node_modules|shared|functions|emulators)\/)/, "");
  return `${functionName || "(anonymous)"} ${file}:${lineNumber + 1}`;
}
