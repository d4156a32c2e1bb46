// Small things that pages ask for by attributes:
//   data-copy="#id"      puts that element's text on the clipboard
//   data-copy-link="/path"   likewise that address, whole; says data-copied
//   data-dialog="id"     opens that <dialog>; data-close, inside one, closes it
//   data-reveal="id"     shows what is typed into that password field
//   data-submit          sends the form when the control changes
import { say } from "./messages.js";

document.addEventListener("click", async (event) => {
  const copy = event.target.closest("[data-copy]");
  if (copy) return copied(copy);
  const link = event.target.closest("[data-copy-link]");
  if (link) {
    await navigator.clipboard.writeText(new URL(link.dataset.copyLink, location.href).href);
    return say(link.dataset.copied, "done");
  }
  const opener = event.target.closest("[data-dialog]");
  if (opener) return document.getElementById(opener.dataset.dialog).showModal();
  const reveal = event.target.closest("[data-reveal]");
  if (reveal) return revealed(reveal);
  const closer = event.target.closest("[data-close]");
  if (closer) closer.closest("dialog").close();
});

document.addEventListener("change", (event) => {
  if (event.target.matches("[data-submit]")) event.target.form.requestSubmit();
});

function revealed(button) {
  const field = document.getElementById(button.dataset.reveal);
  const shown = field.type === "password";
  field.type = shown ? "text" : "password";
  button.setAttribute("aria-pressed", shown);
}

async function copied(button) {
  const source = document.querySelector(button.dataset.copy);
  await navigator.clipboard.writeText(source.textContent);
  button.dataset.done = "";
  setTimeout(() => delete button.dataset.done, 1_500);
}
