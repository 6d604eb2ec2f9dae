// eventsource: follows a stream as server-sent events, also over the end of a connection. Prints a line for each event.

import { EventSource } from "eventsource";

const { MAINSTAY_URL: url, ADMIN_TOKEN: admin } = process.env;

function follow(token) {
  const authorization = token && `Bearer ${token}`;
  const headers = (init) => ({ ...init.headers, ...(authorization && { authorization }) });
  return new EventSource(`${url}/data/v1/contract:watch`, {
    fetch: (input, init) => fetch(input, { ...init, headers: headers(init) }),
  });
}

const nobody = follow(undefined);
const refused = await new Promise((resolve) => nobody.addEventListener("error", (event) => resolve(event.code)));
nobody.close();
console.log(JSON.stringify({ refused }));

follow(admin).addEventListener("message", ({ data, lastEventId }) => {
  const { revision } = JSON.parse(data);
  console.log(JSON.stringify({ revision, lastEventId }));
});

// While it waits to come back, nothing of its own keeps the program running.
setInterval(() => {}, 60_000);
