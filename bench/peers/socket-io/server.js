import { createServer } from "node:http";
import { createAdapter } from "@socket.io/redis-adapter";
import express from "express";
import { Redis } from "ioredis";
import { Server } from "socket.io";

/**
 * The peer: messages are numbered by INCR and kept in a Redis list, both in one transaction, with
 * appendonly on and fsync every second, and go to the rooms through the Redis adapter, so that it
 * would run on several instances, as ours does.
 */
const [port, redisPort] = process.argv.slice(2).map(Number);
const redis = new Redis(redisPort);
const app = express();
const http = createServer(app);
const io = new Server(http, { adapter: createAdapter(new Redis(redisPort), new Redis(redisPort)) });

io.on("connection", (socket) => {
  socket.on("join", async (chat, done) => {
    await socket.join(`chat:${chat}`);
    done();
  });
});

app.post("/chats/:chat/messages", express.json(), async (request, response) => {
  const { chat } = request.params;
  const number = await redis.incr(`chat:${chat}:last`);
  const message = {
    chat: Number(chat),
    number,
    text: request.body.text,
    createdAt: new Date().toISOString(),
  };
  await redis.rpush(`chat:${chat}:messages`, JSON.stringify(message));
  io.to(`chat:${chat}`).emit("message.created", message);
  response.status(201).json(message);
});

http.listen(port, "127.0.0.1", () => process.stdout.write("ready\n"));
