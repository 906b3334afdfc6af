// @ts-check
// Takes the place of Plaid's link-initialize.js on pages that are pointed at the Plaid stand-in. Link itself is drawn in a
// frame of the stand-in's origin, so that user names and passwords never touch the page. Throws on every option that it
// does not model.

/** @typedef {{ token: string, onSuccess: Function, onExit?: Function, onEvent?: Function, onLoad?: Function, receivedRedirectUri?: string }} Config */

(() => {
  const script = /** @type {HTMLScriptElement} */ (document.currentScript);
  const origin = new URL(script.src).origin;
  const OPTIONS = ['token', 'onSuccess', 'onExit', 'onEvent', 'onLoad', 'receivedRedirectUri'];

  /** @param {Config} config */
  function check(config) {
    if (typeof config !== 'object' || config === null) throw new TypeError('Plaid.create() takes an object.');
    for (const [name, value] of Object.entries(config)) {
      if (value !== undefined && !OPTIONS.includes(name)) {
        throw new Error(`Plaid.create(): the option "${name}" is not modelled by the Plaid stand-in.`);
      }
      if (value !== undefined && value !== null && name.startsWith('on') && typeof value !== 'function') {
        throw new TypeError(`Plaid.create(): ${name} must be a function.`);
      }
    }
    if (typeof config.token !== 'string' || !config.token.startsWith('link-')) {
      throw new Error('Plaid.create(): token must be a link token (link-…).');
    }
    if (typeof config.onSuccess !== 'function') throw new TypeError('Plaid.create(): onSuccess must be a function.');
  }

  /** @param {string | undefined} received */
  function stateOf(received) {
    if (received === undefined || received === null) return undefined;
    const state = new URL(received).searchParams.get('oauth_state_id');
    if (!state) throw new Error('Plaid.create(): receivedRedirectUri holds no oauth_state_id.');
    return state;
  }

  /** @param {Config} config */
  function create(config) {
    check(config);
    const oauthState = stateOf(config.receivedRedirectUri);
    const dialog = document.createElement('dialog');
    dialog.setAttribute('aria-label', 'Connect your bank account with Plaid');
    Object.assign(dialog.style, {
      inlineSize: 'min(26rem, 100vw)', blockSize: 'min(44rem, 100vh)', maxInlineSize: '100vw', maxBlockSize: '100vh',
      padding: '0', border: '0', overflow: 'hidden', borderRadius: '12px',
    });
    const frame = document.createElement('iframe');
    frame.title = 'Plaid Link';
    frame.src = `${origin}/link/v2/stable/link.html`;
    Object.assign(frame.style, { inlineSize: '100%', blockSize: '100%', border: '0', display: 'block' });
    dialog.append(frame);
    document.body.append(dialog);

    let loaded = false;
    let opened = false;
    /** @type {Element | null} */
    let before = null;

    /** @param {any} message */
    const post = (message) => frame.contentWindow?.postMessage(message, origin);
    const start = () => post({ do: 'start', token: config.token, oauth_state_id: oauthState });

    function close() {
      if (!opened) return;
      opened = false;
      dialog.close();
      if (before instanceof HTMLElement && before.isConnected) before.focus();
    }

    /** @param {MessageEvent} event */
    function receive({ source, origin: from, data }) {
      if (from !== origin || source !== frame.contentWindow) return;
      switch (data.event) {
        case 'loaded':
          loaded = true;
          config.onLoad?.();
          if (opened) start();
          break;
        case 'event': config.onEvent?.(data.name, data.metadata); break;
        case 'success': close(); config.onSuccess(data.public_token, data.metadata); break;
        case 'exit': close(); config.onExit?.(data.error, data.metadata); break;
        case 'leave': window.location.assign(data.url); break;
        default: throw new Error(`Plaid Link said ${data.event}, which the script does not know.`);
      }
    }

    window.addEventListener('message', receive);
    dialog.addEventListener('cancel', (event) => { event.preventDefault(); post({ do: 'exit' }); });

    return {
      open() {
        if (opened) return;
        opened = true;
        before = document.activeElement;
        dialog.showModal();
        frame.focus();
        if (loaded) start();
      },
      /** @param {{ force?: boolean }} [options] @param {Function} [callback] */
      exit(options, callback) {
        if (opened) post({ do: 'exit' });
        callback?.();
      },
      destroy() {
        close();
        window.removeEventListener('message', receive);
        dialog.remove();
      },
    };
  }

  /** @type {any} */ (window).Plaid = { create, version: '2.0.0-stand-in' };
})();
