// @ts-check
// Looks every few seconds whether the page still says how things stand, and reads it anew where it doesn't. Without this script
// the link on the page does.
const place = document.getElementById("follow");
if (place instanceof HTMLAnchorElement) {
  const look = async () => {
    for (let wait = 2000; ; wait = Math.min(wait * 1.1, 30000)) {
      await new Promise((done) => setTimeout(done, wait));
      if (document.hidden) continue;
      try {
        const reply = await fetch(place.href, { headers: { accept: "application/json" }, credentials: "same-origin" });
        if (!reply.ok) return;
        if ((await reply.json()).mark !== place.dataset.mark) return location.replace(place.href);
      } catch {
        // Offline: it looks again.
      }
    }
  };
  void look();
}
export {};
