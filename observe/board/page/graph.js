// The window of one connection over time: what may be under way, what is, and the round-trip time.

import { clock, el, micros, size, svg, write } from "./dom.js";

// series are drawn in this order; a sample is [ms, cwnd, ssthresh, in flight, peer's window, RTT in µs].
const series = [
  { at: 4, name: "peer's window", about: "what the other end has room for", tone: "window", dash: "2 3" },
  { at: 2, name: "ssthresh", about: "where slow start ends", tone: "order", dash: "7 4" },
  { at: 1, name: "cwnd", about: "what the network is thought to bear", tone: "end0" },
  { at: 3, name: "in flight", about: "sent and not acknowledged", tone: "end1", fill: true },
];
const roundTrips = [{ at: 5, name: "srtt", about: "round-trip time, smoothed", tone: "accent" }];

const most = 4096; // samples that are kept

export class Graph {
  constructor() {
    this.samples = [];
    this.bytes = new Plot(series, size, 5);
    this.rtt = new Plot(roundTrips, micros, 2);
    this.legend = el("p", { class: "key" });
    this.words = new Map();
    for (const s of [...series.toReversed(), ...roundTrips]) {
      const value = el("b", {}, "–");
      this.words.set(s, value);
      const sign = svg("svg", { width: 26, height: 8, viewBox: "0 0 26 8", "aria-hidden": "true" }, svg("path", { d: "M0 4H26", class: "curve " + s.tone, "stroke-dasharray": s.dash }));
      this.legend.append(el("span", { title: s.about }, sign, " " + s.name + " ", value), " ");
    }
    this.when = el("span", { class: "when" });
    this.legend.append(this.when);
    this.node = el("div", { class: "graph", tabindex: 0, role: "img", "aria-label": "Window over time; left and right go through the samples" }, this.legend, this.bytes.node, this.rtt.node);
    this.node.addEventListener("pointermove", (e) => this.point(e.clientX));
    this.node.addEventListener("pointerleave", () => this.look(undefined));
    this.node.addEventListener("keydown", (e) => this.key(e));
    new ResizeObserver(() => this.paint()).observe(this.node);
  }

  add(samples) {
    this.samples.push(...samples);
    while (this.samples.length > most) this.samples = this.samples.filter((_, i) => i % 2 || i > most / 2);
    this.paint();
  }

  paint() {
    if (!this.node.clientWidth) return;
    const t = this.samples, from = t[0]?.[0] ?? 0, to = Math.max(t.at(-1)?.[0] ?? 1, from + 1000);
    for (const plot of [this.bytes, this.rtt]) plot.paint(t, from, to, this.node.clientWidth);
    this.look(this.at);
  }

  // look shows the values of one sample, or the latest.
  look(at) {
    this.at = at;
    const sample = this.samples[at ?? this.samples.length - 1];
    for (const [s, value] of this.words) write(value, sample && sample[s.at] !== null ? (s.at === 5 ? micros(sample[5]) : size(sample[s.at])) : "none");
    write(this.when, sample && at !== undefined ? clock(sample[0] * 1000) : "");
    for (const plot of [this.bytes, this.rtt]) plot.cross(at === undefined ? undefined : sample);
  }

  point(x) {
    if (!this.samples.length) return;
    const time = this.bytes.time(x - this.bytes.node.getBoundingClientRect().left);
    let best = 0;
    this.samples.forEach((s, i) => Math.abs(s[0] - time) < Math.abs(this.samples[best][0] - time) && (best = i));
    this.look(best);
  }

  key(e) {
    const way = { ArrowLeft: -1, ArrowRight: 1 }[e.key];
    if (!way || !this.samples.length) return;
    e.preventDefault();
    this.look(Math.max(0, Math.min(this.samples.length - 1, (this.at ?? this.samples.length) + way)));
  }
}

// Plot is one pair of axes.
class Plot {
  constructor(list, unit, lines) {
    Object.assign(this, { list, unit, lines, height: 26 + 22 * lines, left: 62 });
    this.node = svg("svg", { class: "plot", height: this.height });
    this.axes = svg("g", { class: "axes" });
    this.curves = new Map(list.map((s) => [s, svg("path", { class: "curve " + s.tone + (s.fill ? " fill" : ""), "stroke-dasharray": s.dash })]));
    this.hair = svg("path", { class: "hair" });
    this.node.append(this.axes, ...this.curves.values(), this.hair);
  }

  paint(samples, from, to, width) {
    Object.assign(this, { from, to, width });
    this.node.setAttribute("viewBox", `0 0 ${width} ${this.height}`);
    this.node.setAttribute("width", width);
    this.top = nice(this.highest(samples));
    this.scale();
    for (const [s, node] of this.curves) node.setAttribute("d", this.curve(samples, s));
  }

  // highest is what the axis must reach. What is far above all else would make that a flat line: it
  // leaves at the top.
  highest(samples) {
    const tops = this.list.map((s) => samples.reduce((top, sample) => Math.max(top, sample[s.at] ?? 0), 0)).sort((a, b) => a - b);
    let top = tops[0];
    for (const t of tops) if (t <= 6 * top || top === 0 || t === tops[0]) top = t;
    return Math.max(top, 1);
  }

  x = (t) => this.left + ((t - this.from) / (this.to - this.from)) * (this.width - this.left - 8);
  y = (v) => this.height - 18 - Math.min(1.06, v / this.top) * (this.height - 26);
  time = (x) => this.from + ((x - this.left) / (this.width - this.left - 8)) * (this.to - this.from);

  scale() {
    const marks = [];
    for (let i = 0; i <= this.lines - (this.lines % 2); i += this.lines > 2 ? 2 : 1) {
      const v = (this.top * i) / (this.lines - (this.lines % 2)), y = this.y(v);
      marks.push(svg("path", { class: "grid", d: `M${this.left} ${y}H${this.width - 8}` }), svg("text", { x: this.left - 6, y: y + 4, "text-anchor": "end" }, this.unit(v)));
    }
    const seconds = (this.to - this.from) / 1000, step = nice(seconds / 6);
    for (let s = 0; s <= seconds; s += step) {
      const x = this.x(this.from + s * 1000);
      marks.push(svg("text", { x, y: this.height - 4, "text-anchor": x > this.width - 24 ? "end" : "middle" }, +s.toFixed(2) + " s"));
    }
    this.axes.replaceChildren(...marks);
  }

  // curve is a stair: a value stands until the next sample. Of samples in one pixel the extremes count.
  curve(samples, s) {
    const path = [];
    let open = false, last, y, low, high;
    for (const sample of samples) {
      const value = sample[s.at];
      if (value === null) {
        open = false;
        continue;
      }
      const x = Math.round(this.x(sample[0]) * 2) / 2, next = this.y(value);
      if (!open) path.push(`M${x} ${next.toFixed(1)}`), ([open, low, high] = [true, next, next]);
      else if (x === last) {
        if (next >= low && next <= high) continue;
        [low, high] = [Math.min(low, next), Math.max(high, next)];
        path.push(`V${next.toFixed(1)}`);
      } else path.push(`H${x}`, next === y ? "" : `V${next.toFixed(1)}`), ([low, high] = [next, next]);
      [last, y] = [x, next];
    }
    if (s.fill && path.length) path.push(`V${this.y(0)}`, `H${this.x(samples[0][0])}Z`);
    return path.join("");
  }

  cross(sample) {
    this.hair.setAttribute("d", sample ? `M${this.x(sample[0])} 4V${this.height - 18}` : "");
  }
}

// nice is the next number that is easy to read: 1, 2 or 5 and zeros.
function nice(n) {
  const power = 10 ** Math.floor(Math.log10(n));
  return power * ([1, 2, 5].find((f) => f * power >= n * 0.9999) ?? 10);
}
