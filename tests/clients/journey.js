// The calls that every client makes: what it reads, what it is refused and how, what it writes, what it follows.

import { ConnectError, createClient } from "@connectrpc/connect";
import { BadRequestSchema, ErrorInfoSchema } from "../generated/google/rpc/error_details_pb.js";
import { ContractService } from "../generated/mainstay/data/v1/contract_service_pb.js";
import { CommitService } from "../generated/shop/v1/commit_service_pb.js";
import { ProductService } from "../generated/shop/v1/product_service_pb.js";
import { ReviewService } from "../generated/shop/v1/review_service_pb.js";

// How a call was refused: the code, the reason and the fields, each from the error's typed details.
export async function refusal(call) {
  try {
    await call;
    return { code: 0 };
  } catch (error) {
    const refused = ConnectError.from(error);
    const info = refused.findDetails(ErrorInfoSchema)[0];
    const bad = refused.findDetails(BadRequestSchema)[0];
    return {
      code: refused.code,
      reason: info?.reason,
      domain: info?.domain,
      fields: bad?.fieldViolations.map((violation) => violation.field) ?? [],
      said: refused.rawMessage.length > 0,
    };
  }
}

// The writes of a Commit: an order, and a review of so many stars.
export function writes(stars) {
  const review = { product: "products/cup", stars, text: "together" };
  return [
    { label: "order", operation: { case: "createOrder", value: { order: { lines: [{ product: "products/cup", quantity: 2 }] } } } },
    { operation: { case: "createReview", value: { review } } },
  ];
}

// What takes back what a Commit made; what it made, by the kinds of its records.
export function undone(results) {
  const [order, review] = results.map((result) => result.record);
  const transforms = [{ field: "stars", operation: { case: "add", value: { kind: { case: "numberValue", value: -2 } } } }];
  return {
    made: { kinds: [order.case, review.case], stars: review.value.stars, quantity: order.value.lines[0].quantity },
    change: [{ operation: { case: "updateReview", value: { review: { name: review.value.name }, transforms } } }],
    remove: [
      { operation: { case: "deleteOrder", value: { name: order.value.name } } },
      { operation: { case: "deleteReview", value: { name: review.value.name } } },
    ],
  };
}

async function first(stream) {
  for await (const message of stream) {
    return message;
  }
  return undefined;
}

export async function journey(transport, { user, admin }) {
  const products = createClient(ProductService, transport);
  const reviews = createClient(ReviewService, transport);
  const commits = createClient(CommitService, transport);
  const contracts = createClient(ContractService, transport);
  const as = (token) => ({ headers: { authorization: `Bearer ${token}` } });

  let requestId;
  const cup = await products.getProduct(
    { name: "products/cup" },
    { onHeader: (headers) => { requestId = headers.get("x-request-id"); } },
  );
  const page = await products.listProducts({ pageSize: 3, filter: "stock > 0", orderBy: "sku" });
  const stars = (stars) => ({ review: { product: "products/cup", stars, text: "Grüße ☕" } });
  const review = await reviews.createReview(stars(4), as(user));
  const changed = await reviews.updateReview(
    { review: { name: review.name, stars: 5 }, updateMask: { paths: ["stars"] } },
    as(user),
  );
  await reviews.deleteReview({ name: review.name }, as(user));
  const { made, change, remove } = undone((await commits.commit({ writes: writes(4) }, as(user))).results);
  const lowered = await commits.commit({ writes: change }, as(user));
  const removed = await commits.commit({ writes: remove }, as(user));
  const contract = await first(contracts.watchContract({}, as(admin)));
  return {
    cup: { name: cup.name, title: cup.title, units: Number(cup.price.units) },
    page: { skus: page.products.map((product) => product.sku), more: page.nextPageToken.length > 0 },
    review: { stars: review.stars, text: review.text },
    changed: { stars: changed.stars, text: changed.text },
    committed: { ...made, lowered: lowered.results[0].record.value.stars, removed: removed.results.length },
    uncommitted: await refusal(commits.commit({ writes: writes(9) }, as(user))),
    gone: await refusal(reviews.getReview({ name: review.name })),
    missing: await refusal(products.getProduct({ name: "products/nowhere" })),
    nobody: await refusal(reviews.createReview(stars(4))),
    forged: await refusal(reviews.createReview(stars(4), as("not-a-token"))),
    invalid: await refusal(reviews.createReview(stars(9), as(user))),
    watched: { revision: Number(contract.revision) },
    unwatched: await refusal(first(contracts.watchContract({}))),
    requestId: typeof requestId === "string" && requestId.length > 0,
  };
}
