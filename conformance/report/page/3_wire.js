// The wire log of a case.

function hexDump(bytes, cuts, size) {
  const cut = new Set(cuts);
  const lines = [];
  for (let row = 0; row < bytes.length; row += 16) {
    const line = make("span", {}, `${row.toString(16).padStart(6, "0")} `);
    let text = "";
    for (let i = row; i < row + 16; ++i) {
      const mark = cut.has(i) ? make("b", {}, "|") : " ";
      line.append(mark, i < bytes.length ? bytes[i].toString(16).padStart(2, "0") : "  ");
      if (i < bytes.length) text += bytes[i] >= 32 && bytes[i] < 127
        ? String.fromCharCode(bytes[i]) : ".";
    }
    line.append(`  ${text}\n`);
    lines.push(line);
  }
  if (size > bytes.length) {
    lines.push(`… ${size - bytes.length} bytes more: see the capture (wire.pcapng)\n`);
  }
  return make("pre", {}, lines);
}

function pduDetail(event) {
  return make("div", {class: "detail"},
    make("pre", {}, event.fields || ""),
    hexDump(bytesOf(event.begin), event.cut || [], Number(event.size || 0)));
}

function line(event, tag, style) {
  const pdu = event.kind === "PDU";
  const directed = pdu || event.kind === "RDMA";
  const sent = Boolean(event.to_target);
  const notes = (event.note || []).map((note) => make("span", {class: "note"}, note));
  const cuts = event.cut && event.cut.length > 0
    ? make("span", {class: "cut"}, `cut at ${event.cut.join(", ")}`) : null;
  const direction = !directed ? "" : sent ? " sent" : " came";
  return make(tag, {class: `event${direction}${style || ""}`,
                    type: tag === "button" ? "button" : null},
    make("span", {class: "time soft"}, (event.seconds || 0).toFixed(6)),
    make("span", {class: "soft"}, event.frame ? `#${event.frame}` : ""),
    make("span", {class: "connection soft"}, event.connection || ""),
    make("span", {class: "what"}, !directed ? "" : sent ? "→" : "←"),
    make("span", {}, make("span", {class: "what"}, event.summary || ""), notes, cuts));
}

function pduLine(event) {
  const row = line(event, "button");
  row.setAttribute("aria-expanded", "false");
  row.addEventListener("click", () => {
    const open = row.getAttribute("aria-expanded") === "true";
    row.setAttribute("aria-expanded", String(!open));
    row.classList.toggle("open", !open);
    if (open) row.nextElementSibling.remove();
    else row.after(pduDetail(event));
  });
  return row;
}

function wireLog(record, violations) {
  const log = make("div", {class: "wire"});
  for (const event of record.event || []) {
    if (event.kind === "STEP") {
      log.append(line({...event, summary: `step ${event.step}`}, "div", " step"));
      continue;
    }
    log.append(event.kind === "PDU" ? pduLine(event) : line(event, "div"));
    for (const told of violations) {
      if (event.frame && told.frame === event.frame) {
        log.append(make("div", {class: "broken"},
          `${told.level} ${told.section} ${told.rule}: ${told.message}`));
      }
    }
  }
  if (record.truncated) {
    log.append(make("div", {}, "(of the later PDUs only the headers were kept)"));
  }
  return log;
}
