const form = document.querySelector("#filter");
const section = document.querySelector("#cases");
const cases = [...section.querySelectorAll("details.case")];
const { name, verdict, open, close } = form.elements;

function filter() {
  const text = name.value.trim().toLowerCase();
  for (const item of cases) {
    const named = item.dataset.name.toLowerCase().includes(text);
    const judged = !verdict.value || item.dataset.verdicts.split(" ").includes(verdict.value);
    item.hidden = !(named && judged);
  }
  section.dataset.only = verdict.value;
  const shown = cases.filter((item) => !item.hidden).length;
  form.querySelector("output").textContent = `${shown} of ${cases.length} cases`;
}

function openTarget() {
  const target = document.getElementById(location.hash.slice(1));
  if (target?.matches("details")) {
    target.hidden = false;
    target.open = true;
    target.scrollIntoView();
  }
}

form.hidden = false;
form.addEventListener("input", filter);
form.addEventListener("submit", (event) => event.preventDefault());
open.addEventListener("click", () => cases.forEach((item) => { item.open = !item.hidden; }));
close.addEventListener("click", () => cases.forEach((item) => { item.open = false; }));
addEventListener("hashchange", openTarget);
filter();
openTarget();
