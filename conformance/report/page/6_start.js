// Views by the address's end: #cases, #cases?TEXT, #case/ID, #requirements?ID.

const VIEWS = ["cases", "areas", "requirements", "legend"];

function show(view) {
  for (const name of VIEWS) {
    byId(name).hidden = name !== view;
    if (name === view) byId(`tab-${name}`).setAttribute("aria-current", "page");
    else byId(`tab-${name}`).removeAttribute("aria-current");
  }
}

function reveal(element) {
  if (!element) return;
  element.hidden = false;
  for (let above = element; above; above = above.parentElement) {
    if (above.tagName === "DETAILS") {
      above.open = true;
      above.hidden = false;
    }
  }
  element.scrollIntoView();
}

function follow(entries) {
  const hash = decodeURIComponent(location.hash.slice(1));
  const at = hash.indexOf("?");
  const [place, asked] = at < 0 ? [hash, ""] : [hash.slice(0, at), hash.slice(at + 1)];
  if (place.startsWith("case/")) {
    show("cases");
    reveal(byId(place));
    return;
  }
  show(VIEWS.includes(place) ? place : "cases");
  if (place === "cases" && asked) {
    byId("search").value = asked;
    filter.search = asked.toLowerCase();
    applyFilter(entries);
  }
  if (place === "requirements" && asked) reveal(byId(`requirement/${asked}`));
}

async function start() {
  const page = await unpack();
  const pages = page.run || [];
  requirements = new Map((page.requirement || []).map((row) => [row.id, row]));
  byId("runs").append(...pages.map(runCard));
  const entries = gather(pages);
  showCases(entries, pages);
  showAreas(pages);
  showRequirements(page.requirement || [], entries);
  showLegend();
  if (entries.some((entry) => entry.columns.some((played) => played && played.unexpected))) {
    filter.unexpected = byId("unexpected").checked = true;
  }
  applyFilter(entries);
  window.addEventListener("hashchange", () => follow(entries));
  follow(entries);
  document.body.dataset.ready = "yes";
}

start();
