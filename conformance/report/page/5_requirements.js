// The catalogue: which requirement was tested by what, and how that went.

// A case that failed says nothing of the requirements that it didn't come to, or that held.
function toldOf(played, id) {
  const broken = brokenBy(played.result);
  return broken.size === 0 || broken.has(id);
}

function coverage(entries) {
  const found = new Map();
  for (const entry of entries) {
    for (const played of entry.columns.filter(Boolean)) {
      const broken = (played.result.violation || []).flatMap((told) => told.cite || []);
      for (const id of new Set([...(played.result.cite || []), ...broken])) {
        if (!found.has(id)) found.set(id, new Map());
        const known = found.get(id).get(entry.id);
        if (!known || played.unexpected) found.get(id).set(entry.id, played);
      }
    }
  }
  return found;
}

function requirementRow(row, cases) {
  const links = [...(cases || [])].map(([id, played]) => make("div", {},
    toldOf(played, row.id) ? badge(played.verdict)
      : make("span", {class: "badge other", title: "the case failed at another requirement"}, "–"),
    " ",
    make("a", {href: `#case/${id}`, class: "mono"}, id)));
  const shown = links.slice(0, 6);
  return make("tr", {id: `requirement/${row.id}`},
    make("td", {class: "mono"}, row.id),
    make("td", {}, make("span", {class: "soft"}, `${row.level} `), row.requirement,
      links.length === 0 && row.out_of_reach
        ? make("div", {class: "soft"}, `no case: ${row.out_of_reach}`) : null),
    make("td", {}, shown, links.length > shown.length
      ? make("span", {class: "soft"}, `and ${links.length - shown.length} more`) : null));
}

function showRequirements(rows, entries) {
  const found = coverage(entries);
  const covered = rows.filter((row) => found.has(row.id)).length;
  byId("requirements").append(
    make("p", {}, `${covered} of ${rows.length} requirements on targets were tested by what was `,
      "played. Rules of the monitor judge more of them in every case."),
    make("div", {class: "scroll"}, make("table", {},
      make("thead", {}, make("tr", {}, ["Id", "Requirement", "Cases"].map(
        (name) => make("th", {}, name)))),
      make("tbody", {}, rows.map((row) => requirementRow(row, found.get(row.id)))))));
}
