// The page's data, and the few tools that every part of it draws with. Whatever came from
// the wire reaches the page as text nodes and attributes only, never as markup.

// data is what page_data.go wrote. A talk's rows are columns (number, time, from, …), one entry a
// row; words are told once and named by their index.
const data = JSON.parse(document.getElementById("data").textContent);
const word = (i) => data.words[i];
const byId = (id) => document.getElementById(id);

// fill sets attributes and adds children; a string becomes a text node.
function fill(node, attributes, children) {
  for (const [name, value] of Object.entries(attributes ?? {})) {
    if (value !== undefined && value !== false) node.setAttribute(name, value);
  }
  node.append(...(children ?? []).filter((c) => c !== undefined && c !== null));
  return node;
}
const el = (name, attributes, ...children) => fill(document.createElement(name), attributes, children);
const svg = (name, attributes, ...children) =>
  fill(document.createElementNS("http://www.w3.org/2000/svg", name), attributes, children);

// press is a button.
function press(text, act, attributes, ...children) {
  const b = el("button", { type: "button", ...attributes }, text, ...children);
  b.addEventListener("click", act);
  return b;
}

// cut shortens text to what fits into width pixels at advance pixels a character.
function cut(text, width, advance) {
  const room = Math.floor(width / advance);
  if (text.length <= room) return text;
  return room < 2 ? "" : text.slice(0, room - 1) + "…";
}

const count = (n) => n.toLocaleString("en-US");
const plural = (n, one) => `${count(n)} ${one}${n === 1 ? "" : "s"}`;

// trim writes a number with at most three figures behind the point, and none that says nothing.
const trim = (n) => String(+n.toPrecision(4));

// duration writes nanoseconds with the unit that suits them.
function duration(ns) {
  const size = Math.abs(ns);
  if (size === 0) return "0";
  if (size >= 1e9) return trim(ns / 1e9) + " s";
  if (size >= 1e6) return trim(ns / 1e6) + " ms";
  if (size >= 1e3) return trim(ns / 1e3) + " µs";
  return trim(ns) + " ns";
}

// clock writes a time since the conversation began, in seconds to the microsecond, or with fewer digits.
const clock = (ns, digits = 6) => (Math.floor(ns / 10 ** (9 - digits)) / 10 ** digits).toFixed(digits);

// size writes a number of bytes.
function size(n) {
  if (n >= 1e9) return trim(n / 1e9) + " GB";
  if (n >= 1e6) return trim(n / 1e6) + " MB";
  if (n >= 1e4) return trim(n / 1e3) + " kB";
  return count(n) + " B";
}

// first returns the smallest i in [0, n) for which at(i) >= value, or n.
function first(n, at, value) {
  let low = 0, high = n;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (at(middle) < value) low = middle + 1;
    else high = middle;
  }
  return low;
}
