// How much waits for whoever looks, beside the navigation: followed while the page is looked at, and what was last known is
// there at once on the next page.
import { look } from "./session.js";

const KEPT = "pilote-waiting";
const AGAIN_MS = 10_000;
const list = document.querySelector(".sections[data-follow]");
const number = new Intl.NumberFormat(document.documentElement.lang);
const french = document.documentElement.lang === "fr";
let source = null;
let again = 0;

function show(counts) {
  for (const badge of list.querySelectorAll("[data-waits]")) {
    const count = counts[badge.dataset.waits] || 0;
    const forms = list.dataset.said.split("|");
    const form = (french ? count < 2 : count === 1) ? forms[0] : forms.at(-1);
    badge.hidden = !count;
    badge.firstElementChild.textContent = count > 99 ? "99+" : number.format(count);
    badge.lastElementChild.textContent = form.replace("{count}", number.format(count));
    const link = badge.previousElementSibling;
    if (count) link.setAttribute("aria-describedby", badge.id);
    else link.removeAttribute("aria-describedby");
  }
}

function heard(event) {
  sessionStorage.setItem(KEPT, event.data);
  show(JSON.parse(event.data));
}

function follow() {
  clearTimeout(again);
  if (source || document.hidden) return;
  source = new EventSource(list.dataset.follow);
  source.addEventListener("waiting", heard);
  source.addEventListener("error", () => {
    if (source?.readyState !== EventSource.CLOSED) return; // it tries again by itself
    leave();
    look(); // perhaps the session has ended
    again = setTimeout(follow, AGAIN_MS);
  });
}

function leave() {
  clearTimeout(again);
  source?.close();
  source = null;
}

if (list) {
  show(JSON.parse(sessionStorage.getItem(KEPT) || "{}"));
  follow();
  document.addEventListener("visibilitychange", () => (document.hidden ? leave() : follow()));
  addEventListener("pagehide", leave);
  addEventListener("pageshow", (event) => event.persisted && follow());
}
