// What somebody does with the pages of the gateway.

const { MAINSTAY_URL: url } = process.env;

// What was seen, in order.
export const seen = [];

// Looks at a page as it is on a desk and on a telephone.
export async function look(page, name) {
  for (const width of [1200, 360]) {
    await page.width(width);
    const faults = await page.faults();
    if (faults.length > 0) throw new Error(`${name} at ${width}: ${faults.join("\n")}`);
    await page.picture(`${name}-${width}`);
  }
  seen.push(await page.heading());
}

export async function fill(page, fields) {
  for (const [name, value] of Object.entries(fields)) await page.type(`[name="${name}"]`, value);
}

// The link of a mail that was not there before, on this server whatever it calls itself.
const used = new Set();
export async function newestLink(page) {
  for (let tries = 0; tries < 50; tries++) {
    await page.goto(`${url}/auth/mailbox`);
    const link = await page.evaluate(`document.querySelector("article a.main")?.href ?? ""`);
    if (link && !used.has(link)) {
      used.add(link);
      await look(page, "mailbox");
      const { pathname, hash } = new URL(link);
      return `${url}${pathname}${hash}`;
    }
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
  throw new Error("no mail came");
}
