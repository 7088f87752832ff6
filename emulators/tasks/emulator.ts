import { defineEmulator } from "../emulator.ts";
import { mintWhenReady } from "../kernel/http-delivery.ts";
import { oidcEmulator } from "../oidc/emulator.ts";
import { openTasks } from "./server.ts";

export const tasksEmulator = defineEmulator({
  name: "tasks",
  port: "tasks",
  files: ["tasks.sqlite"],
  needs: { oidc: oidcEmulator },
  open(kernel, { folder, beforeDelivery }, { oidc }) {
    const mintIdToken = mintWhenReady(oidc.mintIdToken, beforeDelivery);
    const tasks = folder.open("tasks.sqlite", (path) => openTasks(kernel, { path, mintIdToken }));
    return { api: tasks, served: { grpc: tasks.services, http: tasks.http }, close: tasks.close };
  },
  env: (address) => ({ TASKS_ENDPOINT: address }),
});
