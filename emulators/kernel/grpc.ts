import {
  Client,
  credentials,
  Server,
  ServerCredentials,
  type ServerDuplexStream,
  type ServerUnaryCall,
  type ServerWritableStream,
  type sendUnaryData,
  type UntypedHandleCall,
  type UntypedServiceImplementation,
} from "@grpc/grpc-js";
import type protobuf from "protobufjs";
import { type Rpc, serveDuplex, serveStream, serveUnary } from "./grpc-calls.ts";
import type { RequestListener } from "./loopback.ts";
import type { Kernel } from "./kernel.ts";
import type { Message, ServiceSpec } from "./rpc.ts";
import { sharePort } from "./shared-port.ts";

export interface GrpcServer {
  readonly port: number;
  readonly server: Server;
  /** Ends open calls and closes the port. */
  stop(): Promise<void>;
}

const MESSAGE_BYTES_MAX = 64 * 1024 * 1024;

/** Creates the HTTP/1.1 listener of a gRPC port; it calls the services through the client. */
export type HttpBeside = (client: Client) => RequestListener;

/** Serves the given services on one port (0: any free one) of the loopback interface. */
export async function serveGrpc(
  kernel: Kernel,
  port: number,
  specs: readonly ServiceSpec[],
  http?: HttpBeside,
): Promise<GrpcServer> {
  const server = new Server({
    "grpc.max_receive_message_length": MESSAGE_BYTES_MAX,
    "grpc.max_send_message_length": -1,
    "grpc-node.flow_control_window": 1024 * 1024,
  });
  for (const spec of specs) addService(server, kernel, spec);
  if (http !== undefined) return serveWithHttp(port, server, http);
  const bound = await new Promise<number>((resolve, reject) => {
    server.bindAsync(`127.0.0.1:${port}`, ServerCredentials.createInsecure(), (error, actual) =>
      error === null ? resolve(actual) : reject(error),
    );
  });
  return {
    port: bound,
    server,
    stop: () =>
      new Promise((resolve) => {
        server.forceShutdown();
        resolve();
      }),
  };
}

async function serveWithHttp(port: number, server: Server, http: HttpBeside): Promise<GrpcServer> {
  let listener: RequestListener | undefined;
  const shared = await sharePort(port, server, (request, response) => listener?.(request, response));
  const client = new Client(`127.0.0.1:${shared.port}`, credentials.createInsecure(), {
    "grpc.max_receive_message_length": -1,
    "grpc.max_send_message_length": -1,
  });
  listener = http(client);
  return {
    port: shared.port,
    server,
    async stop() {
      client.close();
      shared.close();
      server.forceShutdown();
    },
  };
}

function addService(server: Server, kernel: Kernel, spec: ServiceSpec): void {
  const service = spec.root.lookupService(spec.proto);
  service.resolveAll();
  const definition: Record<string, object> = {};
  const implementation: UntypedServiceImplementation = {};
  for (const method of service.methodsArray) {
    const requestType = method.resolvedRequestType as protobuf.Type;
    const responseType = method.resolvedResponseType as protobuf.Type;
    definition[method.name] = {
      path: `/${spec.proto}/${method.name}`,
      requestStream: method.requestStream === true,
      responseStream: method.responseStream === true,
      requestDeserialize: (bytes: Buffer) => requestType.decode(bytes),
      requestSerialize: (message: Message) => Buffer.from(requestType.encode(message).finish()),
      responseSerialize: (message: Message) => serialized(responseType, message),
      responseDeserialize: (bytes: Buffer) => responseType.decode(bytes),
    };
    const encode = (message: Message): Buffer => serialized(responseType, message);
    implementation[method.name] = handlerOf({ kernel, spec, method: method.name, encode }, method);
  }
  server.addService(definition as never, implementation);
}

/** An answer may come already encoded: a message that goes to many streams is encoded once. */
function serialized(type: protobuf.Type, message: Message): Buffer {
  if (Buffer.isBuffer(message)) return message;
  return Buffer.from(type.encode(message).finish());
}

function handlerOf(rpc: Rpc, { requestStream, responseStream }: protobuf.Method): UntypedHandleCall {
  if (requestStream === true) {
    return ((stream: ServerDuplexStream<Message, Message>) => serveDuplex(rpc, stream)) as UntypedHandleCall;
  }
  if (responseStream === true) {
    return ((stream: ServerWritableStream<Message, Message>) => {
      void serveStream(rpc, stream);
    }) as UntypedHandleCall;
  }
  return ((call: ServerUnaryCall<Message, Message>, callback: sendUnaryData<Message>) => {
    void serveUnary(rpc, call, callback);
  }) as UntypedHandleCall;
}
