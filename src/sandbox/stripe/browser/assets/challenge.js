// @ts-check
// The bank's question, shown in a frame: tells the page around it when it is over. The page loads this before it draws
// its buttons, so that Escape is heard from the first moment they are seen.
if (window.parent !== window) {
  window.addEventListener('keydown', ({ key }) => {
    if (key === 'Escape') window.parent.postMessage({ event: 'challenge-left' }, '*');
  });
  window.addEventListener('DOMContentLoaded', () => {
    if (document.body.dataset.over === 'true') window.parent.postMessage({ event: 'challenge-over' }, '*');
  });
}
