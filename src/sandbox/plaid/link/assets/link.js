// @ts-check
// The frame of Link: one pane after the other, each with a heading that takes the focus. It talks to the page that opened
// it, and to the stand-in.

(() => {
  const pane = /** @type {HTMLElement} */ (document.querySelector('#pane'));
  const status = /** @type {HTMLElement} */ (document.querySelector('#status'));
  /** @type {{ origin: string, source: any } | undefined} */
  let page;
  /** @type {any} */
  let session;
  /** @type {any} */
  let bank = null;
  /** Where the customer stands, as onExit tells it. @type {string | null} */
  let standing = null;
  /** The error that was shown last and not overcome. @type {any} */
  let failure = null;
  let busy = false;
  let round = 0;

  /** @param {any} message */
  const post = (message) => page?.source.postMessage(message, page.origin);
  const requestId = () => Math.random().toString(36).slice(2, 17);

  /** @param {string} name @param {Record<string, any>} [more] */
  function tell(name, more = {}) {
    post({ event: 'event', name, metadata: {
      error_code: null, error_message: null, error_type: null, exit_status: null, institution_id: bank?.institution_id ?? null,
      institution_name: bank?.name ?? null, institution_search_query: null, link_session_id: session?.link_session_id ?? '',
      mfa_type: null, request_id: requestId(), timestamp: new Date().toISOString(), view_name: null, ...more,
    } });
  }

  /** @param {string} path @param {any} [body] @returns {Promise<any>} */
  async function ask(path, body) {
    try {
      const response = await fetch(`/link/session/${path}`, body === undefined ? {} : {
        method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body),
      });
      const answer = await response.json();
      return response.ok ? answer : { error: answer };
    } catch {
      return { error: { error_type: 'API_ERROR', error_code: 'INTERNAL_SERVER_ERROR', error_message: 'no answer', display_message: null } };
    }
  }

  /** @param {string} tag @param {Record<string, any>} [set] @param {(Node | string)[]} children */
  function el(tag, set = {}, ...children) {
    const made = document.createElement(tag);
    for (const [name, value] of Object.entries(set)) {
      if (name.startsWith('on')) made.addEventListener(name.slice(2), value);
      else if (value === true) made.setAttribute(name, '');
      else if (value !== false && value !== undefined) made.setAttribute(name, value);
    }
    made.append(...children);
    return made;
  }

  /** @param {string} view @param {string} heading @param {(Node | string)[]} children */
  function show(view, heading, ...children) {
    const title = el('h1', { tabindex: '-1' }, heading);
    pane.replaceChildren(title, ...children);
    status.textContent = '';
    title.focus();
    tell('TRANSITION_VIEW', { view_name: view });
  }

  /** Runs one step at a time; a second click meanwhile does nothing. @param {HTMLElement | null} button @param {() => Promise<void>} step */
  async function once(button, step) {
    if (busy) return;
    busy = true;
    const of = round;
    button?.setAttribute('aria-disabled', 'true');
    status.textContent = 'One moment.';
    try { await step(); } finally {
      if (of === round) { busy = false; button?.removeAttribute('aria-disabled'); }
    }
  }

  /** @param {any} error @param {HTMLElement} place */
  function complain(error, place) {
    failure = error;
    place.textContent = error.display_message ?? 'Something went wrong at the bank. Try again, or choose another way to pay.';
    status.textContent = '';
    tell('ERROR', { error_code: error.error_code, error_message: error.error_message, error_type: error.error_type });
  }

  function exit() {
    const { error_type, error_code, error_message, display_message } = failure ?? {};
    const error = failure ? { error_type, error_code, error_message, display_message } : null;
    tell('EXIT', { exit_status: standing, error_code: error_code ?? null, error_message: error_message ?? null, error_type: error_type ?? null });
    post({ event: 'exit', error, metadata: {
      institution: bank ? { name: bank.name, institution_id: bank.institution_id } : null, status: standing,
      link_session_id: session?.link_session_id ?? '', request_id: requestId(),
    } });
    pane.replaceChildren();
    round += 1;
    busy = false;
  }

  function consent() {
    standing = null;
    const client = el('bdi', {}, session.client_name);
    const go = el('button', { type: 'button', class: 'main', onclick: () => (session.update ? credentials() : choose()) }, 'Continue');
    show('CONSENT', `${session.client_name} uses Plaid to connect your account`,
      el('p', {}, 'You sign in to your bank and choose the account to pay from. ', client, ' never sees your user name or password.'),
      el('p', { class: 'hint' }, 'This is a stand-in: the banks are made up, and no money moves.'), go);
  }

  function choose() {
    bank = null;
    standing = null;
    failure = null;
    const list = el('ul', { class: 'banks' });
    const none = el('p', { class: 'error', role: 'status' });
    const search = /** @type {HTMLInputElement} */ (el('input', { id: 'search', type: 'search', autocomplete: 'off' }));
    const fill = () => {
      const words = search.value.trim().toLowerCase();
      const found = session.institutions.filter((/** @type {any} */ one) => one.name.toLowerCase().includes(words));
      list.replaceChildren(...found.map((/** @type {any} */ one) => {
        const dot = el('span', { class: 'dot', 'aria-hidden': 'true' });
        dot.style.background = one.colour;
        return el('li', {}, el('button', { type: 'button', onclick: () => pick(one) }, dot,
          el('span', {}, one.name, el('small', {}, one.url.replace('https://', '')))));
      }));
      standing = found.length ? null : 'institution_not_found';
      none.textContent = found.length ? '' : 'No bank of this name can be connected. Check the spelling, or close this and pay another way.';
      if (words) tell('SEARCH_INSTITUTION', { institution_search_query: search.value });
    };
    search.addEventListener('input', fill);
    show('SELECT_INSTITUTION', 'Choose your bank', el('label', { for: 'search' }, 'Search by name'), search, none, list);
    fill();
  }

  /** @param {any} one */
  function pick(one) {
    bank = one;
    tell('SELECT_INSTITUTION');
    credentials();
  }

  function credentials() {
    bank ??= session.institution;
    failure = null;
    if (bank.oauth) { oauth(); return; }
    standing = 'requires_credentials';
    const wrong = el('p', { class: 'error', role: 'alert' });
    const user = /** @type {HTMLInputElement} */ (el('input', { id: 'user', autocomplete: 'off', autocapitalize: 'none', spellcheck: 'false', required: true }));
    const password = /** @type {HTMLInputElement} */ (el('input', { id: 'password', type: 'password', autocomplete: 'off', required: true }));
    const submit = el('button', { class: 'main' }, 'Sign in');
    const form = el('form', { novalidate: true }, wrong, el('label', { for: 'user' }, 'User name'), user,
      el('label', { for: 'password' }, 'Password'), password,
      el('p', { class: 'hint' }, 'This bank is a stand-in: user_good and pass_good sign in.'), submit);
    if (!session.update) form.append(el('button', { type: 'button', onclick: choose }, 'Choose another bank'));
    form.addEventListener('submit', (event) => {
      event.preventDefault();
      once(submit, async () => {
        tell('SUBMIT_CREDENTIALS');
        const given = { institution_id: bank.institution_id, username: user.value.trim(), password: password.value };
        const answer = await ask(`${session.link_session_id}/sign_in`, given);
        if (answer.error) { complain(answer.error, wrong); user.focus(); return; }
        session = answer;
        if (session.state === 'asks_for_code') code(given); else accounts();
      });
    });
    show('CREDENTIAL', `Sign in at ${bank.name}`, form);
  }

  /** @param {any} given */
  function code(given) {
    standing = 'requires_code';
    const wrong = el('p', { class: 'error', role: 'alert' });
    const input = /** @type {HTMLInputElement} */ (el('input', { id: 'code', inputmode: 'numeric', autocomplete: 'one-time-code', maxlength: '8' }));
    const submit = el('button', { class: 'main' }, 'Confirm');
    const form = el('form', { novalidate: true }, wrong, el('label', { for: 'code' }, 'Code from your bank'), input,
      el('p', { class: 'hint' }, 'The stand-in takes 1234.'), submit);
    form.addEventListener('submit', (event) => {
      event.preventDefault();
      once(submit, async () => {
        tell('SUBMIT_MFA', { mfa_type: 'code' });
        const answer = await ask(`${session.link_session_id}/sign_in`, { ...given, code: input.value.trim() });
        if (answer.error) { complain(answer.error, wrong); input.focus(); return; }
        session = answer;
        accounts();
      });
    });
    show('MFA', `${bank.name} asks for a code`, form);
  }

  function oauth() {
    standing = 'requires_oauth';
    const wrong = el('p', { class: 'error', role: 'alert' });
    const go = el('button', { type: 'button', class: 'main' }, `Continue to ${bank.name}`);
    go.addEventListener('click', () => once(go, async () => {
      const answer = await ask(`${session.link_session_id}/oauth`, { institution_id: bank.institution_id });
      if (answer.error) { complain(answer.error, wrong); return; }
      tell('OPEN_OAUTH');
      if (answer.redirect) { post({ event: 'leave', url: answer.url }); return; }
      const popup = window.open(answer.url, '_blank', 'popup,width=480,height=640');
      if (!popup) { wrong.textContent = 'Your browser did not open the bank’s window. Allow it, then try again.'; return; }
      const of = round;
      for (;;) {
        await new Promise((done) => setTimeout(done, 400));
        if (of !== round) return;
        const now = await ask(session.link_session_id);
        if (now.error || now.state !== 'at_the_bank') { popup.close(); back(now); return; }
        if (popup.closed) { tell('CLOSE_OAUTH'); back({ ...now, state: 'denied' }); return; }
      }
    }));
    const other = session.update ? [] : [el('button', { type: 'button', class: 'after', onclick: choose }, 'Choose another bank')];
    show('OAUTH', `Sign in at ${bank.name}`, el('p', {}, 'Your bank opens its own page. You come back here afterwards.'), wrong, go, ...other);
  }

  /** The customer is back from the bank's page. @param {any} now */
  function back(now) {
    if (now.error) { broken(now.error); return; }
    session = now;
    bank = session.institution;
    busy = false;
    if (session.state === 'signed_in') { accounts(); return; }
    oauth();
    const place = pane.querySelector('[role=alert]');
    if (place) place.textContent = 'The bank did not share your accounts. Try again, or choose another bank.';
  }

  function accounts() {
    standing = 'requires_account_selection';
    failure = null;
    const wrong = el('p', { class: 'error', role: 'alert' });
    const set = el('fieldset', {}, el('legend', { class: 'hidden' }, 'Account'));
    session.accounts.forEach((/** @type {any} */ account) => {
      const radio = el('input', { type: 'radio', name: 'account', value: account.account_id });
      if (session.accounts.length === 1) radio.setAttribute('checked', '');
      set.append(el('label', { class: 'account' }, radio,
        el('span', {}, account.name, el('small', {}, `${account.subtype}, ending ${account.mask}`))));
    });
    const submit = el('button', { class: 'main' }, 'Continue');
    const form = el('form', { novalidate: true }, wrong, set, submit);
    form.addEventListener('submit', (event) => {
      event.preventDefault();
      const chosen = /** @type {HTMLInputElement | null} */ (form.querySelector('input:checked'));
      if (!chosen) { wrong.textContent = 'Choose the account to pay from.'; set.querySelector('input')?.focus(); return; }
      once(submit, async () => {
        const answer = await ask(`${session.link_session_id}/finish`, { account_ids: [chosen.value] });
        if (answer.error) { complain(answer.error, wrong); return; }
        done(answer);
      });
    });
    show('SELECT_ACCOUNT', 'Choose the account to pay from', form);
  }

  /** @param {any} answer */
  function done(answer) {
    tell('HANDOFF');
    pane.replaceChildren();
    round += 1;
    busy = false;
    post({ event: 'success', ...answer });
  }

  /** Nothing can be done here any more. @param {any} error */
  function broken(error) {
    failure = error;
    tell('ERROR', { error_code: error.error_code, error_message: error.error_message, error_type: error.error_type });
    show('ERROR', 'This can’t go on', el('p', {}, 'Close this and try again from the payment page, or choose another way to pay.'),
      el('button', { type: 'button', class: 'main', onclick: exit }, 'Close'));
  }

  /** @param {any} given */
  async function start(given) {
    round += 1;
    busy = false;
    bank = null;
    failure = null;
    const of = round;
    const answer = await ask('open', { token: given.token, oauth_state_id: given.oauth_state_id });
    if (of !== round) return;
    if (answer.error) { broken(answer.error); return; }
    session = answer;
    document.documentElement.dir = 'ltr';
    tell('OPEN');
    if (given.oauth_state_id) { bank = session.institution; tell('CLOSE_OAUTH'); back(session); } else consent();
  }

  /** @type {HTMLElement} */ (document.querySelector('#close')).addEventListener('click', exit);
  document.addEventListener('keydown', (event) => { if (event.key === 'Escape') { event.preventDefault(); exit(); } });
  window.addEventListener('message', ({ source, origin, data }) => {
    if (source !== window.parent) return;
    if (data.do === 'start') { page = { source, origin }; start(data); }
    if (data.do === 'exit') { page ??= { source, origin }; exit(); }
  });
  window.parent.postMessage({ event: 'loaded' }, '*');
})();
