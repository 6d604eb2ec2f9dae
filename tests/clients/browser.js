// Serves a page, opens it in Chromium, and prints what the page reports, a line for each report.
// Arguments: the port of the page, the file with its script.

import { spawn } from "node:child_process";
import { readFileSync, mkdtempSync, rmSync } from "node:fs";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";

const [port, script] = process.argv.slice(2);
const { CHROMIUM, CHROMIUM_LIBRARIES, MAINSTAY_URL: url, USER_TOKEN: user, ADMIN_TOKEN: admin } = process.env;
const PATIENCE_MS = 120_000;

const html = `<!doctype html><meta charset="utf-8"><title>client</title><script type="module">
  const send = (path, report) => fetch(path, { method: "POST", body: JSON.stringify(report) });
  try {
    const { report } = await import("/page.js");
    await send("/reports", await report(${JSON.stringify({ url, user, admin })}));
  } catch (error) {
    await send("/failure", String(error?.stack ?? error));
  }
</script>`;

const server = createServer((request, response) => {
  if (request.url === "/") {
    response.setHeader("content-type", "text/html").end(html);
  } else if (request.url === "/page.js") {
    response.setHeader("content-type", "text/javascript").end(readFileSync(script));
  } else if (request.method === "POST") {
    let body = "";
    request.on("data", (data) => { body += data; });
    request.on("end", () => { response.end(); reported(request.url, JSON.parse(body)); });
  } else {
    response.writeHead(404).end();
  }
});

const profile = mkdtempSync(join(tmpdir(), "mainstay-test-chromium-"));
let browser;
// What the browser says is worth reading where a page fails: a browser without a screen says much.
let said = "";

function finish(code) {
  if (code !== 0) console.error(said);
  browser.removeAllListeners("exit");
  browser.once("exit", () => { rmSync(profile, { recursive: true, force: true }); process.exit(code); });
  browser.kill("SIGKILL");
}

function reported(path, report) {
  if (path !== "/reports") {
    console.error(report);
    return finish(1);
  }
  for (const one of report) console.log(JSON.stringify(one));
  finish(0);
}

server.listen(Number(port), "127.0.0.1", () => {
  const flags = ["--headless=shell", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run"];
  const environment = { ...process.env, ...(CHROMIUM_LIBRARIES && { LD_LIBRARY_PATH: CHROMIUM_LIBRARIES }) };
  const page = `http://127.0.0.1:${port}/`;
  const all = [...flags, "--remote-debugging-port=0", `--user-data-dir=${profile}`, page];
  browser = spawn(CHROMIUM, all, { env: environment, stdio: ["ignore", "ignore", "pipe"] });
  browser.stderr.on("data", (data) => { said += data; });
  browser.once("error", (error) => { console.error(error); process.exit(1); });
  browser.once("exit", (code, signal) => { console.error(`Chromium ended: ${code ?? signal}\n${said}`); process.exit(1); });
  setTimeout(() => { console.error("the page reported nothing"); finish(1); }, PATIENCE_MS).unref();
});
