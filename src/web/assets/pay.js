// @ts-check
// The card form, and the press of Pay. Everything is decided and checked on the server; this only carries.
/** @typedef {import("@stripe/stripe-js").Stripe} Stripe */
/** @typedef {import("@stripe/stripe-js").StripeElements} StripeElements */
/** @typedef {{state: string, attempt?: string, clientSecret?: string, returnUrl?: string, statusUrl?: string, url?: string, redirect?: string|null, again?: string, heading?: string, happened?: string, todo?: string, field?: string|null, offers?: {words: string, value: string}[], takeOver?: boolean, payAgain?: boolean, csrf?: string, reload?: boolean, nextPress?: string}} Answer */

/**
 * @template {HTMLElement} T
 * @param {string} id @param {{new(): T}} kind
 * @returns {T}
 */
const byId = (id, kind) => {
  const found = document.getElementById(id);
  if (!(found instanceof kind)) throw new Error(`the page has no ${id}`);
  return found;
};

const form = byId("pay", HTMLFormElement);
const button = byId("pay-button", HTMLButtonElement);
const progress = byId("progress", HTMLElement);
const amount = byId("amount", HTMLInputElement);
const part = /** @type {HTMLElement} */ (amount.closest(".part"));
const takeOver = byId("take-over", HTMLButtonElement);
const payAgain = byId("pay-again", HTMLButtonElement);
const exponent = Number(form.dataset.exponent);
const factor = Number(form.dataset.factor);
const balance = Number(form.dataset.balance);
const code = form.dataset.code ?? "";
const title = document.title.replace(/^Error: .*? – /, "");

/** @type {Stripe|null} */ let stripe = null;
/** @type {StripeElements|null} */ let elements = null;
let cardReady = false;
let working = false;
document.documentElement.classList.add("scripted");

/** @param {string} name */
const field = (name) => /** @type {HTMLInputElement} */ (form.querySelector(`input[type=hidden][name=${name}]`));
/** @param {string} name */
const picked = (name) => new FormData(form).get(name)?.toString() ?? "";

/** What the button echoes; the server reads the same text by the same rules. @param {string} text @returns {number|null} */
const read = (text) => {
  let digits = text.replace(/[\s\u200e\u200f'’$€£¥]/gu, "").replace(new RegExp(code, "i"), "");
  if (!/^[\d.,]+$/.test(digits)) return null;
  const last = Math.max(digits.lastIndexOf("."), digits.lastIndexOf(","));
  let decimals = "";
  if (last >= 0) {
    const mark = digits[last];
    const single = digits.split(mark).length === 2;
    const both = digits.includes(".") && digits.includes(",");
    const after = digits.slice(last + 1);
    const group = !both && (!single || (after.length === 3 && last <= 3 && digits[0] !== "0" && (mark === "," || exponent === 0)));
    if (!group) {
      decimals = after.replace(/0+$/, "");
      digits = digits.slice(0, last);
    }
  }
  if (decimals.length > exponent) return null;
  const minor = Number(digits.replace(/[.,]/g, "") + decimals.padEnd(exponent, "0"));
  return Number.isSafeInteger(minor) ? minor : null;
};

/** @param {number} minor */
const words = (minor) => {
  const value = minor / 10 ** exponent;
  const number = new Intl.NumberFormat("en-US", { style: "currency", currency: code, currencyDisplay: "narrowSymbol", minimumFractionDigits: exponent, maximumFractionDigits: exponent });
  return `${number.format(value)} ${code}`;
};

const wanted = () => (picked("choice") === "part" ? read(amount.value) : balance);
/** Stripe compares the form's promise with the intent; the server asks the same where the box is ticked. */
const use = () => (picked("save") === "yes" ? /** @type {"off_session"} */ ("off_session") : null);
const newCard = () => (picked("method") || "new") === "new";
const newBank = () => picked("method") === "bank:new";
/** A stored bank whose login ran out. */
const oldLogin = () => form.querySelector("input[name=method]:checked")?.hasAttribute("data-login") ?? false;
const begins = () => (newBank() ? "Choose your bank to pay " : picked("method").startsWith("bank:") ? "Continue to pay " : "Pay ");

const echo = () => {
  const isPart = picked("choice") === "part";
  part.hidden = !isPart;
  byId("new-card", HTMLElement).hidden = !newCard();
  document.getElementById("new-bank")?.toggleAttribute("hidden", !newBank());
  if (button.firstChild) button.firstChild.textContent = begins();
  if (!newCard() && !working) button.removeAttribute("aria-disabled");
  const minor = wanted();
  byId("pay-amount", HTMLElement).textContent = minor === null || minor === balance ? (isPart && minor === null ? "" : form.dataset.balanceWords ?? "") : words(minor);
  if (elements && minor && minor > 0 && minor <= balance) elements.update({ amount: minor * factor, setupFutureUsage: use() });
};

/** @type {ReturnType<typeof setTimeout>|undefined} */ let typing;
amount.addEventListener("input", () => {
  echo();
  clearTimeout(typing);
  typing = setTimeout(() => {
    const minor = wanted();
    byId("rest", HTMLElement).textContent = minor !== null && minor > 0 && minor < balance ? `${words(balance - minor)} stays due` : "";
  }, 500);
});
form.addEventListener("change", echo);

const look = () => {
  const dark = matchMedia("(prefers-color-scheme: dark)").matches;
  return {
    theme: /** @type {"night"|"stripe"} */ (dark ? "night" : "stripe"),
    labels: /** @type {"above"} */ ("above"),
    disableAnimations: matchMedia("(prefers-reduced-motion: reduce)").matches,
    variables: { fontSizeBase: "16px", spacingUnit: "4px" },
  };
};

const mount = () => {
  if (!window.Stripe || elements) return;
  stripe = window.Stripe(form.dataset.publishableKey ?? "");
  elements = stripe.elements({
    mode: "payment",
    amount: (wanted() ?? balance) * factor,
    currency: form.dataset.currency ?? "",
    setupFutureUsage: use(),
    allowedPaymentMethodTypes: ["card"],
    locale: "en",
    appearance: look(),
  });
  const card = elements.create("payment", {
    layout: { type: "accordion" },
    wallets: { applePay: "never", googlePay: "never" },
    business: { name: form.dataset.company ?? "" },
    terms: { card: "never" },
  });
  card.on("ready", () => {
    cardReady = true;
    byId("card-loading", HTMLElement).textContent = "";
    button.removeAttribute("aria-disabled");
  });
  card.on("loaderror", () => blocked());
  card.mount("#card-frame");
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => elements?.update({ appearance: look() }));
};

const blocked = () => {
  if (cardReady) return;
  byId("card-loading", HTMLElement).textContent = "The card form can't be loaded here. Nothing was charged. Reload the page, or call us to pay.";
};

/** Takes away what the last press was told. */
const clear = () => {
  byId("summary", HTMLElement).hidden = true;
  byId("amount-error", HTMLElement).hidden = true;
  byId("amount-offers", HTMLElement).replaceChildren();
  amount.removeAttribute("aria-invalid");
  amount.setAttribute("aria-describedby", "amount-hint");
  document.title = title;
};

/** @param {Answer} said */
const refuse = (said) => {
  const summary = byId("summary", HTMLElement);
  byId("summary-heading", HTMLElement).textContent = said.heading ?? "";
  byId("summary-happened", HTMLElement).textContent = said.happened ?? "";
  const todo = byId("summary-todo", HTMLElement);
  todo.replaceChildren();
  const error = byId("amount-error", HTMLElement);
  const offers = byId("amount-offers", HTMLElement);
  const atAmount = said.field === "amount";
  error.hidden = !atAmount;
  error.textContent = atAmount ? (said.todo ?? "") : "";
  amount.setAttribute("aria-describedby", atAmount ? "amount-hint amount-error" : "amount-hint");
  if (atAmount) amount.setAttribute("aria-invalid", "true");
  else amount.removeAttribute("aria-invalid");
  offers.replaceChildren();
  if (atAmount) {
    const to = document.createElement("a");
    to.href = "#amount";
    to.textContent = said.todo ?? "";
    todo.append(to);
    /** @type {HTMLInputElement} */ (form.querySelector("input[name=choice][value=part]")).checked = true;
    for (const offer of said.offers ?? []) {
      const use = document.createElement("button");
      use.type = "button";
      use.className = "link";
      use.textContent = `Use ${offer.words}`;
      use.addEventListener("click", () => {
        amount.value = offer.value;
        clear();
        echo();
        button.focus();
      });
      offers.append(use, " ");
    }
  } else if (said.reload) {
    const to = document.createElement("a");
    to.href = location.pathname;
    to.textContent = said.todo || "Look at the invoice again";
    todo.append(to);
  } else {
    todo.textContent = said.todo ?? "";
  }
  takeOver.hidden = !said.takeOver;
  payAgain.hidden = !said.payAgain;
  document.title = `Error: ${said.heading} – ${title}`;
  summary.hidden = false;
  summary.focus();
  echo();
};

/** @param {boolean} on @param {string} [text] */
const busy = (on, text = "") => {
  working = on;
  form.toggleAttribute("aria-busy", on);
  if (on) button.setAttribute("aria-disabled", "true");
  else button.removeAttribute("aria-disabled");
  progress.textContent = text;
};

/** @param {string} url @param {URLSearchParams} body @returns {Promise<Answer>} */
const post = async (url, body) => {
  const reply = await fetch(url, { method: "POST", headers: { accept: "application/json" }, body, credentials: "same-origin", redirect: "error" });
  if (!(reply.headers.get("content-type") ?? "").includes("json")) throw new Error(`status ${reply.status}`);
  return reply.json();
};

/** Why nothing happened, once the server has read that nothing did. @param {{type?: string, code?: string, message?: string}|undefined} error @returns {Answer} */
const unfinished = (error) => {
  const happened = "Nothing was charged.";
  if (error?.type === "validation_error") return { state: "refused", heading: "Check the card details", happened, todo: error.message ?? "" };
  if (error && error.type !== "card_error") return { state: "refused", heading: "The card could not be sent to the bank", happened, todo: "Try again in a minute; if it stays, call us to pay." };
  return { state: "refused", heading: "You left your bank's check", happened, todo: "Start again when you are ready; what you entered is still here." };
};

/** Asks the server what became of the attempt; it asks Stripe. @param {string} url @param {{type?: string, code?: string, message?: string}|undefined} error */
const settle = async (url, error) => {
  const late = setTimeout(() => (progress.textContent = "Still waiting for your bank. Keep this page open."), 8000);
  try {
    for (const wait of [0, 1000, 2000, 4000, 8000]) {
      await new Promise((done) => setTimeout(done, wait));
      const told = await post(`${url}/check`, new URLSearchParams({ csrf: field("csrf").value })).catch(() => /** @type {Answer} */ ({ state: "unknown" }));
      if (told.state === "declined") {
        busy(false);
        refuse(told);
        return;
      }
      if (told.state === "open" || told.state === "canceled") {
        busy(false);
        refuse(unfinished(error));
        return;
      }
      if (told.state === "paid" || told.state === "processing") break;
    }
    location.replace(url);
  } finally {
    clearTimeout(late);
  }
};

/** @param {HTMLElement|null} pressed */
const pay = async (pressed) => {
  if (working || (newCard() && !cardReady)) return;
  if (newBank() || oldLogin()) {
    clear();
    form.dispatchEvent(new CustomEvent("choose-bank", { detail: newBank() ? "" : picked("method") }));
    return;
  }
  busy(true, "Paying… keep this page open.");
  clear();
  try {
    if (newCard() && elements) {
      // Stripe wants its fields checked before anything else is awaited.
      const { error } = await elements.submit();
      if (error) {
        busy(false);
        progress.textContent = error.message ?? "Check the card details.";
        return;
      }
    }
    const body = new URLSearchParams();
    for (const [name, value] of new FormData(form)) body.append(name, value.toString());
    if (pressed === takeOver) body.set("take_over", "yes");
    if (pressed === payAgain) body.set("again", "yes");
    /** @type {Answer} */ let begun;
    try {
      begun = await post(form.action, body);
    } catch {
      // The same press again: the server knows it by its number, so nothing is begun twice.
      await new Promise((done) => setTimeout(done, 1500));
      begun = await post(form.action, body);
    }
    if (begun.csrf) field("csrf").value = begun.csrf;
    if (begun.nextPress) field("press").value = begun.nextPress;
    if (begun.state === "go" && begun.url) return location.assign(begun.url);
    if (begun.state !== "confirm" || !begun.clientSecret || !begun.statusUrl || !stripe || !elements) {
      busy(false);
      return refuse(begun);
    }
    field("continues").value = begun.attempt ?? "";
    field("press").value = crypto.randomUUID();
    const { error } = await stripe.confirmPayment({ elements, clientSecret: begun.clientSecret, confirmParams: { return_url: begun.returnUrl ?? "" }, redirect: "if_required" });
    // What the browser was told decides nothing.
    await settle(begun.statusUrl, error);
  } catch {
    busy(false);
    const known = field("continues").value;
    if (known) location.replace(`${form.action}/${known}`);
    else refuse({ state: "refused", heading: "The page could not reach us", happened: "Your card was not asked by this page.", todo: "Check your connection and press Pay again." });
  }
};

form.addEventListener("submit", (event) => {
  event.preventDefault();
  void pay(event.submitter);
});
form.addEventListener("bank-busy", (event) => busy(true, /** @type {CustomEvent<string>} */ (event).detail));
form.addEventListener("bank-refused", (event) => {
  busy(false);
  refuse(/** @type {CustomEvent<Answer>} */ (event).detail);
});
// A page out of the browser's memory may be out of date.
addEventListener("pageshow", (event) => {
  if (event.persisted) location.reload();
});

button.setAttribute("aria-disabled", "true");
byId("card-loading", HTMLElement).textContent = "Loading card form…";
echo();
const began = Date.now();
const wait = setInterval(() => {
  mount();
  if (elements || Date.now() - began > 8000) {
    clearInterval(wait);
    if (!elements) {
      blocked();
      button.removeAttribute("aria-disabled");
    }
  }
}, 50);
if (!byId("summary", HTMLElement).hidden) byId("summary", HTMLElement).focus();
export {};
