import { createHmac } from "node:crypto";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { text } from "node:stream/consumers";

export interface HookCall {
  readonly id: string;
  readonly type: string;
  readonly data: {
    app: string;
    mode: string;
    chat: { number: number; kind: string };
    message: {
      number?: number;
      sender: string;
      model?: string;
      text: string;
      forwarded?: string;
      thinking?: string;
      isEdit: boolean;
    };
  };
}
export type Verdict = Record<string, unknown>;

/** A hook that an app's server would run: it trusts nothing whose signature is not right. */
export class HookServer implements AsyncDisposable {
  readonly asked: HookCall[] = [];
  readonly unsigned: string[] = [];
  secrets: string[] = [];
  verdict: (asked: HookCall) => Verdict = () => ({ decision: "allow" });
  reply: ((request: IncomingMessage, response: ServerResponse) => void) | undefined;
  readonly #server = createServer((request, response) => void this.#serve(request, response));

  async start(): Promise<string> {
    await new Promise<void>((resolve) => this.#server.listen(0, "127.0.0.1", resolve));
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}/judge`;
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const body = await text(request);
    const { headers } = request;
    const id = String(headers["webhook-id"]);
    const timestamp = String(headers["webhook-timestamp"]);
    const signatures = String(headers["webhook-signature"]).split(" ");
    const isSigned = this.secrets.some((secret) => {
      const key = Buffer.from(secret.replace(/^whsec_/, ""), "base64");
      const right = createHmac("sha256", key).update(`${id}.${timestamp}.${body}`).digest("base64");
      return signatures.includes(`v1,${right}`);
    });
    const asked = { id, ...JSON.parse(body) } as HookCall;
    if (isSigned) this.asked.push(asked);
    else this.unsigned.push(id);
    if (this.reply !== undefined) {
      this.reply(request, response);
      return;
    }
    response.writeHead(isSigned ? 200 : 401, { "content-type": "application/json" });
    response.end(JSON.stringify(this.verdict(asked)));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }
}
