import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { playStream } from "../../testing/own-provider.ts";
import { ANSWERED_STREAMS, FAILED_STREAMS, type ProviderStream } from "../../testing/provider-streams.ts";
import { callModel, type ModelRequest, type Provider } from "./call-model.ts";
import type { AttachedImage, ModelPiece, ModelUsage, Turn } from "./contract.ts";

let server: Server;
let provider: Provider;
let answer: (request: IncomingMessage, response: ServerResponse, body: Record<string, unknown>) => void;

beforeAll(async () => {
  server = createServer((request, response) => {
    let text = "";
    request.on("data", (bytes) => (text += bytes));
    request.on("end", () => answer(request, response, JSON.parse(text)));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  provider = {
    baseUrl: `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`,
    headers: async () => ({ authorization: "Bearer key" }),
    limitField: "max_completion_tokens",
    asksUsage: true,
  };
});
afterAll(() => server.close());

const request = (changes: Partial<ModelRequest> = {}): ModelRequest => ({
  model: "some-model",
  turns: [{ role: "user", content: "Hi" }],
  maxTokens: 500,
  textCharsMax: 10_000,
  firstMsMax: 5_000,
  silenceMsMax: 5_000,
  signal: new AbortController().signal,
  ...changes,
});

const image = (read: AttachedImage["read"] = async () => Uint8Array.of(1, 2, 3)): AttachedImage => ({
  file: "photo",
  as: "image",
  width: 40,
  height: 20,
  type: "image/jpeg",
  read,
});

interface Gathered {
  text: string;
  thinking: string;
  finish: string | undefined;
  usage: ModelUsage;
  calls: { id?: string; name: string; arguments: string }[];
}

async function gather(pieces: AsyncIterable<ModelPiece>): Promise<Gathered> {
  const gathered: Gathered = { text: "", thinking: "", finish: undefined, usage: {}, calls: [] };
  for await (const piece of pieces) {
    if (piece.kind === "text") gathered.text += piece.text;
    else if (piece.kind === "thinking") gathered.thinking += piece.text;
    else if (piece.kind === "finish") gathered.finish = piece.reason;
    else if (piece.kind === "usage") gathered.usage = piece.usage;
    else {
      const { index, id, name = "" } = piece;
      const call = (gathered.calls[index] ??= { ...(id === undefined ? {} : { id }), name, arguments: "" });
      call.arguments += piece.arguments;
    }
  }
  return gathered;
}

const named = <S extends ProviderStream>(streams: readonly S[]) =>
  streams.map((stream) => [`${stream.provider}: ${stream.name}`, stream] as const);
const call = (stream: ProviderStream): Promise<Gathered> => {
  answer = (_request, response) => playStream(stream, response);
  return gather(callModel(provider, request({ startsThinking: stream.startsThinking, turns: [] })));
};

describe("of a provider's stream becomes", () => {
  test.each(named(ANSWERED_STREAMS))("an answer: %s", async (_, stream) => {
    const whole = { thinking: "", calls: [], usage: expect.anything(), ...stream.expected };
    expect(await call(stream)).toEqual(whole);
  });

  test.each(named(FAILED_STREAMS))("a named failure: %s", async (_, stream) => {
    const { failure: kind, retryAfterMs } = stream.expected;
    await expect(call(stream)).rejects.toMatchObject({ name: "ModelFailure", kind, retryAfterMs });
  });
});

describe("the request", () => {
  test("has what the provider takes, and keeps the query of its address", async () => {
    let seen: { url: string | undefined; body: unknown; authorization: string | undefined } | undefined;
    answer = ({ url, headers }, response, body) => {
      seen = { url, body, authorization: headers.authorization };
      response.end('data: {"choices":[{"delta":{"content":"Hi"}}]}\n\ndata: [DONE]\n\n');
    };
    const azure = { ...provider, baseUrl: `${provider.baseUrl}/?api-version=2026-01-01` };
    await gather(callModel(azure, request({ temperature: 0.2 })));
    expect(seen).toEqual({
      url: "/v1/chat/completions?api-version=2026-01-01",
      authorization: "Bearer key",
      body: {
        model: "some-model",
        messages: [{ role: "user", content: "Hi" }],
        stream: true,
        max_completion_tokens: 500,
        temperature: 0.2,
        stream_options: { include_usage: true },
      },
    });
  });

  test.each([
    [
      "max_completion_tokens",
      "Unsupported parameter: 'max_completion_tokens' is not supported with this model. Use 'max_tokens' instead.",
      { max_tokens: 500 },
    ],
    [
      "max_completion_tokens",
      "body -> max_completion_tokens: Extra inputs are not permitted",
      { max_tokens: 500 },
    ],
    [
      "stream_options",
      "Unrecognized request argument supplied: stream_options",
      { max_completion_tokens: 500 },
    ],
    [
      "temperature",
      "Unsupported value: 'temperature' does not support 0.2 with this model.",
      { max_completion_tokens: 500 },
    ],
  ])("is made once more without %s where that is refused: %s", async (field, message, sent) => {
    const bodies: Record<string, unknown>[] = [];
    answer = (_request, response, body) => {
      bodies.push(body);
      if (field in body) {
        response.writeHead(400).end(JSON.stringify({ error: { message, param: field } }));
      } else response.end('data: {"choices":[{"delta":{"content":"Hi"}}]}\n\ndata: [DONE]\n\n');
    };
    const { text } = await gather(callModel(provider, request({ temperature: 0.2 })));
    expect(text).toBe("Hi");
    expect(bodies).toHaveLength(2);
    expect(bodies[1]).toMatchObject(sent);
    expect(bodies[1]).not.toHaveProperty(field);
  });

  test.each([
    [
      "OpenAI",
      400,
      "max_tokens is too large: 4000. This model supports at most 2048 completion tokens, whereas you provided 4000.",
    ],
    [
      "Vertex",
      400,
      "it has a maxOutputTokens value of 4000 but the supported range is from 1 (inclusive) to 2049 (exclusive).",
    ],
    [
      "Anthropic",
      400,
      "max_tokens: 4000 > 2048, which is the maximum allowed number of output tokens for claude-3-haiku-20240307",
    ],
    [
      "Scaleway",
      416,
      "max_completion_tokens is limited for this model: it must be less than or equal to 2,048",
    ],
  ])("is made once more with the highest limit where that is lower: %s", async (_, status, message) => {
    const limits: unknown[] = [];
    answer = (_request, response, body) => {
      limits.push(body["max_completion_tokens"]);
      if (limits.length === 1) response.writeHead(status).end(JSON.stringify({ error: { message } }));
      else response.end('data: {"choices":[{"delta":{"content":"Hi"}}]}\n\ndata: [DONE]\n\n');
    };
    const { text } = await gather(callModel(provider, request({ maxTokens: 4_000 })));
    expect([text, ...limits]).toEqual(["Hi", 4_000, 2_048]);
  });

  test("is not made again with another limit where the question is too long, and says for which window", async () => {
    let calls = 0;
    answer = (_request, response) => {
      calls += 1;
      const message =
        "'max_tokens' is too large: 4000. This model's maximum context length is 4096 tokens and your request has 300 input tokens (4000 > 4096 - 300).";
      response.writeHead(400).end(JSON.stringify({ error: { message } }));
    };
    const failure = { kind: "too_long", windowTokens: 4_096 };
    await expect(gather(callModel(provider, request({ maxTokens: 4_000 })))).rejects.toMatchObject(failure);
    expect(calls).toBe(1);
  });

  test.each([
    ["OpenAI", 400, "Invalid content type. image_url is only supported by certain models."],
    ["vLLM", 400, "At most 1 image(s) may be provided in one request."],
    ["llama.cpp", 500, "image input is not supported - hint: you may need to provide the mmproj"],
    ["OpenRouter", 404, "No endpoints found that support image input"],
    ["Groq", 400, "'messages.0' : for 'role:user' the following must be satisfied: content must be a string"],
  ])("with images says that the images were refused: %s", async (_, status, message) => {
    answer = (_request, response) => {
      response.writeHead(status).end(JSON.stringify({ error: { message } }));
    };
    const ask = (turns: readonly Turn[]) => gather(callModel(provider, { ...request(), turns }));
    await expect(ask([{ role: "user", content: "Look", attached: [image()] }])).rejects.toMatchObject({
      kind: "images",
    });
    await expect(ask([{ role: "user", content: "Look" }])).rejects.not.toMatchObject({ kind: "images" });
  });

  test("has images as data beside the text, and says where one is gone", async () => {
    const asked: unknown[] = [];
    answer = (_request, response, body) => {
      asked.push(body["messages"]);
      response.end('data: {"choices":[{"delta":{"content":"Hi"}}]}\n\ndata: [DONE]\n\n');
    };
    const attached = [image(), image(async () => undefined)];
    const turns: readonly Turn[] = [{ role: "user", content: "Look", attached }];
    await gather(callModel(provider, { ...request(), turns }));
    expect(asked).toEqual([
      [
        {
          role: "user",
          content: [
            { type: "text", text: "Look" },
            { type: "image_url", image_url: { url: "data:image/jpeg;base64,AQID" } },
            { type: "text", text: expect.stringContaining("can't be read") },
          ],
        },
      ],
    ]);
  });

  test("goes to an address that was copied whole", async () => {
    let path: string | undefined;
    answer = ({ url }, response) => {
      path = url;
      response.end('data: {"choices":[{"delta":{"content":"Hi"}}]}\n\ndata: [DONE]\n\n');
    };
    await gather(callModel({ ...provider, baseUrl: `${provider.baseUrl}/chat/completions` }, request()));
    expect(path).toBe("/v1/chat/completions");
  });

  test("may be made again at a time that a provider without a clock of its own says", async () => {
    answer = (_request, response) => {
      response.sendDate = false;
      const at = new Date(Date.now() + 20_500).toUTCString();
      response.writeHead(429, { "retry-after": at }).end("{}");
    };
    const failure = await gather(callModel(provider, request())).catch((cause: unknown) => cause);
    expect(failure).toMatchObject({ kind: "rate_limited" });
    expect((failure as { retryAfterMs: number }).retryAfterMs).toBeGreaterThan(18_000);
    expect((failure as { retryAfterMs: number }).retryAfterMs).toBeLessThanOrEqual(21_000);
  });

  test("is made twice at most", async () => {
    let calls = 0;
    answer = (_request, response) => {
      calls += 1;
      response
        .writeHead(400)
        .end('{"error":{"message":"max_tokens and max_completion_tokens are not supported"}}');
    };
    await expect(gather(callModel(provider, request()))).rejects.toMatchObject({ kind: "invalid" });
    expect(calls).toBe(2);
  });
});

describe("limits", () => {
  const endless = (text: string): void => {
    answer = (_request, response) => {
      response.writeHead(200);
      const line = `data: ${JSON.stringify({ choices: [{ delta: { content: text } }] })}\n\n`;
      const more = (): void => {
        if (!response.destroyed) response.write(line, () => setImmediate(more));
      };
      more();
    };
  };

  test("an answer that goes on beyond the tokens that were asked for is hung up on", async () => {
    endless("word after word ");
    const gathered = await gather(callModel(provider, request({ maxTokens: 991, textCharsMax: 1_000_000 })));
    expect(gathered.finish).toBe("length");
    expect(gathered.text.length / "word ".length).toBeGreaterThan(800);
    expect(gathered.text.length / "word ".length).toBeLessThan(1_400);
  });

  test("text ends at its limit, and no character is cut in two", async () => {
    endless("😀");
    const gathered = await gather(callModel(provider, request({ maxTokens: 1e6, textCharsMax: 1_001 })));
    expect(gathered).toMatchObject({ finish: "length", text: "😀".repeat(500) });
  });

  test("a megabyte in one chunk is cut at the limit", async () => {
    answer = (_request, response) =>
      response.end(
        `data: ${JSON.stringify({ choices: [{ delta: { content: "a ".repeat(600_000) } }] })}\n\n`,
      );
    const gathered = await gather(callModel(provider, request({ maxTokens: 1e6, textCharsMax: 100_000 })));
    expect(gathered.finish).toBe("length");
    expect(gathered.text).toHaveLength(100_000);
  });

  test("a line without end is a failure before it fills the memory", async () => {
    answer = (_request, response) => {
      response.writeHead(200).write("data: ");
      const more = (): void => {
        if (!response.destroyed) response.write("x".repeat(1_000_000), () => setImmediate(more));
      };
      more();
    };
    await expect(gather(callModel(provider, request()))).rejects.toMatchObject({ kind: "malformed" });
  });
});

describe("time", () => {
  test("a model that says nothing at all is left after its time", async () => {
    answer = () => undefined;
    await expect(gather(callModel(provider, request({ firstMsMax: 30 })))).rejects.toMatchObject({
      kind: "silent",
    });
  });

  test("a model that falls silent is left after the time of silence", async () => {
    answer = (_request, response) =>
      void response.write('data: {"choices":[{"delta":{"content":"Hi"}}]}\n\n');
    await expect(
      gather(callModel(provider, request({ firstMsMax: 5_000, silenceMsMax: 30 }))),
    ).rejects.toMatchObject({ kind: "silent" });
  });

  test("comments are life", async () => {
    answer = (_request, response) => {
      let comments = 0;
      const timer = setInterval(() => {
        comments += 1;
        if (comments < 12) return void response.write(": processing\n\n");
        clearInterval(timer);
        response.end('data: {"choices":[{"delta":{"content":"Hi"}}]}\n\ndata: [DONE]\n\n');
      }, 25);
    };
    // Twelve comments take longer than the silence that is allowed.
    const { text } = await gather(callModel(provider, request({ firstMsMax: 200, silenceMsMax: 200 })));
    expect(text).toBe("Hi");
  });

  test("whoever ends the call has their own reason, and the provider is hung up on", async () => {
    const isClosed = Promise.withResolvers<void>();
    const controller = new AbortController();
    answer = (_request, response) => {
      response.on("close", () => isClosed.resolve());
      response.write('data: {"choices":[{"delta":{"content":"Hi"}}]}\n\n', () => controller.abort("enough"));
    };
    await expect(gather(callModel(provider, request({ signal: controller.signal })))).rejects.toBe("enough");
    await isClosed.promise;
  });

  test("a provider that is not there is out of reach", async () => {
    const gone = createServer();
    await new Promise<void>((resolve) => gone.listen(0, "127.0.0.1", resolve));
    const { port } = gone.address() as AddressInfo;
    await new Promise((resolve) => gone.close(resolve));
    const nowhere = { ...provider, baseUrl: `http://127.0.0.1:${port}/v1` };
    await expect(gather(callModel(nowhere, request()))).rejects.toMatchObject({ kind: "unreachable" });
  });
});
