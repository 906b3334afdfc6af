// The console's Lightning pages: a frame around the package's own components, on live data, as one person.
import '@lwc/synthetic-shadow';

// Before any component: labels, permissions and calls depend on who looks.
const [, , who, kind, ...rest] = window.location.pathname.split('/');
window.__who = who;
const answer = await fetch(`/lightning/api/${who}/me`);
if (!answer.ok) throw new Error(`The sandbox knows nobody called ${who}`);
window.__person = await answer.json();

const { frame } = await import('./frame.js');
const { flowPage, homePage, listPage, recordPage, tabPage } = await import('./pages.js');
const main = frame();
if (kind === 'r') await recordPage(main, rest[0], rest[1]);
else if (kind === 'n') await tabPage(main, rest[0]);
else if (kind === 'f') await flowPage(main, rest[0]);
else if (kind === 'o') await listPage(main, rest[0]);
else homePage(main);
document.body.dataset.ready = 'yes';
