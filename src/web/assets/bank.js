// @ts-check
// Plaid Link: opened by the press, closed by the customer. What it hands over goes to the server, which decides.
/** @typedef {{state: string, linkToken?: string, url?: string, heading?: string, happened?: string, todo?: string, field?: string|null}} Told */
/** @typedef {{error_code?: string, display_message?: string|null}|null} LinkError */
/** @typedef {{accounts?: {id?: string}[]}} LinkMetadata */
/** @typedef {{open: () => void, exit: () => void, destroy: () => void}} LinkHandler */
/** @typedef {{token: string, receivedRedirectUri?: string, onSuccess: (token: string, metadata: LinkMetadata) => void, onExit: (error: LinkError) => void}} LinkOptions */

const form = /** @type {HTMLFormElement} */ (document.getElementById("pay"));
const part = document.getElementById("new-bank");
const KEY = "quittance-bank";
const base = location.pathname;

/** @param {string} name @param {unknown} detail */
const tell = (name, detail) => form.dispatchEvent(new CustomEvent(name, { detail }));
/** @param {Told} said */
const refuse = (said) => tell("bank-refused", said);
/** @param {string} text */
const busy = (text) => tell("bank-busy", text);
/** @param {string} heading @param {string} todo */
const nothing = (heading, todo) => refuse({ state: "refused", heading, happened: "Nothing was charged.", todo });

/** @param {string} path @param {Record<string, string>} more @returns {Promise<Told>} */
const post = async (path, more) => {
  const body = new URLSearchParams();
  for (const [name, value] of new FormData(form)) body.append(name, value.toString());
  for (const [name, value] of Object.entries(more)) body.set(name, value);
  const reply = await fetch(`${base}/bank/${path}`, { method: "POST", headers: { accept: "application/json" }, body, credentials: "same-origin", redirect: "error" });
  if (!(reply.headers.get("content-type") ?? "").includes("json")) throw new Error(`status ${reply.status}`);
  return reply.json();
};

/** @type {Promise<void>|undefined} */ let script;
/** Loaded at the first press: who pays by card never asks Plaid for anything. */
const load = () =>
  (script ??= new Promise((done, fail) => {
    const tag = document.createElement("script");
    tag.src = part?.dataset.script ?? "";
    tag.onload = () => done();
    tag.onerror = () => {
      script = undefined;
      fail(new Error("the script of Plaid can't be loaded"));
    };
    document.head.append(tag);
  }));

/** @param {string} bank the stored bank whose login ran out, or nothing @param {boolean} again */
const choose = async (bank, again = false) => {
  busy("Opening your bank…");
  try {
    const [told] = await Promise.all([post("link", { bank }), load()]);
    if (told.state !== "link" || !told.linkToken) return refuse(told);
    // For banks that lead away to their own page and back.
    const values = Object.fromEntries([...new FormData(form)].filter(([name]) => ["choice", "amount", "save_bank"].includes(name)));
    sessionStorage.setItem(KEY, JSON.stringify({ path: base, token: told.linkToken, bank, values }));
    open(told.linkToken, bank, again);
  } catch {
    nothing("Banks can't be reached right now", "Pay by card, or try again in some minutes.");
  }
};

/** @param {string} token @param {string} bank @param {boolean} again @param {string} [received] @param {string} [held] */
const open = (token, bank, again, received, held) => {
  const plaid = /** @type {{create: (options: LinkOptions) => LinkHandler}|undefined} */ (Reflect.get(window, "Plaid"));
  if (!plaid) return nothing("Banks can't be reached right now", "Pay by card, or try again in some minutes.");
  /** @type {LinkHandler|undefined} */ let link;
  /** @type {LinkOptions} */
  const options = {
    token,
    onSuccess: (given, metadata) => {
      link?.destroy();
      const [publicToken, account] = (held ?? `${given} ${metadata.accounts?.[0]?.id ?? ""}`).split(" ");
      void chosen(publicToken, account, bank);
    },
    onExit: (error) => {
      sessionStorage.removeItem(KEY);
      link?.destroy();
      // It ran out while the page stood open: one fresh one.
      if (error?.error_code === "INVALID_LINK_TOKEN" && !again) return void choose(bank, true);
      if (error) nothing("Your bank could not be connected", "Try again, choose another bank, or pay by card.");
      else nothing("You closed the window of your bank", "Choose your bank when you are ready, or pay by card.");
    },
  };
  if (received) options.receivedRedirectUri = received;
  busy("Choose your bank in the window.");
  link = plaid.create(options);
  link.open();
};

/** @param {string} publicToken @param {string} account @param {string} bank */
const chosen = async (publicToken, account, bank) => {
  busy("Connecting your bank…");
  const send = () => post("chosen", { public_token: publicToken, account, bank });
  try {
    /** @type {Told} */ let told;
    try {
      told = await send();
    } catch {
      // The same token again: the server knows it, and makes no second bank of it.
      await new Promise((done) => setTimeout(done, 1500));
      told = await send();
    }
    sessionStorage.removeItem(KEY);
    if (told.state === "go" && told.url) return location.assign(told.url);
    if (told.state === "login" && told.linkToken) return open(told.linkToken, bank, true, undefined, `${publicToken} ${account}`);
    refuse(told);
  } catch {
    nothing("The page could not reach us", "Check your connection and choose your bank again.");
  }
};

form?.addEventListener("choose-bank", (event) => void choose(/** @type {CustomEvent<string>} */ (event).detail));

const back = new URLSearchParams(location.search).get("bank_return");
if (back && form) {
  history.replaceState(null, "", base);
  const kept = JSON.parse(sessionStorage.getItem(KEY) ?? "null");
  if (kept?.path === base) {
    for (const [name, value] of Object.entries(kept.values)) {
      for (const field of form.querySelectorAll(`input[name="${name}"]`)) {
        if (!(field instanceof HTMLInputElement)) continue;
        if (field.type === "radio" || field.type === "checkbox") field.checked = field.value === value;
        else field.value = String(value);
      }
    }
    const pick = form.querySelector('input[name=method][value="bank:new"]');
    if (pick instanceof HTMLInputElement && !kept.bank) pick.checked = true;
    form.dispatchEvent(new Event("change"));
    const received = `${location.origin}/bank/return?oauth_state_id=${encodeURIComponent(back)}`;
    load().then(() => open(kept.token, kept.bank, false, received), () => nothing("Banks can't be reached right now", "Pay by card, or try again in some minutes."));
  }
}
export {};
