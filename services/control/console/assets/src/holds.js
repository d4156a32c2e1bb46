// Holds: what is left of the time, and giving a call back when its reader leaves.
const hours = (seconds) => [Math.floor(seconds / 3600), Math.floor((seconds % 3600) / 60), seconds % 60];

function tick() {
  for (const element of document.querySelectorAll("[data-until]")) {
    const seconds = Math.max(0, Math.round((Date.parse(element.dataset.until) - Date.now()) / 1000));
    const [h, m, s] = hours(seconds);
    const two = (number) => String(number).padStart(2, "0");
    element.textContent = h ? `${h}:${two(m)}:${two(s)}` : `${m}:${two(s)}`;
    element.classList.toggle("soon", seconds < 600);
  }
}
tick();
setInterval(tick, 1_000);
document.addEventListener("htmx:afterSettle", tick);

let sending = false;
document.addEventListener("submit", (event) => {
  if (event.target.matches("[data-decides]")) sending = true;
});
addEventListener("pagehide", () => {
  const desk = document.querySelector("[data-release]");
  if (!desk || sending) return;
  const body = new FormData();
  body.set("csrf", desk.dataset.csrf);
  navigator.sendBeacon(desk.dataset.release, body);
});
// A page that the browser has kept shows what was true then.
addEventListener("pageshow", (event) => {
  if (event.persisted) location.reload();
});
