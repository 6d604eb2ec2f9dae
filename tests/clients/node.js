// @connectrpc/connect-node: Connect, gRPC and gRPC-Web from a program.

import { createConnectTransport, createGrpcTransport, createGrpcWebTransport } from "@connectrpc/connect-node";
import { journey } from "./journey.js";

const { MAINSTAY_URL: baseUrl, USER_TOKEN: user, ADMIN_TOKEN: admin } = process.env;

const transports = {
  "connect-node connect, protobuf, HTTP/1.1": createConnectTransport({ baseUrl, httpVersion: "1.1", useBinaryFormat: true }),
  "connect-node connect, JSON, HTTP/1.1": createConnectTransport({ baseUrl, httpVersion: "1.1", useBinaryFormat: false }),
  "connect-node connect, protobuf, HTTP/2": createConnectTransport({ baseUrl, httpVersion: "2", useBinaryFormat: true }),
  "connect-node connect, GET": createConnectTransport({ baseUrl, httpVersion: "1.1", useHttpGet: true }),
  "connect-node gRPC": createGrpcTransport({ baseUrl }),
  "connect-node gRPC-Web": createGrpcWebTransport({ baseUrl, httpVersion: "1.1" }),
};

for (const [name, transport] of Object.entries(transports)) {
  console.log(JSON.stringify({ name, ...(await journey(transport, { user, admin })) }));
}
process.exit(0);
