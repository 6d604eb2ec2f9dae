// The same client over Node's own WebSocket, and over `ws`.

import { createRequire } from "node:module";
import { report } from "./sockets.js";

const { MAINSTAY_URL: url, USER_TOKEN: user } = process.env;

for (const [name, implementation] of [["Node", WebSocket], ["ws", createRequire(import.meta.url)("ws")]]) {
  globalThis.WebSocket = implementation;
  for (const one of await report({ url, user }, name)) console.log(JSON.stringify(one));
}
process.exit(0);
