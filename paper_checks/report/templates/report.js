"use strict";
const one = (id) => document.getElementById(id);
const form = one("page:filters"), search = one("page:search"), tip = one("page:tip");
const claims = [...document.querySelectorAll("article")];
const folds = [...document.querySelectorAll("details.fold")];
const words = new Map(claims.map((claim) => [claim, claim.querySelector(".about").textContent.toLowerCase()]));
const chosen = (name) => new Set([...form.querySelectorAll(`input[name=${name}]:checked`)].map((box) => box.value));

function show() {
  const groups = chosen("group"), verdicts = chosen("verdict");
  const wanted = search.value.toLowerCase().split(/\s+/).filter(Boolean);
  for (const claim of claims) {
    const isChosen = groups.has(claim.dataset.group) && verdicts.has(claim.dataset.verdict);
    claim.hidden = !(isChosen && wanted.every((word) => words.get(claim).includes(word)));
  }
  for (const section of document.querySelectorAll("section.group")) {
    section.hidden = !section.querySelector("article:not([hidden])");
    if (wanted.length && !section.hidden) section.querySelector("details.fold").open = true;
  }
  one("page:shown").value = `${claims.filter((claim) => !claim.hidden).length} of ${claims.length} claims shown`;
}

function showAll() {
  form.reset();
  show();
}

// A link to what the filters hide shows it, and opens what it is folded in. Ids need no decoding.
function reveal() {
  const target = one(location.hash.slice(1));
  if (!target) return;
  const isHidden = target.closest("[hidden]");
  if (isHidden) showAll();
  const closed = [];
  for (let at = target; at; at = at.parentElement) if (at.matches("details:not([open])")) closed.push(at);
  if (target.matches("section.group")) closed.push(target.querySelector("details.fold"));
  for (const fold of closed) fold.open = true;
  if (isHidden || closed.length) target.scrollIntoView();
}

// What a symbol of a formula stands for, where it is pointed at or tapped; every claim lists its own for the keyboard.
// Upright letters are those of words.
const listed = (list) => new Map([...(list?.querySelectorAll("dt") ?? [])].map(
  (name) => [name.dataset.name, name.nextElementSibling.textContent]));
const common = listed(one("page:meanings"));
const meanings = new Map(claims.map((claim) => [claim, listed(claim.querySelector("dl.symbols"))]));
const meaning = (symbol) => (meanings.get(symbol.closest("article")) ?? common).get(symbol.textContent);
for (const symbol of document.querySelectorAll("math mi:not([mathvariant])")) {
  if (meaning(symbol)) symbol.classList.add("known");
}
function explain(event) {
  const symbol = event.target.closest?.("mi.known");
  tip.hidden = !symbol;
  if (!symbol) return;
  tip.textContent = `${symbol.textContent}: ${meaning(symbol)}`;
  tip.style.left = "0"; // where it is measured, so that its last place does not narrow it
  const place = symbol.getBoundingClientRect(), room = document.documentElement.clientWidth - tip.offsetWidth - 8;
  tip.style.left = `${scrollX + Math.max(8, Math.min(place.left, room))}px`;
  tip.style.top = `${scrollY + place.bottom + 6}px`;
}
document.addEventListener("pointerover", explain);
document.addEventListener("click", explain);

// A formula that is wider than its line scrolls; then the keyboard reaches it.
function reach() {
  for (const formula of document.querySelectorAll(":is(p, dd, li, .whole) > math")) {
    if (formula.scrollWidth > formula.clientWidth + 1) formula.tabIndex = 0;
    else formula.removeAttribute("tabindex");
  }
}
window.addEventListener("resize", reach);
document.addEventListener("toggle", reach, true);

form.addEventListener("change", show);
search.addEventListener("input", show);
form.addEventListener("submit", (event) => event.preventDefault());
one("page:all").addEventListener("click", showAll);
one("page:open").addEventListener("click", () => folds.forEach((fold) => { fold.open = true; }));
window.addEventListener("hashchange", reveal);
document.addEventListener("click", (event) => { // a link followed again changes no hash
  if (event.target.closest("a[href^='#']")) setTimeout(reveal);
});
document.addEventListener("keydown", (event) => {
  if (event.key === "Escape") tip.hidden = true;
  if (event.key === "/" && !event.target.matches("input, textarea")) {
    event.preventDefault();
    search.focus();
  }
});
let opened = [];
window.addEventListener("beforeprint", () => {
  opened = folds.filter((fold) => !fold.open);
  for (const fold of opened) fold.open = true;
});
window.addEventListener("afterprint", () => opened.forEach((fold) => { fold.open = false; }));
form.hidden = false;
show();
reveal();
reach();
