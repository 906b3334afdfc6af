// Keeps the console's pages fresh. Everything else works without it.
'use strict';

// What is marked live is replaced by its fresh self, unless the person is in the middle of it.
let busy = false;
let again = false;
async function refresh() {
    if (busy) {
        again = true;
        return;
    }
    busy = true;
    try {
        const answer = await fetch(location.href, { headers: { accept: 'text/html' } });
        if (!answer.ok) return;
        const fresh = new DOMParser().parseFromString(await answer.text(), 'text/html');
        for (const part of fresh.querySelectorAll('[data-live]')) {
            const old = document.getElementById(part.id);
            const open = old?.querySelector('details[open]');
            if (old && !open && !old.contains(document.activeElement) && old.innerHTML !== part.innerHTML) {
                old.replaceChildren(...part.childNodes);
            }
        }
        document.title = fresh.title;
    } catch {
        // The sandbox is being restarted; the next news tries again.
    } finally {
        busy = false;
        if (again) {
            again = false;
            refresh();
        }
    }
}

if (document.querySelector('[data-live]')) {
    const words = { notice: 'The org has news; the page is up to date.', mail: 'A new mail has come.' };
    const news = new EventSource('/live');
    for (const kind of Object.keys(words)) {
        news.addEventListener(kind, async () => {
            await refresh();
            document.getElementById('news').textContent = words[kind];
        });
    }
    // Counts change without a notice too.
    setInterval(() => document.visibilityState === 'visible' && refresh(), 4000);
    document.addEventListener('visibilitychange', () => document.visibilityState === 'visible' && refresh());
}

document.addEventListener('click', async (event) => {
    const button = event.target.closest('[data-copy]');
    if (!button) return;
    await navigator.clipboard.writeText(button.dataset.copy);
    document.getElementById('news').textContent = 'Copied.';
});
