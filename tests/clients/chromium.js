// Chromium without a window, driven by its own protocol (https://chromedevtools.github.io/devtools-protocol/).

import { spawn } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const FLAGS = ["--headless=shell", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run"];
const PATIENCE_MS = 30_000;

const { CHROMIUM, CHROMIUM_LIBRARIES, SCREENSHOTS } = process.env;

// Runs `journey` with a page, and ends the browser whatever comes of it.
export async function withPage(journey) {
  const profile = mkdtempSync(join(tmpdir(), "mainstay-test-chromium-"));
  const environment = { ...process.env, ...(CHROMIUM_LIBRARIES && { LD_LIBRARY_PATH: CHROMIUM_LIBRARIES }) };
  const all = [...FLAGS, "--remote-debugging-port=0", `--user-data-dir=${profile}`, "about:blank"];
  const browser = spawn(CHROMIUM, all, { env: environment, stdio: ["ignore", "ignore", "pipe"] });
  const ended = new Promise((resolve) => browser.once("exit", resolve));
  try {
    const page = await Page.open(await address(browser));
    await journey(page);
  } finally {
    browser.kill("SIGKILL");
    await ended;
    rmSync(profile, { recursive: true, force: true });
  }
}

// Where the browser takes commands: it says so when it is up.
function address(browser) {
  return new Promise((resolve, reject) => {
    let said = "";
    browser.stderr.on("data", (data) => {
      said += data;
      const found = said.match(/DevTools listening on (ws:\/\/\S+)/);
      if (found) resolve(found[1]);
    });
    browser.once("error", reject);
    browser.once("exit", (code, signal) => reject(new Error(`Chromium ended: ${code ?? signal}\n${said}`)));
  });
}

export class Page {
  #socket;
  #session;
  #next = 1;
  #waiting = new Map();
  #events = new Set();
  #shots = 0;

  static async open(address) {
    const page = new Page();
    page.#socket = new WebSocket(address);
    await new Promise((resolve, reject) => {
      page.#socket.onopen = resolve;
      page.#socket.onerror = () => reject(new Error("the browser does not take commands"));
    });
    page.#socket.onmessage = ({ data }) => page.#heard(JSON.parse(data));
    const { targetId } = await page.send("Target.createTarget", { url: "about:blank" });
    page.#session = (await page.send("Target.attachToTarget", { targetId, flatten: true })).sessionId;
    await page.send("Page.enable");
    await page.send("Runtime.enable");
    return page;
  }

  send(method, params = {}) {
    const id = this.#next++;
    const sent = new Promise((resolve, reject) => this.#waiting.set(id, { resolve, reject, method }));
    this.#socket.send(JSON.stringify({ id, method, params, sessionId: this.#session }));
    return sent;
  }

  #heard({ id, result, error, method, params }) {
    if (method) {
      for (const event of this.#events) if (event.method === method) event.resolve(params);
      return;
    }
    const waiting = this.#waiting.get(id);
    this.#waiting.delete(id);
    if (error) waiting.reject(new Error(`${waiting.method}: ${error.message}`));
    else waiting.resolve(result);
  }

  // Waits for an event that comes after this call.
  #event(method) {
    return new Promise((resolve, reject) => {
      const event = { method, resolve: (params) => { clearTimeout(timer); this.#events.delete(event); resolve(params); } };
      const timer = setTimeout(() => { this.#events.delete(event); reject(new Error(`no ${method} came`)); }, PATIENCE_MS);
      this.#events.add(event);
    });
  }

  async goto(url) {
    // A page whose address differs from the last one by what is behind the `#` alone would not be loaded.
    const loaded = this.#event("Page.loadEventFired");
    await this.send("Page.navigate", { url: "about:blank" });
    await loaded;
    const shown = this.#event("Page.loadEventFired");
    const { errorText } = await this.send("Page.navigate", { url });
    if (errorText) throw new Error(`${url}: ${errorText}`);
    await shown;
  }

  async evaluate(expression) {
    const { result, exceptionDetails } = await this.send("Runtime.evaluate", {
      expression, awaitPromise: true, returnByValue: true,
    });
    if (exceptionDetails) throw new Error(`${expression}: ${exceptionDetails.exception?.description}`);
    return result.value;
  }

  // Types into a field as a person does.
  async type(selector, text) {
    const found = await this.evaluate(`(() => { const field = document.querySelector(${JSON.stringify(selector)});
      field?.focus(); field?.select(); return !!field; })()`);
    if (!found) throw new Error(`${await this.heading()}: there is no ${selector}`);
    await this.send("Input.insertText", { text });
  }

  // Clicks on what leads to another page, and waits for it.
  async click(selector) {
    const loaded = this.#event("Page.loadEventFired");
    const found = await this.evaluate(`(() => { const found = document.querySelector(${JSON.stringify(selector)});
      for (let of = found; of; of = of.parentElement) if (of.tagName === "DETAILS") of.open = true;
      found?.click(); return !!found; })()`);
    if (!found) throw new Error(`${await this.heading()}: there is no ${selector}`);
    await loaded;
  }

  heading() {
    return this.evaluate(`document.querySelector("h1")?.textContent ?? document.body.textContent.slice(0, 200)`);
  }

  text(selector) {
    return this.evaluate(`document.querySelector(${JSON.stringify(selector)})?.textContent ?? null`);
  }

  // What lies beyond the right edge of the window, or has no name for who cannot see it.
  faults() {
    return this.evaluate(`(() => {
      const wide = [...document.querySelectorAll("main, main *")].filter((of) =>
        of.getBoundingClientRect().right > document.documentElement.clientWidth + 1);
      const nameless = [...document.querySelectorAll("input:not([type=hidden])")].filter((of) => !of.labels?.length);
      const small = [...document.querySelectorAll("button, input:not([type=hidden])")].filter((of) => {
        const box = of.getBoundingClientRect();
        return box.height > 0 && box.height < 40;
      });
      return [...wide, ...nameless, ...small].map((of) => of.outerHTML.slice(0, 120));
    })()`);
  }

  async width(width) {
    await this.send("Emulation.setDeviceMetricsOverride", { width, height: 900, deviceScaleFactor: 1, mobile: width < 600 });
  }

  // Keeps a picture of the page where somebody wants to look at it.
  async picture(name) {
    if (!SCREENSHOTS) return;
    mkdirSync(SCREENSHOTS, { recursive: true });
    const { data } = await this.send("Page.captureScreenshot", { format: "png", captureBeyondViewport: true });
    const number = String(++this.#shots).padStart(2, "0");
    writeFileSync(join(SCREENSHOTS, `${number}-${name}.png`), Buffer.from(data, "base64"));
  }
}
