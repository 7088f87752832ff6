import { spawnSync } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { importViolation, layerMissing } from "./layer-rules.ts";

describe("an import", () => {
  test.each([
    ["shared/chat/log/head.ts", "../../identity/app.ts"],
    ["shared/assistant/history.ts", "../rollout/rollouts.ts"],
    ["functions/http/messages/post-message.ts", "../../runtime/endpoint.ts"],
    ["functions/runtime/deliveries.ts", "../manifest.json"],
    ["shared/client/api.ts", "../chat/contract.ts"],
    ["shared/chat/contract.ts", "../platform/contract.ts"],
    ["shared/platform/publisher.ts", "@google-cloud/pubsub"],
    ["shared/chat/store.ts", "../platform/firestore.ts"],
    ["shared/chat/log/head.ts", "../../platform/firestore-values.ts"],
    ["emulators/local/start.ts", "../suite.ts"],
    ["emulators/pubsub/push.test.ts", "../../shared/platform/clock.ts"],
    ["shared/testing/start-system.ts", "../../functions/functions.ts"],
    ["vitest.config.ts", "vitest/config"],
  ])("from %s of %s is allowed", (file, specifier) => {
    expect(importViolation(file, specifier)).toBeUndefined();
  });

  test.each([
    ["shared/platform/log.ts", "../identity/app.ts", /one way/],
    ["shared/identity/app.ts", "../chat/contract.ts", /one way/],
    ["shared/identity/contract.ts", "../chat/contract.ts", /one way/],
    ["shared/live/presence.ts", "../search/store.ts", /one way/],
    ["shared/chat/log/head.ts", "../../../functions/functions.ts", /one way/],
    ["shared/jobs/jobs.ts", "../identity/app.ts", /one way/],
    ["shared/chat/log/head.ts", "../../testing/start-system.ts", /one way/],
    ["functions/runtime/endpoint.ts", "../http/api-deps.ts", /one way/],
    ["functions/tasks/run-job.ts", "../http/api-deps.ts", /one way/],
    ["functions/http/api.ts", "../../emulators/suite.ts", /one way/],
    ["emulators/suite.ts", "./local/start.ts", /one way/],
    ["emulators/suite.ts", "../shared/platform/clock.ts", /one way/],
    ["page/page.ts", "../shared/chat/contract.ts", /one way/],
    ["shared/client/api.ts", "../chat/log/head.ts", /only the contracts/],
    ["shared/chat/contract.ts", "./log/head.ts", /nothing but zod and other contracts/],
    ["shared/chat/contract.ts", "@google-cloud/firestore", /nothing but zod and other contracts/],
    ["shared/chat/log/head.ts", "@google-cloud/firestore", /Only shared\/platform/],
    ["functions/http/api.ts", "firebase-admin/auth", /Only shared\/platform/],
    ["shared/chat/log/head.ts", "../../platform/firestore.ts", /Only stores/],
  ])("from %s of %s is an error", (file, specifier, message) => {
    expect(importViolation(file, specifier)).toMatch(message);
  });
});

test("a folder that the list lacks is an error", () => {
  expect(layerMissing("shared/chess/board.ts")).toMatch(/stands in no layer/);
  expect(layerMissing("shared/chat/log/head.ts")).toBeUndefined();
  expect(layerMissing("vitest.config.ts")).toBeUndefined();
});

describe("oxlint, as the project configures it", () => {
  const folder = mkdtempSync(join(tmpdir(), "layers-"));
  const plant = (file: string, text: string): void => {
    mkdirSync(join(folder, dirname(file)), { recursive: true });
    writeFileSync(join(folder, file), text);
  };
  const lint = () => {
    const { status, stdout } = spawnSync("oxlint", ["--format", "unix", "shared"], {
      cwd: folder,
      encoding: "utf8",
    });
    return { status, stdout };
  };

  beforeAll(() => {
    for (const file of [".oxlintrc.json", "tsconfig.json", "scripts/layers.ts", "scripts/layer-rules.ts"]) {
      cpSync(file, join(folder, file));
    }
    symlinkSync(join(process.cwd(), "node_modules"), join(folder, "node_modules"));
    plant("shared/identity/app.ts", "export const app = 1;\n");
  });
  afterAll(() => rmSync(folder, { recursive: true }));

  test("is content with what is right, and names each planted violation", () => {
    plant("shared/chat/head.ts", 'export { app } from "../identity/app.ts";\n');
    expect(lint()).toMatchObject({ status: 0 });

    plant("shared/identity/head.ts", 'export * from "../chat/head.ts";\n');
    plant("shared/platform/late.ts", 'export const late = () => import("../chat/head.ts");\n');
    plant("shared/platform/type.ts", 'export type App = import("../identity/app.ts").app;\n');
    plant("shared/chess/board.ts", "export const squares = 64;\n");
    plant("shared/platform/firestore.ts", "export const collection = 1;\n");
    plant("shared/identity/store.ts", 'export { collection } from "../platform/firestore.ts";\n');
    plant("shared/identity/rule.ts", 'export { collection } from "../platform/firestore.ts";\n');
    plant("shared/identity/google.ts", 'export * from "@google-cloud/pubsub";\n');
    const { status, stdout } = lint();
    expect(status).not.toBe(0);
    for (const file of [
      "shared/identity/head.ts",
      "shared/platform/late.ts",
      "shared/platform/type.ts",
      "shared/chess/board.ts",
      "shared/identity/rule.ts",
      "shared/identity/google.ts",
    ]) {
      expect(stdout).toMatch(new RegExp(`^${file}:.*layers`, "m"));
    }
    // Stores are among the files that the rule names.
    expect(stdout).not.toContain("shared/identity/store.ts");
  });
});
