// @connectrpc/connect-node: gRPC from a program.

import { createGrpcTransport } from "@connectrpc/connect-node";
import { journey } from "./journey.js";

const { MAINSTAY_URL: baseUrl, USER_TOKEN: user, ADMIN_TOKEN: admin } = process.env;

const transports = {
  "connect-node gRPC": createGrpcTransport({ baseUrl }),
};

for (const [name, transport] of Object.entries(transports)) {
  console.log(JSON.stringify({ name, ...(await journey(transport, { user, admin })) }));
}
process.exit(0);
