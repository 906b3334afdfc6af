// @ts-check
// Asks, with growing gaps, what became of a payment. Without this script the button asks.
const form = document.getElementById("check");
const progress = document.getElementById("progress");
if (form instanceof HTMLFormElement && progress) {
  const body = new URLSearchParams([...new FormData(form)].map(([name, value]) => [name, value.toString()]));
  const ask = async () => {
    progress.textContent = "Asking your bank…";
    for (let wait = 0; wait < 60000; wait = wait * 1.7 + 1000) {
      await new Promise((done) => setTimeout(done, wait));
      try {
        const reply = await fetch(form.action, { method: "POST", headers: { accept: "application/json" }, body, credentials: "same-origin" });
        const told = await reply.json();
        if (told.state === "paid" || told.state === "processing") return location.replace(told.url);
        if (told.again) return location.replace(told.again);
        if (told.state === "action" && told.redirect && !location.search.includes("back")) return location.assign(told.redirect);
      } catch {
        progress.textContent = "You seem to be offline. We ask again.";
      }
    }
    progress.textContent = "No answer yet. Press Check now, or open this page later; we e-mail the result.";
  };
  void ask();
}
export {};
