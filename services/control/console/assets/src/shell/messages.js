// What is said once and goes away: in a live region, so that it is heard too.
const KINDS = { done: "circle-check", error: "circle-alert", note: "info" };
const STAYS_MS = 8_000;

export function say(text, kind = "note") {
  const region = document.getElementById(kind === "error" ? "alerts" : "messages");
  const icons = region.parentElement.dataset.icons;
  const said = document.createElement("div");
  said.className = `message ${kind in KINDS ? kind : "note"}`;
  said.append(icon(icons, KINDS[kind] || KINDS.note), paragraph(text), dismissing(icons, region.parentElement.dataset.dismiss));
  region.append(said);
  // An error stays until somebody has read it.
  if (kind !== "error") setTimeout(() => said.remove(), STAYS_MS);
}

function paragraph(text) {
  const p = document.createElement("p");
  p.textContent = text;
  return p;
}

function dismissing(icons, label) {
  const button = document.createElement("button");
  button.type = "button";
  button.className = "quiet icon-only";
  button.setAttribute("aria-label", label);
  button.append(icon(icons, "x"));
  button.addEventListener("click", () => button.parentElement.remove());
  return button;
}

function icon(icons, name) {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  svg.setAttribute("class", "icon");
  svg.setAttribute("aria-hidden", "true");
  const use = document.createElementNS("http://www.w3.org/2000/svg", "use");
  use.setAttribute("href", `${icons}#${name}`);
  svg.append(use);
  return svg;
}

// Those that came with the page go like the others.
for (const button of document.querySelectorAll("#notices .message button")) {
  button.addEventListener("click", () => button.closest(".message").remove());
}
