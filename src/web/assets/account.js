// @ts-check
// A bank account on the phone: its numbers are checked here and go from here to Stripe. The form that is posted to us holds
// the id of what Stripe made of them, and no number.
/** @typedef {import("@stripe/stripe-js").Stripe} Stripe */

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

const section = byId("numbers", HTMLElement);
const form = byId("account", HTMLFormElement);
const button = byId("account-button", HTMLButtonElement);
const progress = byId("progress", HTMLElement);
const summary = byId("numbers-summary", HTMLElement);
const method = /** @type {HTMLInputElement} */ (form.querySelector("input[name=method]"));
const FIELDS = /** @type {const} */ (["holder", "routing", "number", "again"]);
const title = document.title.replace(/^Error: .*? – /, "");
let working = false;

/** Radios without a name don't exclude each other by themselves. */
for (const [one, other] of [["company", "individual"], ["checking", "savings"]]) {
  const pair = [byId(one, HTMLInputElement), byId(other, HTMLInputElement)];
  for (const radio of pair) {
    radio.addEventListener("change", () => {
      for (const twin of pair) twin.checked = twin === radio;
      radio.focus();
    });
    radio.addEventListener("keydown", (event) => {
      if (!["ArrowUp", "ArrowDown", "ArrowLeft", "ArrowRight"].includes(event.key)) return;
      event.preventDefault();
      const twin = pair[radio === pair[0] ? 1 : 0];
      twin.checked = true;
      radio.checked = false;
      twin.focus();
    });
  }
}

/** @param {string} text */
const digits = (text) => text.replace(/[\s\-.\u2010\u2011]/g, "");

/** The checksum of the American Bankers Association. @param {string} number */
const routes = (number) => {
  if (!/^\d{9}$/.test(number) || number === "000000000") return false;
  const sum = [...number].reduce((sum, digit, place) => sum + Number(digit) * [3, 7, 1][place % 3], 0);
  return sum % 10 === 0;
};

/** Whether it is a card's: the ranges and lengths of the card networks, with their check digit. @param {string} number */
const isCard = (number) => {
  const ranges = /^(4\d{12}(\d{3})?|(5[1-5]\d{2}|222[1-9]|22[3-9]\d|2[3-6]\d{2}|27[01]\d|2720)\d{12}|3[47]\d{13}|3(?:0[0-5]|[68]\d)\d{11}|6(?:011|5\d{2}|4[4-9]\d)\d{12}|35(?:2[89]|[3-8]\d)\d{12}|62\d{14,17}|4\d{18})$/;
  if (!ranges.test(number)) return false;
  const sum = [...number].reverse().reduce((sum, digit, place) => {
    const value = Number(digit) * (place % 2 ? 2 : 1);
    return sum + (value > 9 ? value - 9 : value);
  }, 0);
  return sum % 10 === 0;
};

/** @param {string} id @param {string} problem */
const mark = (id, problem) => {
  const input = byId(id, HTMLInputElement);
  const error = byId(`${id}-error`, HTMLElement);
  error.hidden = problem === "";
  error.textContent = problem;
  input.toggleAttribute("aria-invalid", problem !== "");
  if (problem) input.setAttribute("aria-invalid", "true");
  input.setAttribute("aria-describedby", problem ? `${id}-hint ${id}-error` : `${id}-hint`);
};

/** @param {string} id */
const value = (id) => byId(id, HTMLInputElement).value;

/** What is wrong with each field. @returns {Record<string, string>} */
const problems = () => {
  const [routing, number, again] = [digits(value("routing")), digits(value("number")), digits(value("again"))];
  /** @type {Record<string, string>} */ const found = {};
  if (!value("holder").trim()) found.holder = "Enter the name on the account";
  else if (isCard(digits(value("holder")))) found.holder = "This is a card number. Enter the name on the account";
  if (isCard(routing)) found.routing = "This is a card number. Enter the bank's routing number";
  else if (!/^\d{9}$/.test(routing)) found.routing = "A routing number has nine digits";
  else if (!routes(routing)) found.routing = "No bank has this routing number. Have the customer read it again";
  if (isCard(number)) found.number = "This is a card number. Enter the account number from a check or a statement";
  else if (!/^\d{4,17}$/.test(number)) found.number = "An account number has 4 to 17 digits";
  else if (again !== number) found.again = "The two account numbers differ. Have the customer read it again";
  return found;
};

/** @param {string} heading @param {string} todo @param {string} [id] */
const refuse = (heading, todo, id) => {
  byId("numbers-heading", HTMLElement).textContent = heading;
  const line = byId("numbers-todo", HTMLElement);
  line.textContent = id ? "" : todo;
  if (id) {
    const link = document.createElement("a");
    link.href = `#${id}`;
    link.textContent = todo;
    line.append(link);
  }
  document.title = `Error: ${heading} – ${title}`;
  summary.hidden = false;
  summary.focus();
};

/** @param {boolean} on */
const busy = (on) => {
  working = on;
  progress.textContent = on ? "Stripe looks at the account…" : "";
  if (on) button.setAttribute("aria-disabled", "true");
  else button.removeAttribute("aria-disabled");
};

const send = async () => {
  if (working) return;
  summary.hidden = true;
  document.title = title;
  const found = problems();
  for (const id of FIELDS) mark(id, found[id] ?? "");
  const first = FIELDS.find((id) => found[id]);
  if (first) return refuse("Check the account", found[first], first);
  if (!window.Stripe) return refuse("Stripe can't be reached from this browser", "Reload the page, or send the customer the link.");
  busy(true);
  const stripe = window.Stripe(section.dataset.publishableKey ?? "");
  const email = section.dataset.email ?? "";
  const made = await stripe
    .createPaymentMethod({
      type: "us_bank_account",
      us_bank_account: {
        routing_number: digits(value("routing")),
        account_number: digits(value("number")),
        account_holder_type: byId("company", HTMLInputElement).checked ? "company" : "individual",
        account_type: byId("checking", HTMLInputElement).checked ? "checking" : "savings",
      },
      billing_details: email ? { name: value("holder").trim(), email } : { name: value("holder").trim() },
    })
    .catch(() => ({ error: { param: "", message: "" }, paymentMethod: undefined }));
  busy(false);
  if (!made.paymentMethod) {
    const param = made.error?.param ?? "";
    const id = param.includes("routing") ? "routing" : param.includes("account_number") ? "number" : "";
    // Stripe's own words may quote a number, so they are not shown.
    const todo = id === "routing" ? "Stripe knows no bank by this routing number" : id === "number" ? "Stripe does not take this account number" : "Try again in a minute, or send the customer the link.";
    if (id) mark(id, todo);
    return refuse("The account was not taken", todo, id || undefined);
  }
  // Gone from the page before it is left, so that Back brings no number up again.
  for (const id of ["routing", "number", "again"]) byId(id, HTMLInputElement).value = "";
  method.value = made.paymentMethod.id;
  busy(true);
  form.submit();
};

form.addEventListener("submit", (event) => {
  event.preventDefault();
  void send();
});
section.addEventListener("keydown", (event) => {
  if (event.key === "Enter" && event.target instanceof HTMLInputElement) {
    event.preventDefault();
    form.requestSubmit();
  }
});
addEventListener("pageshow", (event) => {
  if (event.persisted) location.reload();
});
export {};
