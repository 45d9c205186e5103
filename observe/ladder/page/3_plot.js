// A Plot is a graph over time on a canvas. All plots share one stretch of time, app.span: wheel,
// drag, pinch and keys move it. What is up and down follows what is in view, until a box drawn
// with Shift held says otherwise.

class Plot {
  constructor(app, host, kind, label) {
    this.app = app;
    this.host = host.appendChild(el("div", { class: "plot " + kind }));
    this.canvas = this.host.appendChild(el("canvas", { tabindex: 0, role: "img", "aria-label": label }));
    this.pen = this.canvas.getContext("2d");
    this.fingers = new Map();
    this.measure();
    const on = (name, act, options) => this.canvas.addEventListener(name, act.bind(this), options);
    on("wheel", this.wheel, { passive: false });
    on("pointerdown", this.down);
    on("pointermove", this.move);
    on("pointerup", this.up);
    on("pointercancel", this.up);
    on("pointerleave", () => (app.ladder.tip.hidden = true));
    on("dblclick", () => app.whole());
    on("keydown", this.key);
    new ResizeObserver(() => this.later()).observe(this.host);
  }

  later() {
    this.pending ??= requestAnimationFrame(() => this.draw());
  }

  // measure finds the edges of the drawn area, in CSS pixels: the left one is that of all plots. On
  // paper a plot has a size of its own, as its place there is not known yet when it is drawn.
  measure() {
    [this.width, this.height] = this.app.onPaper ? [960, 320] : [this.host.clientWidth, this.host.clientHeight];
    this.area = { left: 62, top: 8, right: this.width - 12, bottom: this.height - 22 };
  }
  x(t) {
    return this.area.left + ((t - this.app.span[0]) / (this.app.span[1] - this.app.span[0])) * (this.area.right - this.area.left);
  }
  y(v) {
    return this.area.bottom - ((v - this.low) / (this.high - this.low)) * (this.area.bottom - this.area.top);
  }
  timeAt(x) {
    return this.app.span[0] + ((x - this.area.left) / (this.area.right - this.area.left)) * (this.app.span[1] - this.app.span[0]);
  }
  valueAt(y) {
    return this.low + ((this.area.bottom - y) / (this.area.bottom - this.area.top)) * (this.high - this.low);
  }

  // inView are the rows of the talk within the span, and one on either side.
  inView() {
    const t = this.app.talk, at = (i) => t.time[i], n = t.time.length;
    return [Math.max(0, first(n, at, this.app.span[0]) - 1), Math.min(n, first(n, at, this.app.span[1]) + 1)];
  }

  draw() {
    this.pending = undefined;
    this.measure();
    const w = this.width, h = this.height;
    if (!this.app.talk || w < 100 || h < 50) return;
    const dense = this.app.onPaper ? 3 : devicePixelRatio || 1, pen = this.pen;
    this.canvas.width = Math.round(w * dense);
    this.canvas.height = Math.round(h * dense);
    pen.setTransform(dense, 0, 0, dense, 0, 0);
    pen.clearRect(0, 0, w, h);
    this.ink = (name) => this.app.color(name);
    [this.low, this.high] = this.box ?? this.range(...this.inView());
    this.grid();
    pen.save();
    pen.beginPath();
    pen.rect(this.area.left, this.area.top, this.area.right - this.area.left, this.area.bottom - this.area.top);
    pen.clip();
    this.cursor();
    this.paint(...this.inView());
    pen.restore();
    if (this.frame) this.rubber();
  }

  grid() {
    const { left, top, right, bottom } = this.area, pen = this.pen;
    pen.font = "11px " + this.ink("--mono");
    pen.lineWidth = 1;
    pen.strokeStyle = this.ink("--grid");
    pen.fillStyle = this.ink("--faint");
    pen.textBaseline = "middle";
    pen.textAlign = "right";
    const values = ticks(this.low, this.high, Math.max(3, (bottom - top) / 40));
    for (const v of values) {
      this.line([[left, this.y(v)], [right, this.y(v)]]);
      pen.fillText(beside(v, values[1] - values[0], bytesUnits), left - 6, this.y(v));
    }
    pen.textAlign = "center";
    const [from, to] = this.app.span;
    const times = ticks(from, to, Math.max(2, (right - left) / 90));
    for (const t of times) {
      this.line([[this.x(t), top], [this.x(t), bottom]]);
      const name = beside(t, times[1] - times[0], timeUnits), half = pen.measureText(name).width / 2;
      pen.fillText(name, Math.min(right - half + 10, Math.max(left + half, this.x(t))), bottom + 12);
    }
    pen.strokeStyle = this.ink("--line");
    pen.strokeRect(left, top, right - left, bottom - top);
  }

  cursor() {
    const i = this.app.selected;
    if (i < 0) return;
    const x = this.x(this.app.talk.time[i]);
    this.pen.fillStyle = this.ink("--pick");
    this.pen.fillRect(x - 5, this.area.top, 10, this.area.bottom - this.area.top);
    this.pen.strokeStyle = this.ink("--accent");
    this.line([[x, this.area.top], [x, this.area.bottom]]);
  }

  rubber() {
    const { x0, y0, x1, y1 } = this.frame;
    this.pen.strokeStyle = this.ink("--accent");
    this.pen.strokeRect(Math.min(x0, x1), Math.min(y0, y1), Math.abs(x1 - x0), Math.abs(y1 - y0));
  }

  line(points) {
    this.pen.beginPath();
    for (const [x, y] of points) this.pen.lineTo(x, y);
    this.pen.stroke();
  }

  // lettering writes text that can be read on whatever lies beneath it.
  lettering(text, x, y, tone) {
    const pen = this.pen;
    pen.lineWidth = 3;
    pen.lineJoin = "round";
    pen.strokeStyle = this.ink("--paper");
    pen.strokeText(text, x, y);
    pen.fillStyle = this.ink(tone);
    pen.fillText(text, x, y);
    pen.lineWidth = 1;
  }

  // stairs draws a value that holds until the next one: points of [time, value].
  stairs(points, color, width) {
    const pen = this.pen;
    pen.strokeStyle = color;
    pen.lineWidth = width ?? 1.25;
    pen.beginPath();
    this.steps(points);
    pen.stroke();
    pen.lineWidth = 1;
  }

  // steps adds the stairs to the pen's path. Of steps within one pixel the highest, the lowest and
  // the last are enough.
  steps(points) {
    const pen = this.pen;
    let at, low, high, last;
    const close = () => {
      pen.lineTo(at, this.y(high));
      pen.lineTo(at, this.y(low));
      pen.lineTo(at, this.y(last));
    };
    for (const [t, v] of points) {
      const x = this.x(t);
      if (at !== undefined && x - at < 0.7) {
        [low, high, last] = [Math.min(low, v), Math.max(high, v), v];
        continue;
      }
      if (at !== undefined) {
        close();
        pen.lineTo(x, this.y(last));
      }
      [at, low, high, last] = [x, v, v, v];
    }
    if (at === undefined) return;
    close();
    pen.lineTo(Math.max(at, this.area.right), this.y(last));
  }

  place(e) {
    const box = this.canvas.getBoundingClientRect();
    return [e.clientX - box.left, e.clientY - box.top];
  }

  wheel(e) {
    e.preventDefault();
    const [x, y] = this.place(e), factor = Math.exp(Math.sign(e.deltaY || e.deltaX) * Math.min(0.5, Math.abs(e.deltaY || e.deltaX) / 400));
    if (!e.shiftKey) return this.app.zoom(factor, this.timeAt(x));
    const v = this.valueAt(y);
    this.box = [v - (v - this.low) * factor, v + (this.high - v) * factor];
    this.later();
  }

  down(e) {
    const [x, y] = this.place(e);
    this.canvas.setPointerCapture?.(e.pointerId);
    this.fingers.set(e.pointerId, { x, y, fromX: x, fromY: y });
    if (e.shiftKey) this.frame = { x0: x, y0: y, x1: x, y1: y };
    this.spread = this.gap();
  }

  gap() {
    const [a, b] = [...this.fingers.values()];
    return b && Math.max(20, Math.abs(a.x - b.x));
  }

  move(e) {
    const [x, y] = this.place(e), finger = this.fingers.get(e.pointerId);
    if (!finger) {
      const i = this.near(x, y);
      if (i >= 0) this.app.tell(i, e.clientX, e.clientY);
      else this.app.ladder.tip.hidden = true;
      return;
    }
    const moved = x - finger.x;
    Object.assign(finger, { x, y });
    if (this.frame) Object.assign(this.frame, { x1: x, y1: y }), this.later();
    else if (this.fingers.size === 2) {
      const now = this.gap(), [a, b] = [...this.fingers.values()];
      this.app.zoom(this.spread / now, this.timeAt((a.x + b.x) / 2));
      this.spread = now;
    } else if (Math.abs(x - finger.fromX) > 3) this.app.pan(this.timeAt(0) - this.timeAt(moved));
  }

  up(e) {
    const finger = this.fingers.get(e.pointerId), frame = this.frame;
    this.fingers.delete(e.pointerId);
    this.frame = undefined;
    if (!finger || e.type === "pointercancel") return;
    const still = Math.hypot(finger.x - finger.fromX, finger.y - finger.fromY) < 4;
    if (frame && !still) {
      const ends = [this.valueAt(frame.y0), this.valueAt(frame.y1)].sort((a, b) => a - b);
      if (ends[1] > ends[0]) this.box = ends;
      this.app.stretch(...[this.timeAt(frame.x0), this.timeAt(frame.x1)].sort((a, b) => a - b));
    } else if (still) {
      const i = this.near(finger.x, finger.y);
      if (i >= 0) this.app.select(i);
    }
    this.later();
  }

  key(e) {
    if (e.ctrlKey || e.metaKey || e.altKey) return;
    const [from, to] = this.app.span, middle = (from + to) / 2, i = this.app.selected, last = this.app.talk.time.length - 1;
    const act = {
      "+": () => this.app.zoom(0.7, middle), "=": () => this.app.zoom(0.7, middle), "-": () => this.app.zoom(1.4, middle), 0: () => this.app.whole(),
      ArrowLeft: () => this.app.pan((from - to) * 0.15), ArrowRight: () => this.app.pan((to - from) * 0.15),
      ArrowUp: () => this.app.select(Math.max(0, i - 1)), ArrowDown: () => this.app.select(Math.min(last, i + 1)), Enter: () => this.app.open(),
    }[e.key];
    if (!act) return;
    e.preventDefault();
    act();
  }
}

// ticks are at most about n round values within [low, high].
function ticks(low, high, n) {
  const rough = (high - low) / n, power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map((k) => k * power).find((s) => s >= rough);
  const list = [];
  for (let k = Math.ceil(low / step); k * step <= high && list.length < 50; k++) list.push(k * step);
  return list;
}

const bytesUnits = [[1e9, " G"], [1e6, " M"], [1e3, " k"], [1, ""]];
const timeUnits = [[1e9, " s"], [1e6, " ms"], [1e3, " µs"], [1, " ns"]];

// beside writes the value of a tick, as exactly as the step to the next one asks for.
function beside(v, step, units) {
  if (v === 0) return "0";
  const [unit, name] = units.find(([u]) => Math.abs(v) >= u) ?? units.at(-1);
  const places = Math.max(0, Math.ceil(Math.log10(unit / (step || unit)) - 1e-9));
  return (v / unit).toFixed(Math.min(9, places)) + name;
}
