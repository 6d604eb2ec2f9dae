// A page of an origin that nobody named: what it can find out, and what it can do.

async function kept(call) {
  try {
    await call();
    return "told";
  } catch {
    return "kept";
  }
}

function opened(socket) {
  return new Promise((resolve, reject) => {
    socket.onopen = resolve;
    socket.onerror = reject;
  });
}

export async function report({ url, user }) {
  const authorization = `Bearer ${user}`;
  const post = (body, rest) => ({ method: "POST", body: JSON.stringify(body), ...rest });
  const review = { product: "products/cup", stars: 1, text: "sent by another site" };
  const account = { email: "mallory@example.org", password: "correct horse battery" };
  return [
    {
      read: await kept(() => fetch(`${url}/shop/v1/products/cup`)),
      readAsUser: await kept(() => fetch(`${url}/shop/v1/products/cup`, { headers: { authorization } })),
      write: await kept(() => fetch(`${url}/shop/v1/reviews`, post(review, { headers: { authorization } }))),
      // No browser keeps a page from opening a socket: the server does.
      socket: await kept(() => opened(new WebSocket(`${url.replace("http", "ws")}/ws`, "mainstay.v1.json"))),
      // This a browser sends without asking first; the page never learns what came of it.
      signUp: await kept(() => fetch(`${url}/auth/v1/accounts:signUp`, post(account, { mode: "no-cors" }))),
    },
  ];
}
