// @ts-check
// A card on the phone: Stripe's own frame takes the number. The form that is posted to us holds the id of what Stripe made of it.
/** @typedef {import("@stripe/stripe-js").Stripe} Stripe */
/** @typedef {import("@stripe/stripe-js").StripeElements} StripeElements */

/** @template {HTMLElement} T @param {string} id @param {{new(): T}} kind @returns {T} */
const byId = (id, kind) => {
  const found = document.getElementById(id);
  if (!(found instanceof kind)) throw new Error(`the page has no ${id}`);
  return found;
};

const form = byId("card", HTMLFormElement);
const button = byId("card-button", HTMLButtonElement);
const progress = byId("progress", HTMLElement);
const summary = byId("card-summary", HTMLElement);
const loading = byId("card-loading", HTMLElement);
const method = /** @type {HTMLInputElement} */ (form.querySelector("input[name=method]"));
const title = document.title.replace(/^Error: .*? – /, "");
/** @type {Stripe|null} */ let stripe = null;
/** @type {StripeElements|null} */ let elements = null;
let ready = false;
let working = false;

/** @param {string} text */
const busy = (text) => {
  working = text !== "";
  progress.textContent = text;
  if (working || !ready) button.setAttribute("aria-disabled", "true");
  else button.removeAttribute("aria-disabled");
};

/** @param {string} heading @param {string} todo */
const refuse = (heading, todo) => {
  busy("");
  byId("card-heading", HTMLElement).textContent = heading;
  byId("card-todo", HTMLElement).textContent = todo;
  document.title = `Error: ${heading} – ${title}`;
  summary.hidden = false;
  summary.focus();
};

const mount = () => {
  if (!window.Stripe || elements) return;
  stripe = window.Stripe(form.dataset.publishableKey ?? "");
  elements = stripe.elements({
    mode: "payment",
    amount: Number(form.dataset.amount),
    currency: form.dataset.currency ?? "",
    paymentMethodCreation: "manual",
    allowedPaymentMethodTypes: ["card"],
    locale: "en",
    appearance: { theme: matchMedia("(prefers-color-scheme: dark)").matches ? "night" : "stripe", labels: "above", variables: { fontSizeBase: "16px", spacingUnit: "4px" } },
  });
  const card = elements.create("payment", { layout: { type: "accordion" }, wallets: { applePay: "never", googlePay: "never" }, terms: { card: "never" } });
  card.on("ready", () => {
    ready = true;
    loading.textContent = "";
    busy("");
  });
  card.on("loaderror", () => blocked());
  card.mount("#card-frame");
};

const blocked = () => {
  if (!ready) loading.textContent = "Stripe's card fields can't be loaded here. Nothing was charged. Reload the page, or send the customer a link.";
};

/** @param {HTMLElement|null} pressed */
const send = async (pressed) => {
  if (working || !ready || !stripe || !elements) return;
  summary.hidden = true;
  document.title = title;
  busy("Stripe looks at the card…");
  const { error } = await elements.submit();
  if (error) return refuse("Check the card", error.message ?? "");
  const made = await stripe.createPaymentMethod({ elements }).catch(() => ({ error: { type: "", message: "" }, paymentMethod: undefined }));
  if (!made.paymentMethod) {
    const told = ["card_error", "validation_error"].includes(made.error?.type ?? "") && made.error?.message;
    return refuse("The card was not taken, and nothing was charged", told || "Try again in a minute, or send the customer a link.");
  }
  busy("Taking the payment… keep this page open.");
  method.value = made.paymentMethod.id;
  form.requestSubmit(pressed);
};

form.addEventListener("submit", (event) => {
  if (method.value && !form.hasAttribute("data-sent")) {
    // The press that carries the card. Another one is the same press, and not sent twice.
    form.setAttribute("data-sent", "");
    return;
  }
  event.preventDefault();
  if (!method.value) void send(event.submitter);
});
addEventListener("pageshow", (event) => {
  if (event.persisted) location.reload();
});

loading.textContent = "Loading card form…";
busy("");
const began = Date.now();
const wait = setInterval(() => {
  mount();
  if (elements || Date.now() - began > 8000) {
    clearInterval(wait);
    if (!elements) blocked();
  }
}, 50);
export {};
