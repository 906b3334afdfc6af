// @ts-check
// Takes the place of Stripe.js (release train endive) on pages that are pointed at the Stripe stand-in. It speaks to the
// stand-in's API with the publishable key, draws the card form in a frame of the stand-in's own origin, so that card
// numbers never touch the page, and throws on every option that it does not model.
//
// Type check against @stripe/stripe-js: npm run check-stripe-js in tests/clients/node.

/** @typedef {import('@stripe/stripe-js').Stripe} StripeApi */
/** @typedef {import('@stripe/stripe-js').StripeError} StripeError */
/** @typedef {import('@stripe/stripe-js').PaymentIntent} PaymentIntent */
/** @typedef {import('@stripe/stripe-js').SetupIntent} SetupIntent */
/** @typedef {import('@stripe/stripe-js').PaymentMethod} PaymentMethod */
/** @typedef {import('@stripe/stripe-js').Appearance} Appearance */
/** @typedef {{ error: StripeError }} Failed */
/** @typedef {Record<string, any>} Options */

(() => {
  const script = /** @type {HTMLScriptElement} */ (document.currentScript);
  const origin = new URL(script.src).origin;

  /**
   * Throws when an option is given that the stand-in does not model: a page must not come to rely on silence.
   * @param {unknown} given @param {string[]} modelled @param {string} where
   */
  function only(given, modelled, where) {
    if (given === undefined || given === null) return;
    if (typeof given !== 'object') throw new TypeError(`${where} must be an object.`);
    for (const [name, value] of Object.entries(given)) {
      if (value !== undefined && !modelled.includes(name)) {
        throw new Error(`IntegrationError: ${where} has the option "${name}", which the Stripe stand-in does not model.`);
      }
    }
  }

  /** @param {string} where @param {unknown} value @param {unknown[]} choices */
  function oneOf(where, value, choices) {
    if (value !== undefined && !choices.includes(value)) {
      throw new Error(`IntegrationError: ${where} must be one of ${choices.join(', ')}; found ${String(value)}.`);
    }
  }

  /** @param {string} message @returns {StripeError} */
  const integration = (message) => /** @type {StripeError} */ ({ type: 'invalid_request_error', message });

  /**
   * A nested object as Stripe's form encoding.
   * @param {Options} object @param {string} [prefix] @returns {[string, string][]}
   */
  function pairs(object, prefix) {
    return Object.entries(object).flatMap(([name, value]) => {
      const key = prefix ? `${prefix}[${name}]` : name;
      if (value === undefined || value === null) return [];
      if (typeof value === 'object') return pairs(value, key);
      return /** @type {[string, string][]} */ ([[key, String(value)]]);
    });
  }

  /**
   * One call to the API. A reply that never comes says nothing about what happened.
   * @param {string} method @param {string} path @param {Options} params @returns {Promise<any>}
   */
  async function call(method, path, params) {
    const form = new URLSearchParams(pairs(params));
    let response;
    try {
      response = method === 'GET'
        ? await fetch(`${origin}/v1/${path}?${form}`)
        : await fetch(`${origin}/v1/${path}`, { method, body: form });
      return await response.json();
    } catch {
      return { error: { type: 'api_connection_error', message: 'We could not reach the payment service. Check your connection and try again.' } };
    }
  }

  /** @param {string} clientSecret @returns {{ path: string, name: 'paymentIntent' | 'setupIntent' }} */
  function intentOf(clientSecret) {
    const match = /^((?:pi|seti)_[A-Za-z0-9]+)_secret_[A-Za-z0-9]+$/.exec(clientSecret ?? '');
    if (!match) throw new Error('IntegrationError: the client secret is not one of a PaymentIntent or SetupIntent.');
    return match[1].startsWith('pi_')
      ? { path: `payment_intents/${match[1]}`, name: 'paymentIntent' }
      : { path: `setup_intents/${match[1]}`, name: 'setupIntent' };
  }

  const VARIABLES = [
    'fontFamily', 'fontSizeBase', 'spacingUnit', 'borderRadius', 'colorPrimary', 'colorBackground', 'colorText',
    'colorTextSecondary', 'colorTextPlaceholder', 'colorDanger', 'focusBoxShadow', 'focusOutline', 'fontLineHeight',
    'gridRowSpacing', 'accessibleColorOnColorPrimary', 'fontWeightNormal', 'fontWeightMedium', 'fontWeightBold',
  ];

  /** @param {Appearance | undefined} appearance */
  function checkAppearance(appearance) {
    only(appearance, ['theme', 'variables', 'labels', 'inputs', 'disableAnimations'], 'appearance');
    oneOf('appearance.theme', appearance?.theme, ['stripe', 'night', 'flat']);
    oneOf('appearance.labels', appearance?.labels, ['auto', 'above']);
    oneOf('appearance.inputs', appearance?.inputs, ['spaced']);
    only(appearance?.variables, VARIABLES, 'appearance.variables');
  }

  const MODE_OPTIONS = ['mode', 'amount', 'currency', 'setupFutureUsage', 'captureMethod', 'allowedPaymentMethodTypes', 'paymentMethodCreation'];
  const GROUP_OPTIONS = ['appearance', 'locale', 'loader', 'customerSessionClientSecret'];

  /** @param {Options} options */
  function checkGroup(options) {
    if (options.clientSecret !== undefined && options.mode !== undefined) {
      throw new Error('IntegrationError: clientSecret and mode exclude one another.');
    }
    only(options, [...GROUP_OPTIONS, ...(options.clientSecret === undefined ? MODE_OPTIONS : ['clientSecret'])], 'elements()');
    checkAppearance(options.appearance);
    oneOf('elements().loader', options.loader, ['auto', 'always', 'never']);
    if (options.clientSecret !== undefined) { intentOf(options.clientSecret); return; }
    oneOf('elements().mode', options.mode ?? 'missing', ['payment', 'setup']);
    oneOf('elements().setupFutureUsage', options.setupFutureUsage ?? undefined, ['off_session', 'on_session']);
    oneOf('elements().paymentMethodCreation', options.paymentMethodCreation, ['manual']);
    oneOf('elements().captureMethod', options.captureMethod, ['automatic', 'automatic_async', 'manual']);
    if (options.mode === 'payment' && (!Number.isInteger(options.amount) || options.amount <= 0)) {
      throw new Error('IntegrationError: elements() in payment mode needs an amount: a positive integer in minor units.');
    }
    if (options.mode === 'payment' && !/^[a-z]{3}$/.test(options.currency ?? '')) {
      throw new Error('IntegrationError: elements() in payment mode needs a currency in lower case.');
    }
    if (options.allowedPaymentMethodTypes && !options.allowedPaymentMethodTypes.includes('card')) {
      throw new Error('IntegrationError: the stand-in draws the card form only; allowedPaymentMethodTypes must hold "card".');
    }
  }

  const EVENTS = ['ready', 'change', 'focus', 'blur', 'escape', 'loaderror', 'loaderstart'];

  /** The card form: a frame of the stand-in's origin, and the messages between it and the page. */
  class PaymentElement {
    /** @param {Elements} group @param {Options} options */
    constructor(group, options) {
      this.group = group;
      this.options = options;
      /** @type {Map<string, Set<(event: any) => void>>} */
      this.handlers = new Map(EVENTS.map((name) => [name, new Set()]));
      /** @type {Map<number, (answer: any) => void>} */
      this.asked = new Map();
      this.question = 0;
      /** @type {HTMLIFrameElement | undefined} */
      this.frame = undefined;
      this.receive = this.receive.bind(this);
      this.loaded = new Promise((resolve) => { this.markLoaded = resolve; });
    }

    /** @param {string | HTMLElement} target */
    mount(target) {
      const place = typeof target === 'string' ? document.querySelector(target) : target;
      if (!place) throw new Error(`IntegrationError: no element matches ${String(target)}.`);
      if (this.frame) throw new Error('IntegrationError: this element is mounted already; unmount it first.');
      const frame = document.createElement('iframe');
      frame.src = `${origin}/endive/element.html`;
      frame.title = 'Secure card payment input frame';
      frame.name = '__privateStripeFrame';
      frame.style.border = '0';
      frame.style.inlineSize = '100%';
      frame.style.blockSize = '20rem';
      frame.style.display = 'block';
      this.frame = frame;
      window.addEventListener('message', this.receive);
      this.tell('loaderstart', { elementType: 'payment' });
      // A frame that can't be loaded says nothing at all; the page must still hear of it.
      this.patience = setTimeout(() => {
        this.tell('loaderror', { elementType: 'payment', error: { type: 'api_connection_error', message: 'The card form could not be loaded.' } });
      }, 8000);
      place.replaceChildren(frame);
      return this;
    }

    unmount() {
      clearTimeout(this.patience);
      window.removeEventListener('message', this.receive);
      this.frame?.remove();
      this.frame = undefined;
      this.loaded = new Promise((resolve) => { this.markLoaded = resolve; });
      return this;
    }

    destroy() {
      this.unmount();
      this.group.element = null;
    }

    /** @param {string} name @param {(event: any) => void} handler */
    on(name, handler) {
      oneOf('element.on()', name, EVENTS);
      this.handlers.get(name)?.add(handler);
      return this;
    }

    /** @param {string} name @param {(event: any) => void} [handler] */
    off(name, handler) {
      if (handler) this.handlers.get(name)?.delete(handler);
      else this.handlers.get(name)?.clear();
      return this;
    }

    /** @param {string} name @param {(event: any) => void} handler */
    once(name, handler) {
      const first = (/** @type {any} */ event) => { this.off(name, first); handler(event); };
      return this.on(name, first);
    }

    focus() { this.post({ do: 'focus' }); }
    blur() { this.post({ do: 'blur' }); }
    clear() { this.post({ do: 'clear' }); }

    /** @param {Options} options */
    update(options) {
      checkElement(options);
      this.options = { ...this.options, ...options };
      this.post({ do: 'options', options: this.shown() });
    }

    shown() {
      const { appearance, locale } = this.group.options;
      return { appearance, locale, element: this.options };
    }

    /** @param {string} name @param {any} event */
    tell(name, event) {
      for (const handler of this.handlers.get(name) ?? []) handler(event);
    }

    /** @param {any} message */
    post(message) { this.frame?.contentWindow?.postMessage(message, origin); }

    /** @param {any} message @returns {Promise<any>} */
    async ask(message) {
      if (!this.frame) throw new Error('IntegrationError: the Payment Element is not mounted.');
      await this.loaded;
      const id = ++this.question;
      return new Promise((resolve) => { this.asked.set(id, resolve); this.post({ ...message, id }); });
    }

    /** @param {MessageEvent} event */
    receive({ source, origin: from, data }) {
      if (from !== origin || !this.frame || source !== this.frame.contentWindow) return;
      if (data.answer !== undefined) {
        this.asked.get(data.id)?.(data.answer);
        this.asked.delete(data.id);
      } else if (data.event === 'loaded') {
        this.post({ do: 'options', options: this.shown(), key: this.group.key });
      } else if (data.event === 'resize') {
        this.frame.style.blockSize = `${data.height}px`;
      } else if (EVENTS.includes(data.event)) {
        if (data.event === 'ready') { clearTimeout(this.patience); this.markLoaded?.(undefined); }
        this.tell(data.event, { elementType: 'payment', ...data.detail });
      }
    }
  }

  /** @param {Options | undefined} options */
  function checkElement(options) {
    only(options, ['layout', 'fields', 'defaultValues', 'terms', 'paymentMethodOrder', 'readOnly', 'wallets', 'business'], 'create("payment")');
    const layout = options?.layout;
    if (typeof layout === 'object') only(layout, ['type', 'defaultCollapsed', 'radios', 'spacedAccordionItems', 'visibleAccordionItemsCount', 'paymentMethodLogoPosition'], 'layout');
    else oneOf('layout', layout, ['tabs', 'accordion', 'auto']);
    only(options?.wallets, ['applePay', 'googlePay', 'link'], 'wallets');
    for (const name of ['applePay', 'googlePay', 'link']) oneOf(`wallets.${name}`, options?.wallets?.[name], ['never', 'auto']);
    only(options?.terms, ['card'], 'terms');
    only(options?.business, ['name'], 'business');
    only(options?.fields, ['billingDetails'], 'fields');
    const billing = options?.fields?.billingDetails;
    if (typeof billing === 'object') {
      only(billing, ['name', 'email', 'phone', 'address'], 'fields.billingDetails');
      if (typeof billing.address === 'object') only(billing.address, ['country', 'postalCode', 'line1', 'line2', 'city', 'state'], 'fields.billingDetails.address');
    } else oneOf('fields.billingDetails', billing, ['auto', 'never']);
    only(options?.defaultValues, ['billingDetails'], 'defaultValues');
    only(options?.defaultValues?.billingDetails, ['name', 'email', 'phone', 'address'], 'defaultValues.billingDetails');
  }

  /** A group of elements: here, of the one Payment Element. */
  class Elements {
    /** @param {string} key @param {Options} options */
    constructor(key, options) {
      checkGroup(options);
      this.key = key;
      this.options = options;
      /** @type {PaymentElement | null} */
      this.element = null;
      this.submitted = false;
    }

    /** @param {string} type @param {Options} [options] */
    create(type, options = {}) {
      if (type !== 'payment') throw new Error(`IntegrationError: the Stripe stand-in models the element "payment", not "${type}".`);
      if (this.element) throw new Error('IntegrationError: this group has a Payment Element already.');
      checkElement(options);
      this.element = new PaymentElement(this, options);
      return this.element;
    }

    /** @param {string} type */
    getElement(type) { return type === 'payment' ? this.element : null; }

    /** @param {Options} options */
    update(options) {
      only(options, [...GROUP_OPTIONS, ...MODE_OPTIONS], 'elements.update()');
      const merged = { ...this.options, ...options };
      checkGroup(merged);
      this.options = merged;
      this.submitted = false;
      this.element?.post({ do: 'options', options: this.element.shown() });
    }

    async fetchUpdates() { return {}; }

    /** @returns {Promise<{ selectedPaymentMethod?: string, error?: undefined } | Failed>} */
    async submit() {
      if (!this.element) return { error: integration('elements.submit() needs a mounted Payment Element.') };
      const answer = await this.element.ask({ do: 'validate' });
      if (answer.error) return { error: answer.error };
      this.submitted = true;
      return { selectedPaymentMethod: 'card' };
    }
  }

  /** The bank's question in a dialog over the page. @param {string} url @returns {Promise<void>} */
  function challenge(url) {
    return new Promise((resolve) => {
      const dialog = document.createElement('dialog');
      dialog.setAttribute('aria-label', 'Your bank asks you to confirm this payment');
      Object.assign(dialog.style, { inlineSize: 'min(30rem, 95vw)', blockSize: 'min(30rem, 90vh)', padding: '0', border: '1px solid #666' });
      const frame = document.createElement('iframe');
      frame.title = 'Confirmation by your bank';
      frame.src = `${url}?embedded=true`;
      Object.assign(frame.style, { inlineSize: '100%', blockSize: '100%', border: '0' });
      dialog.append(frame);
      const receive = (/** @type {MessageEvent} */ { source, origin: from, data }) => {
        if (from !== origin || source !== frame.contentWindow) return;
        if (data.event === 'challenge-over') close();
        if (data.event === 'challenge-left') leave();
      };
      const close = () => {
        window.removeEventListener('message', receive);
        dialog.close();
        dialog.remove();
        resolve();
      };
      // Whoever leaves the bank's question has not confirmed: the bank hears "failed".
      const leave = async () => {
        try { await fetch(url, { method: 'POST', body: new URLSearchParams({ outcome: 'fail' }) }); } catch { /* asked again below */ }
        close();
      };
      dialog.addEventListener('cancel', (event) => { event.preventDefault(); leave(); });
      window.addEventListener('message', receive);
      document.body.append(dialog);
      dialog.showModal();
    });
  }

  /** @param {string} publishableKey @param {Options} [options] */
  function Stripe(publishableKey, options) {
    if (typeof publishableKey !== 'string' || !publishableKey.startsWith('pk_')) {
      throw new Error('IntegrationError: Stripe() needs a publishable key (pk_…). Never give it a secret key.');
    }
    only(options, ['apiVersion', 'locale'], 'Stripe()');
    const key = publishableKey;

    /** @param {string} clientSecret */
    async function retrieve(clientSecret) {
      const { path, name } = intentOf(clientSecret);
      const answer = await call('GET', path, { key, client_secret: clientSecret });
      return answer.error ? { error: answer.error } : { [name]: answer };
    }

    /**
     * Goes on until the intent needs nothing more from this person.
     * @param {string} clientSecret @param {any} intent @returns {Promise<any>}
     */
    async function finish(clientSecret, intent) {
      const { name } = intentOf(clientSecret);
      const action = intent.status === 'requires_action' ? intent.next_action : null;
      if (action?.type === 'redirect_to_url') {
        window.location.assign(action.redirect_to_url.url);
        return new Promise(() => {}); // the page is leaving
      }
      if (action?.type !== 'use_stripe_sdk') return { [name]: intent };
      await challenge(action.use_stripe_sdk.stripe_js);
      const seen = await retrieve(clientSecret);
      if (seen.error) return seen;
      const now = /** @type {any} */ (seen)[name];
      const failure = now.last_payment_error ?? now.last_setup_error;
      const inner = name === 'paymentIntent' ? 'payment_intent' : 'setup_intent';
      return now.status === 'requires_payment_method' && failure ? { error: { ...failure, [inner]: now } } : { [name]: now };
    }

    /** @param {string} clientSecret @param {Options} params */
    async function confirm(clientSecret, params) {
      const answer = await call('POST', `${intentOf(clientSecret).path}/confirm`, { ...params, key, client_secret: clientSecret });
      return answer.error ? { error: answer.error } : finish(clientSecret, answer);
    }

    /** The method behind the card form. @param {Elements} elements @param {Options | undefined} billing */
    async function methodOf(elements, billing) {
      if (!elements.element) return { error: integration('Mount a Payment Element before confirming.') };
      return elements.element.ask({ do: 'create', billing_details: billing });
    }

    /** Deferred forms promise an amount; an intent that differs is refused. @param {Options} promised @param {any} intent */
    function breach(promised, intent) {
      if (promised.mode === undefined) return undefined;
      const wanted = /** @type {[string, unknown, unknown][]} */ ([
        ['amount', promised.amount, intent.amount],
        ['currency', promised.currency, intent.currency],
        ['setup_future_usage', promised.setupFutureUsage ?? null, intent.setup_future_usage ?? null],
      ]);
      const differs = wanted.find(([name, form, server]) => form !== server && (promised.mode === 'payment' || name === 'never'));
      return differs && integration(`The ${differs[0]} of the intent (${differs[2]}) differs from the one given to elements() (${differs[1]}).`);
    }

    /** @param {Options} given @param {string} where */
    async function confirmWithElements(given, where) {
      only(given, ['elements', 'clientSecret', 'confirmParams', 'redirect'], where);
      oneOf(`${where}.redirect`, given.redirect, ['always', 'if_required']);
      const params = given.confirmParams ?? {};
      only(params, ['return_url', 'payment_method', 'payment_method_data', 'receipt_email', 'setup_future_usage'], `${where}.confirmParams`);
      only(params.payment_method_data, ['billing_details', 'allow_redisplay'], `${where}.confirmParams.payment_method_data`);
      if (given.redirect !== 'if_required' && !params.return_url) throw new Error(`IntegrationError: ${where} needs confirmParams.return_url unless redirect is "if_required".`);
      /** @type {Elements | undefined} */
      const elements = given.elements;
      const clientSecret = given.clientSecret ?? elements?.options.clientSecret;
      if (!clientSecret) throw new Error(`IntegrationError: ${where} needs a clientSecret, here or in elements().`);
      const { path, name } = intentOf(clientSecret);
      let method = params.payment_method;
      if (elements) {
        if (elements.options.mode && !elements.submitted) throw new Error(`IntegrationError: call elements.submit() and await it before ${where}.`);
        const intent = await call('GET', path, { key, client_secret: clientSecret });
        const error = intent.error ?? breach(elements.options, intent);
        if (error) return { error };
        const made = await methodOf(elements, params.payment_method_data?.billing_details);
        if (made.error) return { error: made.error };
        method = made.paymentMethod.id;
      }
      const { receipt_email, setup_future_usage, return_url } = params;
      const result = await confirm(clientSecret, { payment_method: method, return_url, receipt_email, setup_future_usage });
      if (result.error || given.redirect === 'if_required') return result;
      const intent = result[name];
      const to = new URL(params.return_url);
      const prefix = name === 'paymentIntent' ? 'payment_intent' : 'setup_intent';
      to.searchParams.set(prefix, intent.id);
      to.searchParams.set(`${prefix}_client_secret`, clientSecret);
      to.searchParams.set('redirect_status', intent.status === 'succeeded' ? 'succeeded' : 'pending');
      window.location.assign(to);
      return new Promise(() => {}); // the page is leaving
    }

    /** @param {string} clientSecret @param {Options} [data] @param {Options} [how] @param {string} [where] */
    async function confirmCard(clientSecret, data = {}, how = {}, where = 'confirmCardPayment') {
      only(data, ['payment_method', 'return_url', 'setup_future_usage', 'receipt_email'], where);
      only(how, ['handleActions'], `${where} options`);
      if (data.payment_method !== undefined && typeof data.payment_method !== 'string') throw new Error(`IntegrationError: ${where} takes the id of a payment method here.`);
      const { path, name } = intentOf(clientSecret);
      if (how.handleActions !== false) return confirm(clientSecret, data);
      const answer = await call('POST', `${path}/confirm`, { ...data, key, client_secret: clientSecret });
      return answer.error ? { error: answer.error } : { [name]: answer };
    }

    /** @param {string} clientSecret @param {Options} data */
    async function verifyMicrodeposits(clientSecret, data) {
      only(data, ['amounts', 'descriptor_code'], 'verifyMicrodeposits');
      const { path, name } = intentOf(clientSecret);
      const answer = await call('POST', `${path}/verify_microdeposits`, { ...data, key, client_secret: clientSecret });
      return answer.error ? { error: answer.error } : { [name]: answer };
    }

    return {
      /** @param {Options} [given] */
      elements(given = {}) { return new Elements(key, { locale: options?.locale, ...given }); },

      /** @param {Options} given @returns {Promise<{ paymentIntent: PaymentIntent, error?: undefined } | Failed>} */
      confirmPayment: (given) => confirmWithElements(given, 'confirmPayment'),

      /** @param {Options} given @returns {Promise<{ setupIntent: SetupIntent, error?: undefined } | Failed>} */
      confirmSetup: (given) => confirmWithElements(given, 'confirmSetup'),

      /** @type {StripeApi['confirmCardPayment']} */
      confirmCardPayment: (clientSecret, data, how) => confirmCard(clientSecret, data, how),

      /** @type {StripeApi['confirmCardSetup']} */
      confirmCardSetup: (clientSecret, data, how) => confirmCard(clientSecret, data, how, 'confirmCardSetup'),

      /** @type {StripeApi['retrievePaymentIntent']} */
      retrievePaymentIntent: (clientSecret) => /** @type {any} */ (retrieve(clientSecret)),

      /** @type {StripeApi['retrieveSetupIntent']} */
      retrieveSetupIntent: (clientSecret) => /** @type {any} */ (retrieve(clientSecret)),

      /** @type {StripeApi['handleNextAction']} */
      handleNextAction: async (given) => {
        only(given, ['clientSecret'], 'handleNextAction');
        const { clientSecret } = /** @type {{ clientSecret: string }} */ (given);
        const { name } = intentOf(clientSecret);
        const seen = /** @type {any} */ (await retrieve(clientSecret));
        return seen.error ? seen : finish(clientSecret, seen[name]);
      },

      /** @param {Options} given @returns {Promise<{ paymentMethod: PaymentMethod, error?: undefined } | Failed>} */
      async createPaymentMethod(given) {
        if (given.elements) {
          only(given, ['elements', 'params'], 'createPaymentMethod');
          only(given.params, ['billing_details'], 'createPaymentMethod.params');
          if (given.elements.options.paymentMethodCreation !== 'manual') throw new Error('IntegrationError: createPaymentMethod({elements}) needs paymentMethodCreation: "manual".');
          if (!given.elements.submitted) throw new Error('IntegrationError: call elements.submit() and await it before createPaymentMethod.');
          return methodOf(given.elements, given.params?.billing_details);
        }
        only(given, ['type', 'us_bank_account', 'billing_details'], 'createPaymentMethod');
        oneOf('createPaymentMethod.type', given.type, ['us_bank_account']);
        only(given.us_bank_account, ['routing_number', 'account_number', 'account_holder_type', 'account_type'], 'us_bank_account');
        const answer = await call('POST', 'payment_methods', { ...given, key });
        return answer.error ? { error: answer.error } : { paymentMethod: answer };
      },

      /** @type {StripeApi['verifyMicrodepositsForPayment']} */
      verifyMicrodepositsForPayment: (clientSecret, data) => /** @type {any} */ (verifyMicrodeposits(clientSecret, data ?? {})),

      /** @type {StripeApi['verifyMicrodepositsForSetup']} */
      verifyMicrodepositsForSetup: (clientSecret, data) => /** @type {any} */ (verifyMicrodeposits(clientSecret, data ?? {})),
    };
  }

  Stripe.version = 'endive';
  /** @type {any} */ (window).Stripe = Stripe;
})();
