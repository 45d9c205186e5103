// The few tools that every part of the page draws with. Whatever comes from sockets (names of
// processes, paths) reaches the page as text nodes and attributes only, never as markup.

export const byId = (id) => document.getElementById(id);

// fill sets attributes and adds children; a string becomes a text node.
function fill(node, attributes, children) {
  for (const [name, value] of Object.entries(attributes ?? {})) {
    if (value !== undefined && value !== false) node.setAttribute(name, value);
  }
  node.append(...children.filter((c) => c !== undefined && c !== null && c !== ""));
  return node;
}
export const el = (name, attributes, ...children) => fill(document.createElement(name), attributes, children);
export const svg = (name, attributes, ...children) => fill(document.createElementNS("http://www.w3.org/2000/svg", name), attributes, children);

// press is a button.
export function press(text, act, attributes) {
  const b = el("button", { type: "button", ...attributes }, text);
  b.addEventListener("click", act);
  return b;
}

// write changes an element's text if it differs.
export function write(node, text) {
  if (node.textContent !== text) node.textContent = text;
}

export const count = (n) => n.toLocaleString("en-US");
export const plural = (n, one) => `${count(n)} ${one}${n === 1 ? "" : "s"}`;

// trim writes a number with three figures, and no zero that says nothing.
const trim = (n) => String(+n.toPrecision(n >= 100 ? Math.ceil(Math.log10(n + 1)) : 3));

// micros writes microseconds with the unit that suits them.
export function micros(n) {
  if (n >= 1e6) return trim(n / 1e6) + " s";
  if (n >= 1e3) return trim(n / 1e3) + " ms";
  return trim(n) + " µs";
}

// span writes how long something lasts, in milliseconds, so that it changes once a second.
export function span(ms) {
  const s = Math.max(0, Math.floor(ms / 1000));
  if (s < 60) return s + " s";
  if (s < 3600) return Math.floor(s / 60) + " min " + String(s % 60).padStart(2, "0");
  if (s < 48 * 3600) return Math.floor(s / 3600) + " h " + String(Math.floor((s % 3600) / 60)).padStart(2, "0");
  return Math.floor(s / 86400) + " d";
}

// size writes a number of bytes.
export function size(n) {
  if (n >= 1e9) return trim(n / 1e9) + " GB";
  if (n >= 1e6) return trim(n / 1e6) + " MB";
  if (n >= 1e4) return trim(n / 1e3) + " kB";
  return count(n) + " B";
}

// clock is a time of day, from microseconds since 1970, with so many digits behind the second.
export function clock(us, digits = 3) {
  const d = new Date(us / 1000), two = (n) => String(n).padStart(2, "0");
  const fraction = digits ? "." + String(Math.floor(us) % 1e6).padStart(6, "0").slice(0, digits) : "";
  return `${two(d.getHours())}:${two(d.getMinutes())}:${two(d.getSeconds())}${fraction}`;
}

export const still = () => matchMedia("(prefers-reduced-motion: reduce)").matches;
