// @ts-check
// Back from a bank's own page: on to the payment page that this window left.
const kept = JSON.parse(sessionStorage.getItem("quittance-bank") ?? "null");
const state = new URLSearchParams(location.search).get("oauth_state_id");
if (state && typeof kept?.path === "string" && kept.path.startsWith("/pay/")) location.replace(`${kept.path}?bank_return=${encodeURIComponent(state)}`);
export {};
