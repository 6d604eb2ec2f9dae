// openapi-fetch over the types that openapi-typescript makes: what the compiler lets through, the server takes.

import createClient from "openapi-fetch";
import type { components, paths } from "./api.d.ts";

declare const process: { env: Record<string, string>; exit(code: number): never };

const { MAINSTAY_URL: baseUrl, EMAIL, PASSWORD } = process.env;
const nobody = createClient<paths>({ baseUrl });

const { data: session } = await nobody.POST("/auth/v1/sessions:signIn", { body: { email: EMAIL, password: PASSWORD } });
const client = createClient<paths>({ baseUrl, headers: { authorization: `Bearer ${session?.accessToken}` } });

const product: components["schemas"]["shop.v1.Product-input"] = { sku: "CUP-900", title: "Cup", price: { currencyCode: "EUR", units: "5" } };
const { data: made, response } = await client.POST("/shop/v1/products", { params: { query: { productId: "typed" } }, body: product });

const path = { product: "typed" };
const { data: read, response: first } = await client.GET("/shop/v1/products/{product}", { params: { path } });
const etag = first.headers.get("etag") ?? "";
const again = await client.GET("/shop/v1/products/{product}", { params: { path, header: { "If-None-Match": etag } } });
const { data: changed } = await client.PATCH("/shop/v1/products/{product}", { params: { path, header: { "If-Match": etag } }, body: { stock: 3 } });
const stale = await client.PATCH("/shop/v1/products/{product}", { params: { path, header: { "If-Match": etag } }, body: { stock: 4 } });
const { data: list } = await nobody.GET("/shop/v1/products", { params: { query: { pageSize: 1, filter: "stock = 3", $fields: "products.sku" } } });
const { error } = await client.GET("/shop/v1/products/{product}", { params: { path: { product: "nowhere" } } });

const info = error?.error.details.find((detail) => detail["@type"].endsWith("ErrorInfo")) as components["schemas"]["mainstay.ErrorInfo"];
console.log(JSON.stringify({
  made: [response.status, made?.name, made?.price?.units],
  read: read?.title,
  again: again.response.status,
  changed: changed?.stock,
  stale: stale.response.status,
  list: list?.products?.map(({ sku }) => sku),
  missing: [error?.error.code, info.reason],
}));
