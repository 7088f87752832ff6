import { expect, test } from "vitest";
import { ownModels } from "./functions-env.ts";

const OLLAMA = "http://127.0.0.1:11434/v1";

test.each([
  [
    "one model for both lanes",
    { MODEL_BASE_URL: OLLAMA, MODEL_FAST: "llama" },
    { MODEL_FAST: "llama", MODEL_SLOW: "llama" },
  ],
  [
    "one that is named for long answers only",
    { MODEL_BASE_URL: OLLAMA, MODEL_SLOW: "llama" },
    { MODEL_FAST: "llama", MODEL_SLOW: "llama" },
  ],
  [
    "a preset that has an address",
    { MODEL_PRESET: "ollama", MODEL_FAST: "llama" },
    { MODEL_PRESET: "ollama" },
  ],
  [
    "any key where none is given",
    { MODEL_BASE_URL: OLLAMA, MODEL_FAST: "llama" },
    { MODEL_API_KEY: "local" },
  ],
  [
    "the key that is given",
    { MODEL_BASE_URL: OLLAMA, MODEL_FAST: "llama", MODEL_API_KEY: "mine" },
    { MODEL_API_KEY: "mine" },
  ],
  [
    "further keys and entries",
    { MODEL_BASE_URL: OLLAMA, MODEL_FAST: "a", MODELS: "[]", MODEL_API_KEY_B: "b" },
    { MODELS: "[]", MODEL_API_KEY_B: "b" },
  ],
])("the environment may name %s", (_, environment, variables) => {
  expect(ownModels(environment)).toMatchObject(variables);
});

test.each([
  ["nothing", {}],
  ["empty lines of an example", { MODEL_BASE_URL: "", MODEL_FAST: "" }],
  ["a name without an address, as the emulated one has no such model", { MODEL_FAST: "llama" }],
])("of %s it is the emulated models that answer", (_, environment) => {
  expect(ownModels(environment)).toBeUndefined();
});

test("what is no model's stays out of the functions' variables", () => {
  const given = ownModels({ MODEL_BASE_URL: OLLAMA, MODEL_FAST: "llama", HOME: "/root", AWS_SECRET: "x" });
  expect(Object.keys(given ?? {}).filter((name) => !name.startsWith("MODEL"))).toEqual([]);
});

test("an address without a model is refused", () => {
  expect(() => ownModels({ MODEL_BASE_URL: OLLAMA })).toThrow(/MODEL_FAST/);
});
