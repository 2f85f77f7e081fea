"use strict";
const form = document.getElementById("page:filters");
const chosen = (name) => new Set([...form.querySelectorAll(`input[name=${name}]:checked`)].map((box) => box.value));

function show() {
  const groups = chosen("group"), verdicts = chosen("verdict");
  const claims = [...document.querySelectorAll("article")];
  for (const claim of claims) {
    claim.hidden = !(groups.has(claim.dataset.group) && verdicts.has(claim.dataset.verdict));
  }
  for (const section of document.querySelectorAll("section.group")) {
    section.hidden = !section.querySelector("article:not([hidden])");
  }
  const visible = claims.filter((claim) => !claim.hidden).length;
  document.getElementById("page:shown").value = `${visible} of ${claims.length} claims shown`;
}

function showAll() {
  form.reset();
  show();
}

// A link to a claim that the filters hide shows it. Ids need no decoding.
function reveal() {
  const target = document.getElementById(location.hash.slice(1));
  if (target && target.closest("[hidden]")) {
    showAll();
    target.scrollIntoView();
  }
}

form.addEventListener("change", show);
form.addEventListener("submit", (event) => event.preventDefault());
document.getElementById("page:all").addEventListener("click", showAll);
window.addEventListener("hashchange", reveal);
document.addEventListener("click", (event) => { // a link followed again changes no hash
  if (event.target.closest("a[href^='#']")) setTimeout(reveal);
});
form.hidden = false;
show();
reveal();
