// What the page carries, and what the other files build it with.

// An element; `parts` are texts and elements, null ones are left out.
function make(name, attributes, ...parts) {
  const element = document.createElement(name);
  for (const [key, value] of Object.entries(attributes || {})) {
    if (key === "onclick") element.addEventListener("click", value);
    else if (value !== null && value !== undefined) element.setAttribute(key, value);
  }
  element.append(...parts.flat(Infinity).filter((part) => part !== null && part !== undefined));
  return element;
}

const byId = (id) => document.getElementById(id);

const KINDS = {
  PASS: "pass", WARN: "warn", AMBIGUOUS: "warn", XPASS: "fail", FAIL: "fail", TIMEOUT: "fail",
  ERROR: "fail",
};

const MEANINGS = {
  PASS: "As the requirement asks.",
  FAIL: "A MUST is broken, or an answer was wrong.",
  TIMEOUT: "No answer, and the target gave no sign of life.",
  WARN: "A SHOULD was missed. It fails the run under --strict.",
  AMBIGUOUS: "The text can be read in two ways; the target took one of them.",
  XFAIL: "It fails, as the profile says that it does.",
  XPASS: "The profile says that it fails, and it does not any more.",
  SKIP: "Not played: something that it needs was not given.",
  UNSUPPORTED: "Not played: the target does not offer what it is about.",
  NOT_PLAYED: "The run ended before.",
  ERROR: "Our own trouble: nothing is said about the target.",
};

function badge(verdict) {
  return make("span", {class: `badge ${KINDS[verdict] || "other"}`, title: MEANINGS[verdict]},
    verdict);
}

function bytesOf(base64) {
  const text = atob(base64 || "");
  return Uint8Array.from(text, (c) => c.charCodeAt(0));
}

async function unpack() {
  const zipped = bytesOf(byId("data").textContent);
  const stream = new Blob([zipped]).stream().pipeThrough(new DecompressionStream("gzip"));
  return new Response(stream).json();
}

// Verdicts of a run with how many have them, in the legend's order.
function counts(run) {
  const found = new Map(Object.keys(MEANINGS).map((verdict) => [verdict, 0]));
  for (const played of run.played || []) {
    found.set(played.verdict, (found.get(played.verdict) || 0) + 1);
  }
  return [...found].filter(([, count]) => count > 0);
}

function bar(list) {
  return make("div", {class: "bar"}, list.map(([verdict, count]) => make("i", {
    class: KINDS[verdict] || "other", style: `flex-grow: ${count}`, title: `${count} ${verdict}`,
  })));
}

function plural(count, word) {
  return `${count} ${word}${count === 1 ? "" : "s"}`;
}
