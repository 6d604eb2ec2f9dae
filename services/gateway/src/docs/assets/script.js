// Shows the document of this server to its visitor, and calls what it describes. Whoever is signed in is told by cookies that no
// script reads, or by a token that lives as long as this page.

const root = document.documentElement;
const at = (id) => document.getElementById(id);
const METHODS = ["get", "put", "post", "patch", "delete", "options", "head"];

// An element; what is no element among its children is text.
function h(name, attributes, ...children) {
  const element = document.createElement(name);
  for (const [key, value] of Object.entries(attributes ?? {})) {
    if (value === undefined || value === false || value === null) continue;
    if (key.startsWith("on")) element.addEventListener(key.slice(2), value);
    else if (key === "value") element.value = value;
    else element.setAttribute(key, value === true ? "" : value);
  }
  element.append(...children.flat(Infinity).filter((child) => child !== undefined && child !== null && child !== false));
  return element;
}

const store = (name, value) => {
  try {
    return value === undefined ? localStorage.getItem(name) : localStorage.setItem(name, value);
  } catch {
    return null; // A browser may keep nothing.
  }
};

const say = (text) => { at("live").textContent = text; };

// --- who is calling

const caller = { token: "", refresh: "", name: "" };

function headers(more = {}) {
  return { ...more, ...(caller.token && { authorization: `Bearer ${caller.token}` }) };
}

// Calls; an access token that is over is exchanged once.
async function call(path, options = {}) {
  const send = () => fetch(path, { ...options, headers: headers(options.headers) });
  const answer = await send();
  if (answer.status !== 401) return answer;
  const reason = await answer.clone().json().then((body) => body.error?.details?.[0]?.reason, () => "");
  if (reason !== "TOKEN_EXPIRED" || !(await renewed())) return answer;
  return send();
}

async function renewed() {
  if (caller.token && !caller.refresh) return false;
  const answer = await post("/auth/v1/sessions:refresh", caller.refresh ? { refreshToken: caller.refresh } : {}, !caller.token);
  if (!answer.ok) return false;
  if (caller.token) take(await answer.json());
  return true;
}

function post(path, body, byCookie) {
  const more = { "content-type": "application/json", ...(byCookie && { "session-mode": "cookie" }) };
  return fetch(path, { method: "POST", headers: more, body: JSON.stringify(body) });
}

function take({ accessToken, refreshToken }) {
  caller.token = accessToken ?? "";
  caller.refresh = refreshToken || caller.refresh;
}

async function look() {
  const answer = await call("/auth/v1/accounts/me").catch(() => undefined);
  const account = answer?.ok ? await answer.json() : undefined;
  caller.name = account ? account.displayName || account.email || account.name : caller.token ? "By a token" : "";
  const theme = h("button", { type: "button", "aria-label": "Light or dark", onclick: otherTheme }, "◐");
  at("who").replaceChildren(...(caller.name
    ? [h("span", { id: "caller" }, caller.name), h("button", { type: "button", onclick: signOut }, "Sign out"), theme]
    : [h("button", { type: "button", class: "main", id: "sign-in", onclick: signIn }, "Sign in"), theme]));
}

async function signOut() {
  if (caller.token) {
    await call("/auth/v1/sessions:signOut", { method: "POST", headers: { "content-type": "application/json" }, body: "{}" });
    Object.assign(caller, { token: "", refresh: "" });
  } else {
    await post("/auth/v1/sessions:signOut", {}, true);
  }
  await begin();
}

function signIn() {
  const problem = h("p", { class: "problem", role: "alert", hidden: true });
  const field = (id, text, type, complete) =>
    h("div", { class: "field" }, h("label", { for: id }, text), h("input", { id, type, autocomplete: complete, spellcheck: "false" }));
  const fail = (text) => { problem.textContent = text; problem.hidden = false; };
  const done = async () => { dialog.close(); await begin(); };
  const byPassword = async (event) => {
    event.preventDefault();
    const answer = await post("/auth/v1/sessions:signIn", { email: at("email").value, password: at("password").value });
    const body = await answer.json();
    if (!answer.ok) return fail(body.error.message);
    if (!body.accessToken) return fail("This account wants a second factor: sign in on the sign-in page.");
    take(body);
    return done();
  };
  const byToken = async (event) => {
    event.preventDefault();
    Object.assign(caller, { token: at("token").value.trim().replace(/^bearer /i, ""), refresh: "" });
    const answer = await fetch("/openapi.json", { method: "HEAD", headers: headers() });
    if (answer.ok) return done();
    caller.token = "";
    return fail("The token is not good.");
  };
  const hosted = root.dataset.signIn === "true";
  const dialog = h("dialog", { "aria-labelledby": "sign-in-title", onclose: () => dialog.remove() },
    h("h2", { id: "sign-in-title" }, "Sign in"), problem,
    hosted && h("p", {}, h("a", { class: "button", href: "/auth/sign-in?return_to=/docs" }, "On the sign-in page")),
    h("form", { onsubmit: byPassword }, h("h3", {}, "By password"), field("email", "E-mail address", "email", "username"),
      field("password", "Password", "password", "current-password"),
      h("p", { class: "soft" }, "The tokens live as long as this page."), h("button", { class: "main" }, "Sign in")),
    h("form", { onsubmit: byToken }, h("h3", {}, "By a token or a key"), field("token", "Access token, or key of a service account", "password", "off"),
      h("div", { class: "actions" }, h("button", {}, "Use it"), h("button", { type: "button", onclick: () => dialog.close() }, "Close"))));
  document.body.append(dialog);
  dialog.showModal();
}

function otherTheme() {
  const dark = (root.dataset.theme || (matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light")) === "dark";
  root.dataset.theme = dark ? "light" : "dark";
  store("theme", root.dataset.theme);
}

// --- the document

let api;
let operations = new Map();

async function begin() {
  await look();
  const answer = await call("/openapi.json").catch((error) => error);
  if (!answer.ok) {
    at("main").replaceChildren(h("p", { class: "problem" }, `The document could not be loaded: ${answer.status ?? answer.message}`));
    return;
  }
  api = await answer.json();
  operations = new Map();
  for (const [path, item] of Object.entries(api.paths)) {
    for (const method of METHODS) {
      if (item[method]) operations.set(item[method].operationId, { ...item[method], path, method });
    }
    for (const [method, operation] of Object.entries(item["x-additionalOperations"] ?? {})) {
      operations.set(operation.operationId, { ...operation, path, method });
    }
  }
  list();
  show();
}

function resolved(schema) {
  if (!schema?.$ref) return schema ?? {};
  const found = schema.$ref.slice(2).split("/").reduce((from, key) => from?.[key], api) ?? {};
  const { $ref: _, ...beside } = schema;
  return { ...found, ...beside };
}

const inTag = (name) => [...operations.values()].filter((operation) => operation.tags?.includes(name));

function list() {
  const wanted = at("search").value.toLowerCase().split(/\s+/).filter(Boolean);
  const fits = (one) => {
    const text = `${one.method} ${one.path} ${one.operationId} ${one.summary}`.toLowerCase();
    return wanted.every((word) => text.includes(word));
  };
  const groups = (api["x-tagGroups"] ?? [{ name: "", tags: api.tags.map((tag) => tag.name) }]).map(({ name, tags }) => {
    const shown = tags.map((tag) => [tag, inTag(tag).filter(fits)]).filter(([, all]) => all.length > 0);
    return shown.length > 0 && [h("h2", {}, name), ...shown.map(([tag, all]) => service(tag, all, wanted.length > 0))];
  });
  at("operations").replaceChildren(...groups.flat().filter(Boolean));
  if (!at("operations").hasChildNodes()) at("operations").append(h("p", { class: "soft" }, "Nothing is called so."));
  mark();
}

function service(tag, all, open) {
  const items = all.map((one) => h("li", {}, h("a", { href: `#/${one.operationId}`, title: one.path },
    verb(one.method), h("span", { class: one.deprecated && "old" }, one.operationId.slice(tag.length + 1)))));
  return h("details", { open, "data-tag": tag }, h("summary", {}, tag), h("ul", {}, items));
}

const verb = (method) => h("span", { class: `verb ${method.toLowerCase()}` }, method.toUpperCase());

function mark() {
  const here = location.hash;
  for (const link of at("operations").querySelectorAll("a")) {
    const is = link.getAttribute("href") === here;
    if (is) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
    if (is) link.closest("details").open = true;
  }
}

function show() {
  running?.abort();
  const name = decodeURIComponent(location.hash.replace(/^#\/?/, ""));
  const operation = operations.get(name);
  at("main").replaceChildren(...(operation ? page(operation) : overview(name)));
  document.title = `${operation ? operation.summary : api.info.title}: API`;
  mark();
  scrollTo(0, 0);
}

function overview(missing) {
  const tags = api.tags.map(({ name, description }) => h("section", {}, h("h3", {}, name), said(description),
    h("ul", { class: "fields" }, inTag(name).map((one) => h("li", {}, h("a", { href: `#/${one.operationId}` }, one.summary), " ",
      h("span", { class: "soft" }, `${one.method.toUpperCase()} ${one.path}`))))));
  const files = [["/openapi.json", "openapi.json"], ["/contract.zip", "contract.zip"], ["/contract.binpb", "contract.binpb"]];
  return [
    missing && missing !== "main" && h("p", { class: "problem" }, `There is no operation ${missing}, or not for you: sign in?`),
    h("h2", {}, api.info.title), h("p", { class: "soft" }, `Revision ${api.info.version}`),
    h("div", { class: "card" }, said(api.info.description), h("div", { class: "actions" },
      files.map(([path, name]) => h("button", { type: "button", onclick: () => download(path, name) }, name)))),
    ...tags,
  ].filter(Boolean);
}

async function download(path, name) {
  const answer = await call(path);
  if (!answer.ok) return say("The download failed.");
  const link = h("a", { href: URL.createObjectURL(await answer.blob()), download: name });
  link.click();
  return URL.revokeObjectURL(link.href);
}

// --- texts: paragraphs, lists, and code, which is all that comments have

function said(text) {
  const blocks = (text ?? "").split(/\n{2,}/).filter((block) => block.trim());
  return h("div", { class: "said" }, blocks.map((block) => {
    const lines = block.split("\n");
    if (lines.every((line) => /^\s*- /.test(line))) return h("ul", {}, lines.map((line) => h("li", {}, inline(line.replace(/^\s*- /, "")))));
    return h("p", {}, inline(lines.join(" ")));
  }));
}

function inline(text) {
  return text.split(/(`[^`]+`)/).map((part) => (/^`.+`$/.test(part) ? h("code", {}, part.slice(1, -1)) : part));
}

// --- schemas

function kind(schema) {
  if (schema.$ref) return schema.$ref.split("/").pop();
  const whole = resolved(schema);
  if (whole.type === "array") return `list of ${kind(whole.items ?? {})}`;
  if (whole.additionalProperties && whole.additionalProperties !== true) return `map to ${kind(whole.additionalProperties)}`;
  if (whole.allOf && !whole.type) return whole.allOf.map(kind).join(" and ");
  if (whole.anyOf && !whole.type) return whole.anyOf.map(kind).join(" or ");
  return [whole.type ?? "any", whole.format && `(${whole.format})`].filter(Boolean).join(" ");
}

const LIMITS = { minLength: "at least $ characters", maxLength: "at most $ characters", pattern: "matches $", minimum: "≥ $", maximum: "≤ $",
  exclusiveMinimum: "> $", exclusiveMaximum: "< $", minItems: "at least $ items", maxItems: "at most $ items", uniqueItems: "no two alike",
  minProperties: "at least $ entries", maxProperties: "at most $ entries", const: "is $" };
const USUAL = new Set([-2147483648, 2147483647, 4294967295, "^-?[0-9]+$", "^[0-9]+$"]);

function limits(schema) {
  const whole = resolved(schema);
  const named = Object.entries(LIMITS).filter(([key]) => whole[key] !== undefined && !USUAL.has(whole[key]));
  const words = named.map(([key, text]) => text.replace("$", () => (typeof whole[key] === "string" ? whole[key] : JSON.stringify(whole[key]))));
  if (whole.readOnly) words.push("read-only");
  if (whole.writeOnly) words.push("never answered");
  if (whole.deprecated) words.push("deprecated");
  return words.map((word) => [h("span", { class: "tag", title: word }, word), " "]);
}

// The properties of an object, or of what a list or a map has.
function inside(schema) {
  let whole = resolved(schema);
  while (whole.type === "array" || (whole.additionalProperties && whole.additionalProperties !== true)) {
    whole = resolved(whole.type === "array" ? whole.items : whole.additionalProperties);
  }
  const parts = [whole, ...(whole.allOf ?? []).map(inside)];
  const properties = Object.assign({}, ...parts.map((part) => part.properties ?? {}));
  return { properties, required: parts.flatMap((part) => part.required ?? []), enum: whole.enum, description: whole.description };
}

function fields(schema) {
  const { properties, required } = inside(schema);
  return h("ul", { class: "fields" }, Object.entries(properties).map(([name, of]) => row(name, of, required.includes(name))));
}

function row(name, schema, must, more) {
  const within = inside(schema);
  const nested = Object.keys(within.properties).length > 0;
  const item = h("li", {}, h("span", { class: "name" }, name), " ", h("span", { class: "type" }, kind(schema)), " ",
    must && h("span", { class: "tag must" }, "required"), " ", more, limits(schema), said(schema.description ?? (nested ? "" : within.description)));
  if (within.enum && !nested) item.append(h("p", { class: "soft" }, "One of ", within.enum.map((value, i) => [i > 0 && ", ", h("code", {}, String(value))])));
  if (nested) {
    const open = h("details", { ontoggle: () => open.children.length < 2 && open.append(fields(schema)) }, h("summary", { class: "soft" }, "Fields"));
    item.append(open);
  }
  return item;
}

// --- one operation

const isText = (operation) => Boolean(operation.responses["200"]?.content?.["text/event-stream"]);

function page(operation) {
  const parameters = (operation.parameters ?? []).map(resolved);
  const body = operation.requestBody?.content?.["application/json"];
  const open = operation.security?.some((way) => Object.keys(way).length === 0);
  const answers = Object.entries(operation.responses).map(([status, answer]) => [status, resolved(answer)]);
  return [
    h("h2", { class: operation.deprecated && "old" }, operation.summary),
    h("p", { class: "path" }, verb(operation.method), h("span", {}, operation.path)),
    h("p", { class: "soft" }, operation["x-grpc-method"], " · ", open ? "for everybody" : "for who is signed in",
      operation.deprecated && " · deprecated"),
    (operation.description ?? operation.summary).replace(/\.$/, "") !== operation.summary && h("div", { class: "card" }, said(operation.description)),
    attempt(operation, parameters, body),
    parameters.length > 0 && h("section", {}, h("h3", {}, "Parameters"), h("ul", { class: "fields" }, parameters.map((one) =>
      row(one.name, { ...one.schema, description: one.description }, one.required, h("span", { class: "tag" }, one.in))))),
    body && h("section", {}, h("h3", {}, "Body ", h("span", { class: "type" }, kind(body.schema))), said(inside(body.schema).description), fields(body.schema)),
    h("section", {}, h("h3", {}, "Answers"), answers.map(([status, answer]) => h("details", { open: status === "200" },
      h("summary", {}, h("span", { class: `status ${status < 400 ? "good" : "bad"}` }, status), " ",
        h("span", { class: "soft" }, (answer["x-error-reasons"] ?? []).join(", "))),
      said(answer.description), status === "200" && schemaOf(answer)))),
  ].filter(Boolean);
}

function schemaOf(answer) {
  const schema = answer.content?.["application/json"]?.schema;
  return schema && [h("p", { class: "type" }, kind(schema)), fields(schema)];
}

// --- trying it

let running;

function field(parameter) {
  const { name, schema } = parameter;
  const whole = resolved(schema);
  const id = `p-${parameter.in}-${name}`;
  const about = { id, name, "data-in": parameter.in, required: parameter.required, "data-many": parameter["x-multi-segment"] };
  const choice = (values) => h("select", about, h("option", { value: "" }, ""), values.map((value) => h("option", { value }, String(value))));
  const of = () => {
    if (whole.type === "array") return h("textarea", { ...about, class: "few", placeholder: "One on each line", spellcheck: "false" });
    if (whole.enum) return choice(whole.enum);
    if (whole.type === "boolean") return choice(["true", "false"]);
    return h("input", { ...about, autocomplete: "off", spellcheck: "false", placeholder: whole.format ?? whole.type });
  };
  return h("div", { class: "field" }, h("label", { for: id }, name, parameter.required && h("span", { class: "bad" }, " *")), of());
}

function attempt(operation, parameters, body) {
  const [needed, others] = [parameters.filter((one) => one.required), parameters.filter((one) => !one.required)];
  const example = body?.example ?? resolved(body?.schema).examples?.[0] ?? {};
  const text = body && h("textarea", { id: "body", spellcheck: "false", value: JSON.stringify(example, null, 2) });
  const accept = isText(operation) && h("select", { id: "accept" }, Object.keys(operation.responses["200"].content).reverse().map((one) => h("option", {}, one)));
  const shown = h("div", { id: "answer", "aria-live": "polite" });
  const send = h("button", { class: "main", id: "send" }, "Send");
  const stop = h("button", { type: "button", id: "stop", disabled: true, onclick: () => running?.abort() }, "Stop");
  const form = h("form", { novalidate: true, onsubmit: (event) => {
    event.preventDefault();
    go(operation, form, shown, { send, stop });
  }, onkeydown: (event) => (event.ctrlKey || event.metaKey) && event.key === "Enter" && form.requestSubmit() },
  needed.length > 0 && h("div", { class: "grid" }, needed.map(field)),
  others.length > 0 && h("details", {}, h("summary", {}, `${others.length} that may be left out`), h("div", { class: "grid" }, others.map(field))),
  text && h("div", { class: "field" }, h("label", { for: "body" }, "Body"), text),
  accept && h("div", { class: "field" }, h("label", { for: "accept" }, "Written as"), accept),
  h("div", { class: "actions" }, send, stop, h("span", { class: "soft" }, h("kbd", {}, "Ctrl"), " ", h("kbd", {}, "Enter"))));
  return h("section", { id: "try" }, h("h3", {}, "Try it"), form, shown);
}

// The request that a form says. What is missing or no JSON is told instead.
function request(operation, form) {
  const given = [...form.querySelectorAll("[data-in]")].map((input) => ({ input, name: input.name, where: input.dataset.in, value: input.value }));
  const missing = given.find(({ input, value }) => input.required && value === "");
  if (missing) {
    missing.input.focus();
    throw new Error(`${missing.name} is required.`);
  }
  let path = operation.path;
  const query = new URLSearchParams();
  const more = {};
  for (const { input, name, where, value } of given.filter(({ value, where }) => value !== "" || where === "path")) {
    if (where === "path") path = path.replace(`{${name}}`, () => (input.dataset.many === undefined ? [value] : value.split("/")).map(encodeURIComponent).join("/"));
    else if (where === "header") more[name] = value;
    else if (input.tagName === "TEXTAREA") value.split("\n").filter(Boolean).forEach((one) => query.append(name, one));
    else query.append(name, value);
  }
  const text = form.querySelector("#body")?.value;
  if (text !== undefined && text.trim()) {
    try {
      JSON.parse(text);
    } catch (error) {
      form.querySelector("#body").focus();
      throw new Error(`The body is no JSON: ${error.message}`);
    }
    more["content-type"] = "application/json";
  }
  const accept = form.querySelector("#accept")?.value;
  if (accept) more.accept = accept;
  const search = query.toString();
  return { url: search ? `${path}?${search}` : path, method: operation.method.toUpperCase(), headers: more, body: text?.trim() || undefined };
}

const quoted = (text) => `'${text.replaceAll("'", "'\\''")}'`;

function curl({ url, method, headers: more, body }) {
  const who = caller.token ? { authorization: "Bearer $TOKEN" } : {};
  const lines = Object.entries({ ...who, ...more }).map(([name, value]) => (value.includes("$TOKEN") ? `-H "${name}: ${value}"` : `-H ${quoted(`${name}: ${value}`)}`));
  return [`curl -X ${method} ${quoted(location.origin + url)}`, ...lines, ...(body ? [`-d ${quoted(body)}`] : [])].join(" \\\n  ");
}

async function go(operation, form, shown, { send, stop }) {
  let sent;
  try {
    sent = request(operation, form);
  } catch (error) {
    shown.replaceChildren(h("p", { class: "problem" }, error.message));
    return;
  }
  const controller = new AbortController();
  running?.abort();
  running = controller;
  send.disabled = true;
  stop.disabled = false;
  const command = h("details", {}, h("summary", { class: "soft" }, "As a command"), h("pre", {}, curl(sent)));
  const began = performance.now();
  try {
    const { url, ...options } = sent;
    const answer = await call(url, { ...options, signal: controller.signal });
    const head = h("p", {}, h("span", { class: `status ${answer.ok ? "good" : "bad"}`, id: "status" }, String(answer.status)), " ",
      h("span", { class: "soft" }, `${Math.round(performance.now() - began)} ms · ${answer.headers.get("content-type") ?? "no content"}`));
    const all = h("details", {}, h("summary", { class: "soft" }, "Headers"), h("pre", {}, [...answer.headers].map(([name, value]) => `${name}: ${value}`).join("\n")));
    const content = h("pre", { id: "content", tabindex: "0" });
    shown.replaceChildren(head, content, all, command);
    if (answer.ok && isText(operation)) await follow(answer, content);
    else content.textContent = pretty(await answer.text());
  } catch (error) {
    if (error.name !== "AbortError") shown.replaceChildren(h("p", { class: "problem" }, `It could not be sent: ${error.message}`), command);
  } finally {
    if (running === controller) running = undefined;
    send.disabled = false;
    stop.disabled = true;
  }
}

// Shows a stream as it comes, the end of it where it is long.
async function follow(answer, content) {
  const LONGEST = 200_000;
  const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
  for (let text = ""; ;) {
    const { value, done } = await reader.read();
    if (done) return;
    text = (text + value).slice(-LONGEST);
    content.textContent = text;
    content.scrollTop = content.scrollHeight;
  }
}

function pretty(text) {
  try {
    return JSON.stringify(JSON.parse(text), null, 2);
  } catch {
    return text;
  }
}

// --- the page

addEventListener("hashchange", () => {
  if (location.hash === "#main") return;
  show();
  if (matchMedia("(max-width: 52rem)").matches) at("menu").open = false;
  at("main").focus({ preventScroll: true });
});
addEventListener("keydown", (event) => {
  const types = /^(INPUT|TEXTAREA|SELECT)$/.test(event.target.tagName);
  if (event.key === "/" && !types && !document.querySelector("dialog[open]")) {
    event.preventDefault();
    at("menu").open = true;
    at("search").focus();
  }
});
at("search").addEventListener("input", list);
if (store("theme")) root.dataset.theme = store("theme");
if (matchMedia("(max-width: 52rem)").matches) at("menu").open = false;
begin();
