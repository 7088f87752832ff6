import { startTasks } from "./testing.ts";

// Creates tasks until it is killed, and tells its parent which have been acknowledged.
const suite = await startTasks(process.argv[2]);
const parent = "projects/crash/locations/here";
const queue = `${parent}/queues/mail`;
await suite.client.createQueue({ parent, queue: { name: queue, retryConfig: { maxAttempts: 1 } } });
await suite.client.pauseQueue({ name: queue });
const acknowledged: string[] = [];
for (let round = 0; ; round += 1) {
  const created = await Promise.all(
    Array.from({ length: 8 }, (_, index) =>
      suite.client.createTask({
        parent: queue,
        task: { name: `${queue}/tasks/${round}-${index}`, httpRequest: { url: "http://127.0.0.1:1/" } },
      }),
    ),
  );
  for (const [task] of created) acknowledged.push(task.name as string);
  if (acknowledged.length === 64) process.send?.(acknowledged);
}
