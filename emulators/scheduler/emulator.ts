import { defineEmulator } from "../emulator.ts";
import { mintWhenReady } from "../kernel/http-delivery.ts";
import { oidcEmulator } from "../oidc/emulator.ts";
import { openScheduler } from "./server.ts";

/** Jobs are added in the process: Cloud Scheduler's API is not served. */
export const schedulerEmulator = defineEmulator({
  name: "scheduler",
  port: undefined,
  files: [],
  needs: { oidc: oidcEmulator },
  open(kernel, { beforeDelivery }, { oidc }) {
    const scheduler = openScheduler(kernel, {
      mintIdToken: mintWhenReady(oidc.mintIdToken, beforeDelivery),
    });
    return { api: scheduler, close: scheduler.close };
  },
  env: () => ({}),
});
