// Asks the control plane for JSON, from scripts that htmx does not serve: with the session's token; whose session has
// ended is sent to log in, as htmx does it.
export async function ask(path, { headers = {}, ...options } = {}) {
  const token = JSON.parse(document.body.getAttribute("hx-headers") || "{}");
  const answer = await fetch(path, {
    ...options,
    headers: { ...token, ...headers, "hx-request": "true", "hx-current-url": location.href },
  });
  const elsewhere = answer.headers.get("hx-redirect");
  if (elsewhere) location.assign(elsewhere);
  const isJson = /json/.test(answer.headers.get("content-type") || "");
  return { ok: answer.ok && isJson, status: answer.status, body: isJson ? await answer.json() : null };
}
