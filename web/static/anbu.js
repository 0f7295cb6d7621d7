// A page that is open stays current: the server names the parts that changed, and this script changes each in place.
// The user's typing, open details and place on the page stay as they are. Without this script all works with a reload.
"use strict";

// ---- changing a part in place ------------------------------------------------------------------------------------
const keyOf = (node) => (node.nodeType === 1 ? node.dataset.key || node.id : "");

function matches(old, fresh) {
  return old.nodeType === fresh.nodeType && old.nodeName === fresh.nodeName && keyOf(old) === keyOf(fresh);
}

function syncAttributes(old, fresh) {
  const kept = old.nodeName === "DETAILS" ? "open" : old.nodeName === "BUTTON" ? "disabled" : "";
  for (const { name } of [...old.attributes]) if (name !== kept && !fresh.hasAttribute(name)) old.removeAttribute(name);
  for (const { name, value } of fresh.attributes)
    if (name !== kept && old.getAttribute(name) !== value) old.setAttribute(name, value);
}

function change(old, fresh) {
  if (old.nodeType !== 1) {
    if (old.nodeValue !== fresh.nodeValue) old.nodeValue = fresh.nodeValue;
    return;
  }
  if (old.nodeName === "OUTPUT") return; // the answer to a button that was pressed
  syncAttributes(old, fresh);
  changeChildren(old, [...fresh.childNodes]);
}

function changeChildren(parent, fresh) {
  const keyed = new Map([...parent.children].filter(keyOf).map((one) => [keyOf(one), one]));
  const plain = [...parent.childNodes].filter((one) => !keyOf(one));
  const wanted = fresh.map((one) => {
    const old = keyOf(one) ? keyed.get(keyOf(one)) : plain.find((other) => matches(other, one));
    if (!old || !matches(old, one)) return document.importNode(one, true);
    if (!keyOf(one)) plain.splice(plain.indexOf(old), 1);
    change(old, one);
    return old;
  });
  const staying = new Set(wanted);
  for (const old of [...parent.childNodes]) if (!staying.has(old)) old.remove();
  // A moved element loses its focus. So the element with the focus stays, and the others are put around it.
  const still = wanted.findIndex((one) => one.parentNode === parent && one.contains(document.activeElement));
  for (let at = 0; at < still; at++) if (wanted[at].nextSibling !== wanted[still] || at < still - 1) parent.insertBefore(wanted[at], wanted[still]);
  let before = still >= 0 ? wanted[still] : null;
  for (const one of wanted.slice(still + 1)) {
    const next = before ? before.nextSibling : parent.firstChild;
    if (one !== next) parent.insertBefore(one, next);
    before = one;
  }
}

// ---- following the server ----------------------------------------------------------------------------------------
const PEOPLE_EVERY_MS = 1500; // the long list; alerts are never kept waiting
const LOST_AFTER_MS = 40000;  // the server's heart beats every 15 s

const live = document.querySelector("[data-live]");
const lost = document.getElementById("lost");
const due = new Set();
let busy = false, peopleAt = 0, timer = 0, heardAt = Date.now();

// Announces new alerts to users who do not see them, and keeps the number in the title.
let announced = null;

function announce() {
  const top = document.getElementById("top");
  if (!top) return;
  document.title = top.dataset.title;
  const open = new Map([...document.querySelectorAll("[data-new]")].map((one) => [one.dataset.key, one.dataset.new]));
  const fresh = announced ? [...open].filter(([key]) => !announced.has(key)).map(([, said]) => said) : [];
  if (fresh.length) document.getElementById("news").textContent = fresh.join(". ");
  announced = new Set(open.keys());
}

async function refresh() {
  if (busy || !due.size) return;
  const wait = peopleAt + PEOPLE_EVERY_MS - Date.now();
  const parts = [...due].filter((part) => part !== "people" || wait <= 0);
  clearTimeout(timer);
  if (due.has("people") && wait > 0) timer = setTimeout(refresh, wait);
  if (!parts.length) return;
  busy = true;
  parts.forEach((part) => due.delete(part));
  if (parts.includes("people")) peopleAt = Date.now();
  const query = new URLSearchParams(location.search);
  parts.forEach((part) => query.append("part", part));
  try {
    const answer = await fetch(`${live.dataset.live}?${query}`);
    if (answer.status === 401) return location.reload();
    if (!answer.ok) throw new Error(answer.statusText);
    const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
    for (const part of fresh.body.children) change(document.getElementById(part.id), part);
    announce();
  } catch (error) {
    parts.forEach((part) => due.add(part));
    await new Promise((again) => setTimeout(again, 2000));
  }
  busy = false;
  refresh();
}

function heard() {
  heardAt = Date.now();
  lost.hidden = true;
}

if (live) {
  announce();
  const wanted = new URLSearchParams([["after", document.body.dataset.event]]);
  live.dataset.parts.split(" ").forEach((part) => wanted.append("part", part));
  const source = new EventSource(`/events?${wanted}`);
  source.addEventListener("open", heard);
  source.addEventListener("beat", heard);
  source.addEventListener("changed", (event) => {
    heard();
    event.data.split(" ").forEach((part) => due.add(part));
    refresh();
  });
  source.addEventListener("error", () => {
    if (source.readyState === EventSource.CLOSED) setTimeout(() => location.reload(), 5000);
  });
  setInterval(() => { lost.hidden = Date.now() - heardAt < LOST_AFTER_MS; }, 1000);
  for (const form of document.querySelectorAll("form.sites")) form.addEventListener("change", () => form.submit());
}

// ---- pressing a button -------------------------------------------------------------------------------------------
document.addEventListener("submit", async (event) => {
  const form = event.target;
  if (!form.matches("[data-act]")) return;
  event.preventDefault();
  const buttons = form.querySelectorAll("button"), said = form.querySelector("output");
  const address = event.submitter?.getAttribute("formaction") || form.action;
  buttons.forEach((one) => { one.disabled = true; });
  try {
    const answer = await fetch(address, { method: "POST", headers: { "x-anbu": "sentence" }, body: new URLSearchParams(new FormData(form)) });
    said.textContent = await answer.text();
    said.className = answer.ok ? "" : "failed";
    if (answer.ok) form.reset();
  } catch (error) {
    said.textContent = document.body.dataset.failed;
    said.className = "failed";
  } finally {
    buttons.forEach((one) => { one.disabled = false; });
  }
});
