import { DatabaseSync } from "node:sqlite";

/**
 * Makes every flush fail that changes one of the tables, as a full disk does, until the function that
 * is returned is called. Works from outside, through the emulator's file: each change leaves a
 * reference that leads nowhere, which is noticed when the group is committed.
 */
export function refuseFlushes(path: string, tables: readonly string[]): () => void {
  const sql = new DatabaseSync(path, { timeout: 5_000 });
  sql.exec(`CREATE TABLE refusal (
    id INTEGER PRIMARY KEY, next INTEGER REFERENCES refusal DEFERRABLE INITIALLY DEFERRED)`);
  for (const table of tables) {
    for (const change of ["INSERT", "UPDATE", "DELETE"]) {
      sql.exec(`CREATE TRIGGER refuse_${change}_${table} AFTER ${change} ON ${table}
        BEGIN INSERT INTO refusal (next) VALUES (-1); END`);
    }
  }
  return () => {
    // The triggers stay on the tables; nothing refuses what they write any more.
    sql.exec("DROP TABLE refusal; CREATE TABLE refusal (id INTEGER PRIMARY KEY, next INTEGER)");
    sql.close();
  };
}
