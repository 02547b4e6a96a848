// The head of the page, areas and legend.

// As the summary has them (CauseLines of explain.h): what more than two unexpected cases have in
// common, and those that have nothing.
function causes(page) {
  const alone = new Set();
  const found = new Map();
  const note = (name, id, first) => {
    if (!found.has(name)) found.set(name, {name, first, ids: []});
    found.get(name).ids.push(id);
  };
  for (const {result, unexpected} of page.played || []) {
    if (!unexpected || ["SKIP", "UNSUPPORTED", "NOT_PLAYED"].includes(result.verdict)) continue;
    if (!((result.failure || {}).message || "").startsWith("not played:")) alone.add(result.id);
    const rules = new Map();
    for (const told of result.violation || []) {
      if (!told.expected && !rules.has(told.rule)) rules.set(told.rule, told);
    }
    for (const told of rules.values()) {
      note(`rule ${told.rule} (${told.section})`, result.id, told.message);
    }
    const message = (result.failure || {}).message || "";
    if (message && !(message.startsWith("monitor: ") && rules.size > 0)) note(message, result.id);
  }
  const shared = [...found.values()].filter((cause) => cause.ids.length > 2)
    .sort((one, other) => other.ids.length - one.ids.length);
  shared.forEach((cause) => cause.ids.forEach((id) => alone.delete(id)));
  return {shared, alone: [...alone]};
}

function causeList(page) {
  const {shared, alone} = causes(page);
  if (shared.length === 0) return null;
  const link = (id) => make("a", {href: `#case/${id}`}, id);
  return make("details", {open: ""}, make("summary", {}, "By cause"),
    shared.map((cause) => make("p", {}, `${plural(cause.ids.length, "case")}: `,
      make("strong", {}, cause.name), "; first ",
      link(cause.ids[0]), cause.first ? `: ${cause.first}` : "")),
    alone.length === 0 ? null : make("p", {}, `${plural(alone.length, "other")}:`,
      alone.map((id) => [" ", link(id)])));
}

function runCard(page) {
  const run = page.run;
  const unexpected = (page.played || []).filter((played) => played.unexpected).length;
  const remarks = [
    run.run_error,
    ...(run.warning || []),
    ...(run.profile_complaint || []).map((told) => `profile: ${told.id}: ${told.message}`),
    ...(run.left_out || []).map((left) => `left out: ${plural(left.cases, "case")} ${left.reason}`),
  ].filter(Boolean);
  const list = counts(page);
  return make("div", {class: "run"},
    make("strong", {}, page.label),
    make("p", {class: "soft"}, [run.target_identity, run.started, `seed ${run.seed || 0}`,
      `${(run.seconds || 0).toFixed(1)} s`, run.profile && `profile ${run.profile}`,
      `Pushpull ${run.tool_version}`].filter(Boolean).join(" · ")),
    bar(list),
    make("p", {}, `${plural((page.played || []).length, "case")}: `,
      list.map(([verdict, count]) => `${count} ${verdict}`).join(", ")),
    make("p", {}, make("strong", {}, unexpected === 0 ? "All as expected"
      : `${unexpected} not as expected`), ` (exit code ${run.exit_code || 0})`),
    causeList(page),
    remarks.map((remark) => make("p", {class: "soft"}, remark)),
    make("p", {class: "mono soft"}, `pushpull ${(run.argument || []).join(" ")}`));
}

function showAreas(pages) {
  const areas = new Map();
  pages.forEach((page, column) => {
    for (const played of page.played || []) {
      const name = played.result.area || "";
      if (!areas.has(name)) areas.set(name, pages.map(() => ({played: []})));
      areas.get(name)[column].played.push(played);
    }
  });
  const head = make("tr", {}, make("th", {}, "Area"),
    pages.map((page) => make("th", {}, page.label)));
  const rows = [...areas].sort().map(([name, columns]) => make("tr", {},
    make("td", {}, make("a", {href: `#cases?${name}/`}, name)),
    columns.map((column) => {
      const list = counts(column);
      return make("td", {}, list.length === 0 ? "–" : [bar(list),
        make("span", {class: "soft"}, list.map(([v, count]) => `${count} ${v}`).join(", "))]);
    })));
  byId("areas").append(make("div", {class: "scroll"},
    make("table", {}, make("thead", {}, head), make("tbody", {}, rows))));
}

function showLegend() {
  byId("legend").append(make("table", {}, make("tbody", {},
    Object.entries(MEANINGS).map(([verdict, meaning]) =>
      make("tr", {}, make("td", {}, badge(verdict)), make("td", {}, meaning))))),
    make("p", {class: "soft"}, "Wire logs: what was sent to the target is blue, what came from it ",
      "purple; a click on a PDU shows its fields and bytes, with | where a read or write ended."));
}
