import { describe, expect, test } from "vitest";
import {
  createCatalog,
  FIRST_MS_DEFAULT,
  LABEL_CHARS_MAX,
  ModelEntry,
  OUTPUT_TOKENS_DEFAULT,
} from "./catalog.ts";
import { presetOf, UNKNOWN_FIRST_MS, WINDOW_TOKENS_DEFAULT, windowOf } from "./presets.ts";

const OPENAI = { baseUrl: "https://api.openai.com/v1" };

describe("the catalog", () => {
  test("knows a model that nobody has described by its name and the deployment's provider", () => {
    expect(createCatalog([], OPENAI).of("gpt-4o-mini")).toMatchObject({
      model: "gpt-4o-mini",
      preset: "openai",
      baseUrl: OPENAI.baseUrl,
      keyName: "MODEL_API_KEY",
      limitField: "max_completion_tokens",
      windowTokens: 128_000,
      outputTokensMax: OUTPUT_TOKENS_DEFAULT,
      firstMsMax: FIRST_MS_DEFAULT,
    });
  });

  test("takes from an entry what it says, and the rest from its preset", () => {
    const entry = ModelEntry.parse({
      id: "local",
      model: "llama3.2:3b",
      preset: "ollama",
      windowTokens: 4_096,
      keyName: "MODEL_API_KEY_HOME",
    });
    const catalog = createCatalog([entry], OPENAI);
    expect(catalog.ids).toEqual(["local"]);
    expect(catalog.of("local")).toMatchObject({
      model: "llama3.2:3b",
      baseUrl: "http://127.0.0.1:11434/v1",
      limitField: "max_tokens",
      windowTokens: 4_096,
      // Half of the window is left for the question.
      outputTokensMax: 2_048,
      firstMsMax: { fast: 180_000, slow: 180_000 },
      keyName: "MODEL_API_KEY_HOME",
    });
  });

  test.each([
    ["http://192.168.1.20:9000/v1", { fast: UNKNOWN_FIRST_MS, slow: UNKNOWN_FIRST_MS }],
    ["http://localhost:11434/v1", { fast: 180_000, slow: 180_000 }],
    ["https://api.groq.com/openai/v1", FIRST_MS_DEFAULT],
  ])("a model at %s may take so long to its first byte", (baseUrl, firstMsMax) => {
    expect(createCatalog([], { baseUrl }).of("m").firstMsMax).toEqual(firstMsMax);
    expect(createCatalog([{ id: "m", firstMsMax: 5 }], { baseUrl }).of("m").firstMsMax).toEqual({
      fast: 5,
      slow: 5,
    });
  });

  test("an entry's own address tells its preset", () => {
    const entries = [{ id: "m", baseUrl: "https://api.mistral.ai/v1" }];
    expect(createCatalog(entries, { ...OPENAI, preset: "openai" }).of("m")).toMatchObject({
      preset: "mistral",
      asksUsage: false,
      limitField: "max_tokens",
    });
  });

  test.each([
    [{}],
    [{ id: "" }],
    [{ id: "m", keyName: "SCROLLBACK_SECRET" }],
    [{ id: "m", keyName: "MODEL_API_KEY_x" }],
    [{ id: "m", preset: "constructor" }],
    [{ id: "m", baseUrl: "not an address" }],
    [{ id: "m", windowTokens: 511 }],
    [{ id: "m", windowTokens: 1.5 }],
    [{ id: "m", concurrency: 0 }],
    [{ id: "m", label: " " }],
    [{ id: "m", label: "x".repeat(LABEL_CHARS_MAX + 1) }],
    [{ id: "m", unknown: true }],
  ])("an entry such as %j is refused", (entry) => {
    expect(ModelEntry.safeParse(entry).success).toBe(false);
  });
});

test.each([
  ["https://api.openai.com/v1", "openai"],
  ["https://mine.openai.azure.com/openai/deployments/gpt/?api-version=1", "azure"],
  ["https://europe-west1-aiplatform.googleapis.com/v1/projects/p/locations/l/endpoints/openapi", "vertex"],
  ["https://openrouter.ai/api/v1", "openrouter"],
  ["http://127.0.0.1:11434/v1", "ollama"],
  ["http://localhost:8080/v1", "llama.cpp"],
  ["https://api.openai.com.evil.example/v1", "other"],
  ["https://models.example/v1", "other"],
])("the address %s is that of %s", (address, name) => {
  expect(presetOf(address)).toBe(name);
});

test.each([
  ["gpt-4o", 128_000],
  ["gpt-4.1-mini", 1_000_000],
  ["gpt-4", 8_192],
  ["claude-sonnet-4-5", 200_000],
  ["meta-llama/Llama-3.3-70B-Instruct", 128_000],
  ["llama3", 8_192],
  ["models/gemini-2.5-flash", 1_000_000],
  ["somebody-elses-model", WINDOW_TOKENS_DEFAULT],
])("the window of %s is %i tokens", (model, tokens) => {
  expect(windowOf(model)).toBe(tokens);
});
