const form = document.querySelector("#filter");
const table = document.querySelector("#overview tbody");
const summary = document.querySelector("#summary");
const detail = document.querySelector("#detail");
const lines = [...table.rows];
const worst = new Map(lines.map((line, place) => [line, place]));
const { name, verdict, sort } = form.elements;
const PLAIN = new Set(["", "summary", "engines", "findings", "cases"]);
let details;
let left = 0;

async function unpacked() {
  if (!details) {
    const packed = Uint8Array.from(atob(document.querySelector("#details").textContent), (c) => c.charCodeAt(0));
    const stream = new Blob([packed]).stream().pipeThrough(new DecompressionStream("gzip"));
    details = JSON.parse(await new Response(stream).text());
  }
  return details;
}

// The address: #case/NAME/ENGINE, #engine/NAME, #digits, or #cases?name=…&verdict=…&sort=…
function address() {
  const [place, query] = location.hash.slice(1).split("?");
  return { place, query: new URLSearchParams(query || "") };
}

function filter() {
  const text = name.value.trim().toLowerCase();
  let shown = 0;
  for (const line of lines) {
    const named = line.dataset.name.toLowerCase().includes(text);
    const judged = !verdict.value || line.dataset.verdicts.split(" ").includes(verdict.value);
    line.hidden = !(named && judged);
    shown += !line.hidden;
  }
  const orders = {
    run: (one, other) => one.dataset.place - other.dataset.place,
    name: (one, other) => one.dataset.name.localeCompare(other.dataset.name),
  };
  const order = orders[sort.value] || ((one, other) => worst.get(one) - worst.get(other));
  table.append(...[...lines].sort(order));
  form.querySelector("output").textContent = `${shown} of ${lines.length} cases`;
}

function remember() {
  const query = new URLSearchParams();
  for (const field of [name, verdict, sort]) if (field.value) query.set(field.name, field.value);
  const told = query.toString();
  history.replaceState(null, "", told ? `#cases?${told}` : "#cases");
  filter();
}

async function open() {
  const { place, query } = address();
  if (PLAIN.has(place) || document.getElementById(place)?.closest("#summary")) {
    const back = summary.hidden;
    summary.hidden = false;
    detail.hidden = true;
    for (const field of [name, verdict, sort]) field.value = query.get(field.name) || "";
    filter();
    if (back) scrollTo(0, left);
    if (place) document.getElementById(place)?.scrollIntoView();
    return;
  }
  const found = await unpacked();
  let key = place;
  while (key && !(key in found)) key = key.slice(0, Math.max(key.lastIndexOf("/"), 0));
  if (!summary.hidden) left = scrollY;
  const engine = decodeURIComponent(place.slice(key.length + 1));
  detail.innerHTML = `<p class="back"><a href="#cases">All cases</a></p>${key ? found[key] : "<h2>Nothing of that name</h2>"}`;
  for (const line of detail.querySelectorAll("[data-engine]")) line.classList.toggle("asked", line.dataset.engine === engine);
  summary.hidden = true;
  detail.hidden = false;
  detail.focus({ preventScroll: true });
  scrollTo(0, 0);
}

form.hidden = false;
form.addEventListener("input", remember);
form.addEventListener("submit", (event) => event.preventDefault());
addEventListener("hashchange", open);
open();
