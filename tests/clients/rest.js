// A page that calls REST with nothing but `fetch`.

export async function report({ url, user }) {
  const call = async (path, init = {}) => {
    const response = await fetch(url + path, init);
    const { status, headers } = response;
    return { status, body: await response.json(), requestId: headers.get("x-request-id") !== null };
  };
  const authorization = `Bearer ${user}`;
  const json = (body, headers = {}) => ({
    method: "POST",
    headers: { "content-type": "application/json", ...headers },
    body: JSON.stringify(body),
  });
  const cup = await call("/shop/v1/products/cup");
  const review = await call("/shop/v1/reviews", json({ product: "products/cup", stars: 4 }, { authorization }));
  const name = review.body.name;
  const patch = { ...json({ stars: 5 }, { authorization, "x-own-header": "1" }), method: "PATCH" };
  const changed = await call(`/shop/v1/${name}`, patch);
  const gone = await call(`/shop/v1/${name}`, { method: "DELETE", headers: { authorization } });
  const nobody = await call("/shop/v1/reviews", json({ product: "products/cup", stars: 4 }));
  return [
    {
      cup: cup.body.title,
      review: review.body.stars,
      changed: changed.body.stars,
      gone: gone.status,
      nobody: { status: nobody.status, reason: nobody.body.error.details[0].reason },
      requestId: cup.requestId && nobody.requestId,
    },
  ];
}
