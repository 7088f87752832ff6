import { readFileSync } from "node:fs";
import type { System } from "./start-system.ts";

/** Tells one process of a function of a delivery, as a queue or subscription would; its answer's status. */
export async function deliverTo(system: System, port: number, name: string, body: object): Promise<number> {
  const audience = `${system.functionsUrl}/${name}`;
  const token = await system.suite.oidc.mintIdToken({ audience, email: system.env.INVOKER_EMAIL ?? "" });
  const { status } = await fetch(`http://127.0.0.1:${port}/${name}`, {
    method: "POST",
    headers: { "content-type": "application/json", authorization: `Bearer ${token}` },
    body: JSON.stringify(body),
  });
  return status;
}

/** The most that a process has had resident so far, in MiB. */
export function peakMebibytes(pid: number): number {
  const [, kibibytes = "0"] = /VmHWM:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, "utf8")) ?? [];
  return Math.round(Number(kibibytes) / 1024);
}
