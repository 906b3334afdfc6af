// The bank's question, shown in a frame: tells the page around it when it is over.
if (window.parent !== window) {
  const over = document.body.dataset.over === 'true';
  if (over) window.parent.postMessage({ event: 'challenge-over' }, '*');
  window.addEventListener('keydown', ({ key }) => {
    if (key === 'Escape') window.parent.postMessage({ event: 'challenge-left' }, '*');
  });
}
