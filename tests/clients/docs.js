// Somebody with a browser, on the page that shows what the server serves: looks around, signs in, lists, makes something, and follows
// a stream. Reports what was seen.

import { withPage } from "./chromium.js";

const { MAINSTAY_URL: url, EMAIL, PASSWORD } = process.env;
const PATIENCE_MS = 20_000;

await withPage(async (page) => {
  // Waits until an expression is true in the page, and gives what it is.
  const until = async (expression) => {
    for (const begin = Date.now(); Date.now() - begin < PATIENCE_MS; ) {
      const value = await page.evaluate(expression);
      if (value) return value;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    throw new Error(`${await page.text("main")}: never ${expression}`);
  };
  const seen = {};
  const operation = async (id) => {
    await page.evaluate(`location.hash = "#/${id}"`);
    await until(`document.querySelector(".path")?.textContent && document.querySelector("#operations a[aria-current]")?.hash === "#/${id}"`);
  };
  const send = async () => {
    await page.evaluate(`document.querySelector("#answer").replaceChildren(); document.querySelector("#send").click()`);
    return [await until(`document.querySelector("#status")?.textContent`), await until(`document.querySelector("#content")?.textContent`)];
  };
  const look = async (name) => {
    for (const width of [1200, 360]) {
      await page.width(width);
      const wide = await page.evaluate(`document.documentElement.scrollWidth > document.documentElement.clientWidth`);
      const nameless = await page.evaluate(`[...document.querySelectorAll("input, select, textarea")].filter((of) => !of.labels?.length).length`);
      if (wide || nameless) throw new Error(`${name} at ${width}: wider than the window (${wide}), ${nameless} fields without a name`);
      await page.picture(`${name}-${width}`);
    }
    await page.width(1200);
  };

  await page.goto(`${url}/docs`);
  await until(`document.querySelectorAll("#operations a").length`);
  seen.title = await page.text("header h1");
  seen.groups = await page.evaluate(`[...document.querySelectorAll("#operations h2")].map((group) => group.textContent)`);
  await look("overview");

  await operation("ProductService_ListProducts");
  const [listed, products] = await send();
  seen.listed = [listed, JSON.parse(products).products[0].name];

  // By keyboard: to the search, and to what it finds.
  await page.evaluate(`document.body.focus()`);
  await page.send("Input.dispatchKeyEvent", { type: "keyDown", key: "/", text: "/" });
  seen.focused = await page.evaluate(`document.activeElement.id`);
  await page.send("Input.insertText", { text: "create product" });
  seen.found = await until(`document.querySelector("#operations a")?.textContent`);
  await page.evaluate(`document.querySelector("#search").value = ""; document.querySelector("#search").dispatchEvent(new Event("input"))`);

  await page.evaluate(`document.querySelector("#sign-in").click()`);
  await page.type("#email", EMAIL);
  await page.type("#password", PASSWORD);
  await look("sign-in");
  await page.evaluate(`document.querySelector("dialog form").requestSubmit()`);
  seen.caller = await until(`document.querySelector("#caller")?.textContent`);
  await until(`document.querySelector('a[href="#/ContractService_WatchContract"]')`);

  await operation("ProductService_CreateProduct");
  await look("create");
  const body = JSON.stringify({ sku: "DOC-100", title: "Made here", price: { currencyCode: "EUR", units: "7" } });
  await page.evaluate(`document.querySelector("#body").value = ${JSON.stringify(body)}`);
  const [created, product] = await send();
  seen.created = [created, JSON.parse(product).title];
  await page.evaluate(`document.querySelector("#body").value = "{"; document.querySelector("#send").click()`);
  seen.told = (await until(`document.querySelector("#answer .problem")?.textContent`)).split(":")[0];

  await operation("ContractService_WatchContract");
  seen.written = await page.evaluate(`document.querySelector("#accept").value`);
  await page.evaluate(`document.querySelector("#try details").open = true`);
  await page.type("[name='$fields']", "revision");
  await page.evaluate(`document.querySelector("#send").click()`);
  seen.event = (await until(`/data: .*\\n/.exec(document.querySelector("#content")?.textContent ?? "")?.[0]`)).trim();
  seen.follows = await page.evaluate(`!document.querySelector("#stop").disabled`);
  await page.evaluate(`document.querySelector("#stop").click()`);
  seen.stopped = await until(`document.querySelector("#stop").disabled`);

  await page.evaluate(`[...document.querySelectorAll("#who button")].find((of) => of.textContent === "Sign out").click()`);
  seen.out = Boolean(await until(`document.querySelector("#sign-in")`));

  // The same session as on the pages: it is in cookies, which the page neither sees nor keeps.
  await page.goto(`${url}/auth/sign-in?return_to=/docs`);
  await page.type("[name=email]", EMAIL);
  await page.type("[name=password]", PASSWORD);
  await page.click("button.main");
  seen.again = await until(`document.querySelector("#caller")?.textContent`);
  await until(`document.querySelectorAll("#operations a").length`);
  await operation("ProductService_CreateProduct");
  await page.evaluate(`document.querySelector("#body").value = ${JSON.stringify(body.replace("100", "101"))}`);
  seen.createdAgain = (await send())[0];
  console.log(JSON.stringify(seen));
});
