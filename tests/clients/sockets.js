// The client that `services/gateway/WEBSOCKET.md` shows, in a page or in a program: a conversation with a service in Python.

import { connect } from "./socket.js";

async function all(messages) {
  const seen = [];
  for await (const message of messages) seen.push(message);
  return seen;
}

async function refusal(messages) {
  try {
    return await all(messages);
  } catch ({ code, details }) {
    return { code, reason: details?.[0].reason };
  }
}

async function* offers(count) {
  for (let cents = 1; cents <= count; cents++) yield { cents: String(cents * 10) };
}

export async function report({ url, user }, name = "page") {
  const socket = connect(`${url.replace("http", "ws")}/ws`, user);
  const pricing = (method, messages, how) => socket.call(`catalog.v1.PricingService/${method}`, messages, how);
  const cup = { name: "products/cup" };
  const [price, watched, sum, haggled, missing] = await Promise.all([
    all(pricing("PriceProduct", [cup])),
    all(pricing("WatchPrices", [cup], { window: 1 })),
    all(pricing("AddUp", offers(200))),
    all(pricing("Haggle", offers(50), { window: 2 })),
    refusal(pricing("PriceProduct", [{ name: "products/nowhere" }])),
  ]);
  // Each offer waits for the answer to the last one.
  let answered;
  async function* bargaining() {
    for (let cents = "1000"; cents; cents = await new Promise((resolve) => { answered = resolve; })) yield { cents };
  }
  const bargained = [];
  for await (const { cents } of pricing("Haggle", bargaining())) {
    bargained.push(cents);
    answered(bargained.length < 3 && cents);
  }
  socket.close();
  const nobody = connect(`${url.replace("http", "ws")}/ws`);
  const unknown = await refusal(nobody.call("catalog.v1.PricingService/PriceProduct", [cup]));
  nobody.close();
  return [{
    name,
    price: price.map(({ cents }) => cents),
    watched: watched.map(({ cents }) => cents),
    sum: sum.map(({ cents, pieces }) => [cents, pieces]),
    haggled: [haggled.length, haggled[0].cents, haggled[49].cents],
    bargained,
    missing,
    unknown,
  }];
}
