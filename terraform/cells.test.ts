import { expect, test } from "vitest";
import { readConfiguration, readVariables } from "./checks/configuration.ts";
import { type Plan, planOf } from "./checks/plan.ts";
import { providerSchema } from "./checks/schema.ts";

/** What cells may do in one another (docs/cells.md). */
const CELLS = ["west", "east"].map((name) => ({
  name,
  url: `https://${name}.example.com`,
  project: `${name}-project`,
  bucket: `${name}-project-files`,
}));

async function planned(own: object): Promise<Plan> {
  const variables = await readVariables("terraform/environments/production.tfvars");
  return planOf(await readConfiguration("terraform"), { ...variables, ...own }, providerSchema);
}
const grantsOf = (plan: Plan, type: string, name: string): string[] =>
  plan
    .of(type, name)
    .map(({ values }) => `${String(values.role)} ${String(values.member)}`)
    .sort();

test("alone it grants nobody else anything, and its functions know of no cells", async () => {
  const plan = await planned({});
  expect(plan.of("google_project_iam_member", "moving_cells")).toEqual([]);
  expect(plan.of("google_project_iam_member", "directory")).toEqual([]);
  expect(Object.keys(plan.locals.environment as object)).not.toContain("CELLS");
});

test("the cell that keeps the directory lets the others look apps up, and move them here", async () => {
  const plan = await planned({ cell: "west", cells: CELLS });
  expect(plan.refusals).toEqual([]);
  const mover = "serviceAccount:fn-run-job@east-project.iam.gserviceaccount.com";
  expect(grantsOf(plan, "google_project_iam_member", "moving_cells")).toEqual([
    `roles/datastore.user ${mover}`,
  ]);
  expect(grantsOf(plan, "google_storage_bucket_iam_member", "moving_cells")).toEqual([
    `roles/storage.objectUser ${mover}`,
  ]);
  const lookingUp = grantsOf(plan, "google_project_iam_member", "directory");
  expect(lookingUp).toContain(
    "roles/datastore.user serviceAccount:fn-api@east-project.iam.gserviceaccount.com",
  );
  expect(lookingUp).toContain(
    "roles/datastore.viewer serviceAccount:fn-live@east-project.iam.gserviceaccount.com",
  );
  const environment = plan.locals.environment as Record<string, string>;
  expect(environment.CELL).toBe("west");
  expect(JSON.parse(environment.CELLS ?? "")).toEqual(
    CELLS.map((each) => ({ ...each, database: "(default)" })),
  );
});

test("another cell lets apps be moved here, and nobody look them up", async () => {
  const plan = await planned({ cell: "east", cells: CELLS });
  expect(plan.of("google_project_iam_member", "moving_cells")).toHaveLength(1);
  expect(plan.of("google_project_iam_member", "directory")).toEqual([]);
});
