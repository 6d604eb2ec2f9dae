// A page of an application: @connectrpc/connect-web and grpc-web.

import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { createConnectTransport, createGrpcWebTransport } from "@connectrpc/connect-web";
import { GrpcWebClientBase, MethodDescriptor, MethodType } from "grpc-web";
import { BadRequestSchema, ErrorInfoSchema } from "../generated/google/rpc/error_details_pb.js";
import { StatusSchema } from "../generated/google/rpc/status_pb.js";
import { ContractService } from "../generated/mainstay/data/v1/contract_service_pb.js";
import { CommitService } from "../generated/shop/v1/commit_service_pb.js";
import { ProductService } from "../generated/shop/v1/product_service_pb.js";
import { ReviewService } from "../generated/shop/v1/review_service_pb.js";
import { journey, undone, writes } from "./journey.js";

// What a generated client of grpc-web knows of a method; the messages are protobuf-es's.
function describe(method) {
  const path = `/${method.parent.typeName}/${method.name}`;
  const type = method.methodKind === "unary" ? MethodType.UNARY : MethodType.SERVER_STREAMING;
  return new MethodDescriptor(
    path,
    type,
    Object,
    Object,
    (request) => toBinary(method.input, create(method.input, request)),
    (bytes) => fromBinary(method.output, bytes),
  );
}

function bytes(base64) {
  return Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));
}

function unpacked(details, schema) {
  const any = details.find((detail) => detail.typeUrl.endsWith(`/${schema.typeName}`));
  return any && fromBinary(schema, any.value);
}

function refused(error) {
  const encoded = error.metadata?.["grpc-status-details-bin"];
  const details = encoded ? fromBinary(StatusSchema, bytes(encoded)).details : [];
  const info = unpacked(details, ErrorInfoSchema);
  const bad = unpacked(details, BadRequestSchema);
  return {
    code: error.code,
    reason: info?.reason,
    domain: info?.domain,
    fields: bad?.fieldViolations.map((violation) => violation.field) ?? [],
    said: error.message.length > 0,
  };
}

// The same journey as `journey.js`, in grpc-web's words. `format` is `text` (base64) or `binary`.
async function grpcWeb(baseUrl, format, { user, admin }) {
  const client = new GrpcWebClientBase({ format });
  const as = (token) => ({ authorization: `Bearer ${token}` });
  let requestId;
  const unary = (method, request, metadata = {}) =>
    new Promise((resolve, reject) => {
      const descriptor = describe(method);
      const call = client.rpcCall(baseUrl + descriptor.name, request, metadata, descriptor, (error, message) =>
        error ? reject(error) : resolve(message),
      );
      call.on("metadata", (headers) => { requestId ??= headers["x-request-id"]; });
    });
  const first = (method, request, metadata = {}) =>
    new Promise((resolve, reject) => {
      const descriptor = describe(method);
      const stream = client.serverStreaming(baseUrl + descriptor.name, request, metadata, descriptor);
      stream.on("data", (message) => { stream.cancel(); resolve(message); });
      stream.on("error", reject);
    });
  const refusal = (call) => call.then(() => ({ code: 0 }), refused);

  const { getProduct, listProducts } = ProductService.method;
  const { createReview, updateReview, deleteReview, getReview } = ReviewService.method;
  const { commit } = CommitService.method;
  const { watchContract } = ContractService.method;
  const cup = await unary(getProduct, { name: "products/cup" });
  const page = await unary(listProducts, { pageSize: 3, filter: "stock > 0", orderBy: "sku" });
  const stars = (stars) => ({ review: { product: "products/cup", stars, text: "Grüße ☕" } });
  const review = await unary(createReview, stars(4), as(user));
  const update = { review: { name: review.name, stars: 5 }, updateMask: { paths: ["stars"] } };
  const changed = await unary(updateReview, update, as(user));
  await unary(deleteReview, { name: review.name }, as(user));
  const { made, change, remove } = undone((await unary(commit, { writes: writes(4) }, as(user))).results);
  const lowered = await unary(commit, { writes: change }, as(user));
  const removed = await unary(commit, { writes: remove }, as(user));
  // This client follows streams as text alone.
  const contract = format === "text" ? await first(watchContract, {}, as(admin)) : undefined;
  return {
    cup: { name: cup.name, title: cup.title, units: Number(cup.price.units) },
    page: { skus: page.products.map((product) => product.sku), more: page.nextPageToken.length > 0 },
    review: { stars: review.stars, text: review.text },
    changed: { stars: changed.stars, text: changed.text },
    committed: { ...made, lowered: lowered.results[0].record.value.stars, removed: removed.results.length },
    uncommitted: await refusal(unary(commit, { writes: writes(9) }, as(user))),
    gone: await refusal(unary(getReview, { name: review.name })),
    missing: await refusal(unary(getProduct, { name: "products/nowhere" })),
    nobody: await refusal(unary(createReview, stars(4))),
    forged: await refusal(unary(createReview, stars(4), as("not-a-token"))),
    invalid: await refusal(unary(createReview, stars(9), as(user))),
    ...(contract && { watched: { revision: Number(contract.revision) } }),
    unwatched: await refusal(first(watchContract, {})),
    requestId: typeof requestId === "string" && requestId.length > 0,
  };
}

export async function report({ url: baseUrl, user, admin }) {
  const people = { user, admin };
  const transports = {
    "connect-web connect, protobuf": createConnectTransport({ baseUrl, useBinaryFormat: true }),
    "connect-web connect, JSON": createConnectTransport({ baseUrl, useBinaryFormat: false }),
    "connect-web connect, GET": createConnectTransport({ baseUrl, useHttpGet: true }),
    "connect-web gRPC-Web": createGrpcWebTransport({ baseUrl, useBinaryFormat: true }),
  };
  const reports = [];
  for (const [name, transport] of Object.entries(transports)) {
    reports.push({ name, ...(await journey(transport, people)) });
  }
  for (const format of ["text", "binary"]) {
    reports.push({ name: `grpc-web ${format}`, ...(await grpcWeb(baseUrl, format, people)) });
  }
  return reports;
}
