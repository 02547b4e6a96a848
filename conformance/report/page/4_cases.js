// The table of cases, and each case.

let requirements = new Map();

function requirementItem(id, broken) {
  const row = requirements.get(id);
  return make("li", {}, broken ? make("strong", {}, "broken: ") : null,
    make("a", {href: `#requirements?${id}`}, id),
    row ? ` ${row.level}: ${row.requirement}` : "");
}

function copyButton(text) {
  const button = make("button", {type: "button"}, "copy");
  button.addEventListener("click", async () => {
    try {
      await navigator.clipboard.writeText(text);
      button.textContent = "copied";
    } catch {
      button.textContent = "not allowed here";  // by the browser: for want of https, or by policy
    }
  });
  return button;
}

function facts(pairs) {
  return make("dl", {class: "facts"}, pairs.filter(([, value]) => value).map(
    ([name, value]) => [make("dt", {}, name),
      make("dd", {class: `${value}`.includes("\n") ? "wide" : null}, value)]));
}

// One case as one run saw it.
function outcome(played, label) {
  const result = played.result;
  const failure = result.failure || {};
  return make("div", {},
    make("h3", {}, badge(played.verdict), " ", label),
    facts([
      ["what", failure.message],
      ["due", failure.expected],
      ["came", failure.actual],
      ["step", failure.step && [failure.step,
        failure.file && `${failure.file}:${failure.line || 1}`].filter(Boolean).join(", ")],
      ["profile", result.overlay_reason],
      ["replay", result.replay &&
        [make("code", {}, result.replay), " ", copyButton(result.replay)]],
      ["capture", result.wire_log && make("a", {href: result.wire_log}, result.wire_log)],
    ]),
    played.wire ? wireLog(played.wire, result.violation || []) : null);
}

// The requirements that a case found broken, by its own judgement and by the monitor's.
function brokenBy(result) {
  return new Set([...((result.failure || {}).cite || []),
    ...(result.violation || []).flatMap((told) => told.cite || [])]);
}

function caseBody(entry, pages) {
  const any = entry.columns.find(Boolean);
  const broken = new Set(entry.columns.filter(Boolean).flatMap(
    (played) => [...brokenBy(played.result)]));
  const cited = [...broken, ...(any.result.cite || []).filter((id) => !broken.has(id))];
  return make("div", {class: "body"},
    any.why ? make("p", {}, any.why) : null,
    cited.length > 0
      ? make("ul", {}, cited.map((id) => requirementItem(id, broken.has(id)))) : null,
    entry.columns.map((played, i) => played &&
      outcome(played, pages.length > 1 ? pages[i].label : "")),
    any.script ? make("details", {}, make("summary", {}, "scenario"),
      make("pre", {}, any.script)) : null);
}

function caseRow(entry, pages) {
  const any = entry.columns.find(Boolean);
  const row = make("details", {class: "case", id: `case/${entry.id}`},
    make("summary", {},
      make("span", {class: "badges"}, entry.columns.map((played) => played
        ? badge(played.verdict) : make("span", {class: "badge other"}, "–"))),
      make("span", {}, make("span", {class: "id"}, entry.id),
        make("span", {class: "title"}, any.result.title || "")),
      make("span", {class: "seconds soft number"}, `${(any.result.seconds || 0).toFixed(3)} s`)));
  row.addEventListener("toggle", () => {
    if (row.open && row.children.length === 1) row.append(caseBody(entry, pages));
  });
  return row;
}

// Cases of all runs by id: {id, area, columns, text to search in}.
function gather(pages) {
  const entries = new Map();
  pages.forEach((page, column) => {
    for (const played of page.played || []) {
      const id = played.result.id;
      if (!entries.has(id)) {
        entries.set(id, {id, area: played.result.area || "", columns: pages.map(() => null)});
      }
      entries.get(id).columns[column] = played;
    }
  });
  for (const entry of entries.values()) {
    entry.text = entry.columns.filter(Boolean).flatMap(({result}) => [result.id, result.title,
      ...(result.cite || []), (result.failure || {}).message,
      ...(result.violation || []).flatMap((told) => [told.rule, ...(told.cite || [])])])
      .join("\n").toLowerCase();
  }
  return [...entries.values()];
}

const filter = {search: "", hidden: new Set(), unexpected: false};

function isShown(entry) {
  const columns = entry.columns.filter(Boolean);
  return entry.text.includes(filter.search) &&
    columns.some((played) => !filter.hidden.has(played.verdict)) &&
    (!filter.unexpected || columns.some((played) => played.unexpected));
}

function applyFilter(entries) {
  let shown = 0;
  const areas = new Map();
  for (const entry of entries) {
    const show = isShown(entry);
    entry.row.hidden = !show;
    shown += show;
    areas.set(entry.areaElement, (areas.get(entry.areaElement) || false) || show);
  }
  for (const [element, any] of areas) element.hidden = !any;
  byId("count").textContent = `${shown} of ${plural(entries.length, "case")}`;
}

function showCases(entries, pages) {
  const table = byId("table");
  const areas = new Map();
  for (const entry of entries) {
    if (!areas.has(entry.area)) {
      const element = make("details", {class: "area", open: ""}, make("summary", {}, entry.area));
      areas.set(entry.area, element);
      table.append(element);
    }
    entry.areaElement = areas.get(entry.area);
    entry.row = caseRow(entry, pages);
    entry.areaElement.append(entry.row);
  }
  const found = new Set(pages.flatMap((page) => counts(page).map(([verdict]) => verdict)));
  byId("verdicts").append(...[...found].map((verdict) => {
    const button = make("button", {type: "button", "aria-pressed": "true"}, badge(verdict));
    button.addEventListener("click", () => {
      const show = filter.hidden.delete(verdict);
      if (!show) filter.hidden.add(verdict);
      button.setAttribute("aria-pressed", String(show));
      applyFilter(entries);
    });
    return button;
  }));
  byId("search").addEventListener("input", (event) => {
    filter.search = event.target.value.trim().toLowerCase();
    applyFilter(entries);
  });
  byId("unexpected").addEventListener("change", (event) => {
    filter.unexpected = event.target.checked;
    applyFilter(entries);
  });
  byId("filter").addEventListener("submit", (event) => event.preventDefault());
}
