import express from "express";
import { jwtVerify } from "jose";
import pg from "pg";

/**
 * A page of a chat for a member, out of PostgreSQL: `node server.js PORT DATABASE_URL`, with the key of its
 * tokens in TOKEN_KEY. Prints a line when it serves.
 */
const [port, url] = process.argv.slice(2);
const key = Buffer.from(process.env.TOKEN_KEY, "base64");
const pool = new pg.Pool({ connectionString: url, max: 20 });
const app = express();

app.use(async (request, response, next) => {
  try {
    const { payload } = await jwtVerify(request.get("authorization")?.slice("Bearer ".length) ?? "", key);
    request.person = payload.sub;
    next();
  } catch {
    response.status(401).json({ error: "unauthorized" });
  }
});

app.get("/chats/:chat/messages", async (request, response) => {
  const chat = Number(request.params.chat);
  const before = Number(request.query.before ?? 2 ** 31 - 1);
  const limit = Math.min(100, Number(request.query.limit ?? 50));
  if (![chat, before, limit].every(Number.isSafeInteger)) return response.status(400).json({ error: "invalid" });
  const { rowCount } = await pool.query({
    name: "member",
    text: "SELECT 1 FROM members WHERE chat = $1 AND person = $2",
    values: [chat, request.person],
  });
  if (rowCount === 0) return response.status(404).json({ error: "not_found" });
  const { rows } = await pool.query({
    name: "page",
    text: `SELECT id, number, sender, text, created_at FROM messages
           WHERE chat = $1 AND number < $2 ORDER BY number DESC LIMIT $3`,
    values: [chat, before, limit + 1],
  });
  const data = rows.slice(0, limit).map((row) => ({
    id: row.id,
    number: row.number,
    sender: { id: row.sender },
    role: "user",
    text: row.text,
    status: "complete",
    createdAt: row.created_at.toISOString(),
  }));
  console.log(JSON.stringify({ time: new Date(), method: "GET", path: request.path, status: 200 }));
  response.json({ data, hasMore: rows.length > limit });
});

app.listen(Number(port), "127.0.0.1", () => console.log("serving"));
