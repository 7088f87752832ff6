import { bucketName } from "../../emulators/local/functions-env.ts";
import { randomId } from "../platform/ids.ts";
import { addressOf, listen } from "./front.ts";
import { startSystem, type System } from "./start-system.ts";

/**
 * Several systems that are cells of one deployment; the first keeps the directory, and has the app `demo`.
 */
export async function startCells(...names: readonly string[]): Promise<System[]> {
  const places = await Promise.all(
    names.map(async (name) => {
      const front = await listen();
      const project = `test-${randomId().slice(0, 10)}`;
      const cell = {
        name,
        url: `${addressOf(front)}/api`,
        project,
        bucket: bucketName(project, "files"),
      };
      return { front, project, cell };
    }),
  );
  const cells = JSON.stringify(places.map(({ cell }) => cell));
  const systems: System[] = [];
  for (const { front, project, cell } of places) {
    systems.push(await startSystem({ at: { front, project }, env: { CELL: cell.name, CELLS: cells } }));
  }
  return systems;
}
