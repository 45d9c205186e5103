// The figure of the eleven states: boxes, arrows with their words and counts. dots.js moves on it.

import { byId, count, el, svg, write } from "./dom.js";
import { arrows, boxes, path, room, size } from "./figure.js";
import { Dots } from "./dots.js";

const line = 10.5; // between two lines of words

// short writes a count in at most four letters.
function short(n) {
  for (const [unit, size] of [["G", 1e9], ["M", 1e6], ["k", 1e3]]) if (n >= size) return (n / size < 10 ? Math.floor(n / size * 10) / 10 : Math.floor(n / size)) + unit;
  return String(n);
}

export class Diagram {
  constructor(app) {
    this.app = app;
    this.host = byId("diagram");
    this.counts = new Map(); // how often, by pair
    this.arrows = new Map(); // what is drawn of each pair
    this.svg = svg("svg", { viewBox: `0 0 ${room.width} ${room.height}`, role: "group", "aria-label": "States of TCP, and the ways between them: Tab goes through, Enter explains" });
    this.svg.append(svg("defs", {}, this.head("tip"), this.head("tip-hot")));
    this.ways = svg("g", { class: "ways" });
    this.states = svg("g", { class: "states" });
    this.svg.append(this.ways, this.states);
    this.host.append(this.svg, el("p", { class: "hint" }, "Both ends of a connection have one colour. Click a dot, a state or an arrow."));
    for (const [pair, a] of Object.entries(arrows)) this.arrow(pair, a);
    for (const [name, box] of Object.entries(boxes)) this.box(name, box);
    this.dots = new Dots(this);
    this.svg.addEventListener("click", (e) => this.click(e));
    this.svg.addEventListener("keydown", (e) => {
      const node = e.target.closest("[data-pair], [data-state]");
      if (!node || (e.key !== "Enter" && e.key !== " ")) return;
      e.preventDefault();
      this.pick(node);
    });
  }

  head(id) {
    return svg("marker", { id, viewBox: "0 0 8 8", refX: 7, refY: 4, markerWidth: 9, markerHeight: 9, markerUnits: "userSpaceOnUse", orient: "auto" }, svg("path", { d: "M0 0.6L8 4L0 7.4Z" }));
  }

  arrow(pair, a) {
    const [from, to] = pair.split("-").map(Number), d = path(a.way), told = this.app.arrows.get(pair), names = this.app.states;
    const node = svg("g", { class: "way" + (a.words ? "" : " aside"), "data-pair": pair, tabindex: 0, role: "button", hidden: a.words ? undefined : "" });
    const drawn = svg("path", { class: "line", d });
    node.append(svg("path", { class: "wide", d }), drawn);
    const label = `${names[from]} to ${names[to]}: ${told?.cause ?? "the end before its time"}`;
    node.append(svg("title", {}, label));
    const counted = svg("tspan", { class: "count" });
    if (a.words) node.append(this.words(a, told, counted));
    this.ways.append(node);
    this.arrows.set(pair, { node, drawn, counted, label, middle: a.words });
    node.setAttribute("aria-label", label);
  }

  // words stand beside an arrow: what causes it, what is sent, how often it happened.
  words(a, told, counted) {
    const [x, y, anchor] = a.words;
    const cause = told.kind === "segment" ? "rcv " + told.cause.replace(" arrives", "") : told.cause;
    const lines = a.text ?? [cause, told.sends ? "snd " + told.sends : ""].filter(Boolean);
    const text = svg("text", { "text-anchor": anchor, class: "words" });
    lines.forEach((words, i) => text.append(svg("tspan", { x, y: y + i * line, class: told.kind }, words)));
    if (a.count) [["x", a.count[0]], ["y", a.count[1]]].forEach((at) => counted.setAttribute(...at));
    text.append(counted);
    return text;
  }

  box(name, { state, x, y }) {
    const { app } = this, label = app.states[state];
    const node = svg("g", { class: "state " + app.tone(state), "data-state": state, "data-box": name, tabindex: 0, role: "button", transform: `translate(${x} ${y})` });
    node.append(
      svg("rect", { width: size.width, height: size.height, rx: 7 }),
      svg("text", { class: "name", x: 7, y: 13.5 }, label),
      svg("text", { class: "number", x: size.width - 6, y: 13.5, "text-anchor": "end" }),
      svg("text", { class: "crowd", x: size.width / 2, y: 41, "text-anchor": "middle" }),
    );
    this.states.append(node);
  }

  // number shows how many ends are in a box: beside its name, or in place of the dots.
  number(name, n, crowd) {
    const node = this.states.querySelector(`[data-box="${name}"]`);
    write(node.querySelector(".number"), crowd || n === 0 ? "" : count(n));
    write(node.querySelector(".crowd"), crowd ? count(n) : "");
    node.setAttribute("aria-label", `${this.app.states[node.dataset.state]}: ${count(n)} here`);
  }

  // tally takes how often arrows were gone.
  tally(list, quiet) {
    for (const [from, to, n] of list) {
      const pair = `${from}-${to}`, a = this.arrows.get(pair), before = this.counts.get(pair);
      this.counts.set(pair, n);
      if (!a) continue;
      a.node.removeAttribute("hidden");
      write(a.counted, " ×" + short(n));
      a.node.setAttribute("aria-label", `${a.label}; happened ${count(n)} times`);
      if (!quiet && n > (before ?? 0)) this.flash(a.node);
    }
  }

  // flash lets an arrow stand out for a moment.
  flash(node) {
    node.classList.add("hot");
    clearTimeout(node.cooling);
    node.cooling = setTimeout(() => node.classList.remove("hot"), 900);
  }

  // mark shows which arrow or state is explained.
  mark(selector) {
    for (const node of this.svg.querySelectorAll("[aria-pressed=true]")) node.removeAttribute("aria-pressed");
    if (selector) for (const node of this.svg.querySelectorAll(selector)) node.setAttribute("aria-pressed", "true");
  }

  click(e) {
    const at = new DOMPoint(e.clientX, e.clientY).matrixTransform(this.svg.getScreenCTM().inverse());
    const id = this.dots.near(at.x, at.y);
    if (id !== undefined) return this.app.open(id);
    const node = e.target.closest("[data-pair], [data-state]");
    if (node) this.pick(node);
  }

  pick(node) {
    if (node.dataset.pair) this.app.explain(...node.dataset.pair.split("-").map(Number));
    else this.app.describe(Number(node.dataset.state));
  }
}
