// The card form's inside. It belongs to the stand-in's origin: card numbers go from here to the stand-in and nowhere
// else; the page around it hears of states, errors and the id of the payment method.

const WORDS = {
  en: { heading: 'Card details', number: 'Card number', expiry: 'Expiration date (MM/YY)', cvc: 'Security code', country: 'Country', postcode: 'Postal code (optional)' },
  de: { heading: 'Kartendaten', number: 'Kartennummer', expiry: 'Ablaufdatum (MM/JJ)', cvc: 'Prüfziffer', country: 'Land', postcode: 'Postleitzahl (optional)' },
  fr: { heading: 'Données de la carte', number: 'Numéro de carte', expiry: 'Date d’expiration (MM/AA)', cvc: 'Code de sécurité', country: 'Pays', postcode: 'Code postal (facultatif)' },
  es: { heading: 'Datos de la tarjeta', number: 'Número de tarjeta', expiry: 'Fecha de vencimiento (MM/AA)', cvc: 'Código de seguridad', country: 'País', postcode: 'Código postal (opcional)' },
};
const FIELDS = ['number', 'expiry', 'cvc'];
const ERROR_FIELD = { number: 'number', exp_month: 'expiry', exp_year: 'expiry', cvc: 'cvc' };

const field = (id) => document.getElementById(id);
const digits = (text) => text.replace(/\D/g, '');
let key = '';
let parentOrigin;
let wasComplete;

/** Tells the page. Nothing in these messages is secret; the first one goes out before the page's origin is known. */
const tell = (message) => window.parent.postMessage(message, parentOrigin ?? '*');
const event = (name, detail = {}) => tell({ event: name, detail });

function luhn(number) {
  const sum = [...number].reverse().reduce((total, digit, at) => {
    const value = Number(digit) * (at % 2 ? 2 : 1);
    return total + (value > 9 ? value - 9 : value);
  }, 0);
  return sum % 10 === 0;
}

const isAmex = () => /^3[47]/.test(digits(field('number').value));

/** What is wrong with a field as it stands, or nothing. */
function problem(id) {
  const typed = digits(field(id).value);
  if (id === 'number') {
    const shortest = typed.startsWith('3') ? 14 : 16;
    if (typed.length < (isAmex() ? 15 : shortest)) return ['incomplete_number', 'Your card number is incomplete.'];
    return luhn(typed) ? undefined : ['invalid_number', 'Your card number is invalid.'];
  }
  if (id === 'expiry') {
    if (typed.length < 4) return ['incomplete_expiry', "Your card's expiration date is incomplete."];
    const month = Number(typed.slice(0, 2));
    const year = 2000 + Number(typed.slice(-2));
    if (month < 1 || month > 12) return ['invalid_expiry_month', "Your card's expiration date is invalid."];
    const now = new Date();
    return new Date(year, month, 1) > now ? undefined : ['invalid_expiry_year_past', "Your card's expiration year is in the past."];
  }
  return typed.length < (isAmex() ? 4 : 3) ? ['incomplete_cvc', "Your card's security code is incomplete."] : undefined;
}

function show(id, message) {
  field(id).setAttribute('aria-invalid', message ? 'true' : 'false');
  field(`${id}-error`).textContent = message ?? '';
  resize();
}

function resize() {
  tell({ event: 'resize', height: Math.ceil(document.documentElement.getBoundingClientRect().height) + 2 });
}

function changed() {
  const complete = FIELDS.every((id) => !problem(id));
  const empty = FIELDS.every((id) => field(id).value === '');
  if (complete !== wasComplete || empty) event('change', { complete, empty, collapsed: false, value: { type: 'card' } });
  wasComplete = complete;
}

function format(id) {
  const input = field(id);
  const typed = digits(input.value);
  // Someone who edits in the middle keeps the caret where it is.
  if (input.selectionStart !== input.value.length) return;
  if (id === 'number') {
    const groups = isAmex() ? /^(\d{0,4})(\d{0,6})(\d{0,5}).*/ : /^(\d{0,4})(\d{0,4})(\d{0,4})(\d{0,4})(\d{0,3}).*/;
    input.value = typed.replace(groups, (_, ...parts) => parts.slice(0, -2).filter(Boolean).join(' '));
  } else if (id === 'expiry' && typed.length > 2) {
    input.value = `${typed.slice(0, 2)} / ${typed.slice(2, 4)}`;
  } else if (id === 'cvc') {
    input.value = typed;
  }
}

/** Shows every error, puts the focus on the first, and answers with it. */
function validate() {
  let first;
  for (const id of FIELDS) {
    const wrong = problem(id);
    show(id, wrong?.[1]);
    if (wrong && !first) first = { id, error: { type: 'validation_error', code: wrong[0], message: wrong[1] } };
  }
  if (!first) return {};
  field(first.id).focus();
  return { error: first.error };
}

async function create(billing = {}) {
  const wrong = validate();
  if (wrong.error) return wrong;
  const form = new URLSearchParams({ key, type: 'card' });
  const expiry = digits(field('expiry').value);
  form.set('card[number]', digits(field('number').value));
  form.set('card[cvc]', field('cvc').value);
  form.set('card[exp_month]', expiry.slice(0, 2));
  form.set('card[exp_year]', expiry.slice(-2));
  const address = { ...billing.address };
  if (!field('country-field').hidden) address.country ??= field('country').value;
  if (!field('postcode-field').hidden && field('postcode').value) address.postal_code ??= field('postcode').value;
  for (const name of ['name', 'email', 'phone']) if (billing[name]) form.set(`billing_details[${name}]`, billing[name]);
  for (const [name, value] of Object.entries(address)) if (value) form.set(`billing_details[address][${name}]`, value);
  let answer;
  try {
    answer = await (await fetch('/v1/payment_methods', { method: 'POST', body: form })).json();
  } catch {
    return { error: { type: 'api_connection_error', message: 'We could not reach the payment service. Check your connection and try again.' } };
  }
  if (!answer.error) return { paymentMethod: answer };
  const at = ERROR_FIELD[answer.error.param];
  if (at) { show(at, answer.error.message); field(at).focus(); }
  return { error: answer.error };
}

function apply(next) {

  const { appearance = {}, locale, element = {} } = next;
  const language = String(locale ?? 'en').slice(0, 2);
  const words = WORDS[language] ?? WORDS.en;
  document.documentElement.lang = WORDS[language] ? language : 'en';
  for (const label of document.querySelectorAll('[data-word]')) label.textContent = words[label.dataset.word];
  document.documentElement.dataset.theme = appearance.theme ?? 'stripe';
  for (const [name, value] of Object.entries(appearance.variables ?? {})) {
    const property = `--${name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;
    document.documentElement.style.setProperty(property, value);
  }
  const billing = element.fields?.billingDetails;
  const address = typeof billing === 'object' ? billing.address : billing;
  const hidden = (name) => address === 'never' || address?.[name] === 'never';
  field('country-field').hidden = hidden('country');
  field('postcode-field').hidden = hidden('postalCode');
  field('address').hidden = hidden('country') && hidden('postalCode');
  const defaults = element.defaultValues?.billingDetails?.address ?? {};
  if (defaults.country) field('country').value = defaults.country;
  if (defaults.postal_code && !field('postcode').value) field('postcode').value = defaults.postal_code;
  resize();
}

window.addEventListener('message', async ({ source, origin, data }) => {
  if (source !== window.parent || (parentOrigin && origin !== parentOrigin)) return;
  if (data.do === 'options') {
    const first = !parentOrigin;
    parentOrigin = origin;
    key = data.key ?? key;
    apply(data.options);
    if (first) { event('ready'); changed(); }
  } else if (data.do === 'focus') field('number').focus();
  else if (data.do === 'blur') document.activeElement?.blur();
  else if (data.do === 'clear') { for (const id of FIELDS) { field(id).value = ''; show(id); } changed(); }
  else if (data.do === 'validate') tell({ id: data.id, answer: validate() });
  else if (data.do === 'create') tell({ id: data.id, answer: await create(data.billing_details) });
});

for (const id of FIELDS) {
  field(id).addEventListener('input', () => { format(id); show(id); changed(); });
  // An error is told when the person leaves the field, not while typing.
  field(id).addEventListener('blur', () => { if (field(id).value) show(id, problem(id)?.[1]); });
}
document.querySelector('form').addEventListener('submit', (submit) => submit.preventDefault());
window.addEventListener('focus', () => event('focus'));
window.addEventListener('blur', () => event('blur'));
window.addEventListener('keydown', ({ key: pressed }) => { if (pressed === 'Escape') event('escape'); });
new ResizeObserver(resize).observe(document.body);
tell({ event: 'loaded' });
