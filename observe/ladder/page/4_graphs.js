// The two graphs of one direction: the bytes of end d, and what the other end says of them.

// Sequence is the time-sequence graph, with the marks that tcptrace made known: segments as bars
// from their first byte to behind their last, the acknowledgements as a stair below them, the
// window that the receiver offers as a stair above.
class Sequence extends Plot {
  constructor(app, host) {
    super(app, host, "high", "Time-sequence graph. Plus and minus zoom, left and right move, up and down choose a segment, 0 shows all.");
  }

  taken = new Map(); // where letters stand, by cells

  // bar is the piece of sequence space that row i stands for: of its own bytes, or the byte that
  // it acknowledges. undefined for what has none (ICMP).
  bar(i) {
    const t = this.app.talk, d = this.app.direction;
    if (t.seq[i] === null) return undefined;
    if (t.from[i] === d) return [t.seq[i], t.seq[i] + t.take[i]];
    return t.ack[i] === null ? undefined : [t.ack[i], t.ack[i]];
  }

  range(low, high) {
    let bottom = Infinity, top = -Infinity, window = -Infinity;
    for (let i = low; i < high; i++) {
      const bar = this.bar(i), t = this.app.talk;
      if (!bar) continue;
      bottom = Math.min(bottom, bar[0]);
      top = Math.max(top, bar[1]);
      if (t.from[i] !== this.app.direction && t.win[i] >= 0) window = Math.max(window, t.ack[i] + t.win[i]);
    }
    if (top === -Infinity) return [0, 1];
    if (window - bottom < 2.2 * (top - bottom)) top = Math.max(top, window);
    const point = Math.max(1, top - bottom) / Math.max(40, this.area.bottom - this.area.top - 32); // of a pixel, with room for letters
    return [bottom - 16 * point, top + 16 * point];
  }

  paint(low, high) {
    const t = this.app.talk, d = this.app.direction, acks = [], windows = [];
    for (let i = this.before(low); i < high; i++) {
      if (t.from[i] === d || t.ack[i] === null) continue;
      acks.push([t.time[i], Math.max(t.ack[i], acks.at(-1)?.[1] ?? 0)]);
      if (t.win[i] >= 0) windows.push([t.time[i], t.ack[i] + t.win[i]]);
    }
    this.stairs(windows, this.ink("--window"));
    this.stairs(acks, this.ink("--ack"));
    this.sacks(low, high);
    this.segments(low, high);
    this.letters(low, high);
    this.chosen();
  }

  // before steps back to the last row of the other end, so that its stairs come in from the left.
  before(low) {
    const t = this.app.talk, d = this.app.direction;
    let i = low;
    while (i > 0 && (t.from[i] === d || t.ack[i] === null)) i--;
    return i;
  }

  // segments draws the bars, each tone in one stroke. Bars of one pixel column that touch are one.
  segments(low, high) {
    const t = this.app.talk, d = this.app.direction, paths = {}, open = {};
    const close = (tone) => this.mark(paths[tone], ...open[tone]);
    for (let i = low; i < high; i++) {
      const bar = t.from[i] === d && this.bar(i);
      if (!bar) continue;
      const tone = t.tones[i], x = this.x(t.time[i]), y0 = this.y(bar[0]), y1 = this.y(bar[1]), last = open[tone];
      if (last && x - last[0] < 0.7 && y1 <= last[1] + 1 && y0 >= last[2] - 1) {
        [last[1], last[2]] = [Math.max(last[1], y0), Math.min(last[2], y1)];
        continue;
      }
      paths[tone] ??= new Path2D();
      if (last) close(tone);
      open[tone] = [x, y0, y1];
    }
    for (const tone of ["ink", "order", "loss"]) {
      if (!open[tone]) continue;
      close(tone);
      this.pen.strokeStyle = this.ink("--" + tone);
      this.pen.lineWidth = tone === "ink" ? 1 : 2;
      this.pen.stroke(paths[tone]);
    }
    this.pen.lineWidth = 1;
  }

  // mark adds one bar to a path: with arrows at its ends where there is room for them.
  mark(path, x, y0, y1) {
    if (y0 - y1 < 0.01) {
      path.moveTo(x - 2, y0);
      path.lineTo(x + 2, y0);
      return;
    }
    path.moveTo(x, y0);
    path.lineTo(x, Math.min(y1, y0 - 1.5));
    if (y0 - y1 < 5) return;
    for (const [y, way] of [[y1, 3.5], [y0, -3.5]]) {
      path.moveTo(x - 3, y + way);
      path.lineTo(x, y);
      path.lineTo(x + 3, y + way);
    }
  }

  sacks(low, high) {
    const t = this.app.talk, pen = this.pen;
    this.sacked = [];
    pen.strokeStyle = this.ink("--sack");
    pen.lineWidth = 1.5;
    for (let k = first(t.sack.length, (k) => t.sack[k][0], low); k < t.sack.length && t.sack[k][0] < high; k++) {
      const [i, left, right] = t.sack[k];
      if (t.from[i] === this.app.direction) continue;
      const x = this.x(t.time[i]);
      this.line([[x, this.y(left)], [x, this.y(right)]]);
      this.sacked.push(["S", x, this.y(right) - 6, "sack"]);
    }
    pen.lineWidth = 1;
  }

  // letters stand above the bars, or below the stairs for what the other end does. Where one would
  // cover another it is left out, what matters least first: there is zoom.
  letters(low, high) {
    const t = this.app.talk, waiting = [];
    for (let k = t.labelFrom[low] ?? 0; k < t.labels.length && t.labels[k].row < high; k++) {
      const l = t.labels[k], bar = l.mark && this.bar(l.row), own = t.from[l.row] === this.app.direction;
      if (!bar || !this.marks(l)) continue;
      const x = this.x(t.time[l.row]);
      if (l.mark === "-") this.tick(x, this.y(bar[0]));
      else if (l.tone === "loss" || l.tone === "window") this.letter(l.mark, x, own ? this.y(bar[1]) - 7 : this.y(bar[0]) + 9, l.tone);
      else waiting.push([l.mark, x, this.y(bar[1]) - 7, l.tone === "note" ? "faint" : l.tone]);
    }
    for (const letter of waiting) this.letter(...letter);
    for (const letter of this.sacked) this.letter(...letter);
    this.taken.clear();
  }

  // marks tells whether a label is one of this direction: what the end that sends did, and what the
  // other says of its room.
  marks(l) {
    return (this.app.talk.from[l.row] === this.app.direction) !== ["-", "Z", "RST"].includes(l.mark) || l.mark === "RST";
  }

  // tick is a duplicate acknowledgement.
  tick(x, y) {
    this.pen.strokeStyle = this.ink("--ack");
    this.line([[x, y], [x, y + 5]]);
    this.line([[x - 2.5, y + 5], [x + 2.5, y + 5]]);
  }

  letter(text, x, y, tone) {
    const cell = (a, b) => `${Math.floor(x / 10) + a} ${Math.floor(y / 11) + b}`, near = [-1, 0, 1];
    const covers = ([atX, atY]) => Math.abs(atX - x) < 9 + 3 * text.length && Math.abs(atY - y) < 11;
    if (near.some((a) => near.some((b) => (this.taken.get(cell(a, b)) ?? []).some(covers)))) return;
    this.taken.set(cell(0, 0), [...(this.taken.get(cell(0, 0)) ?? []), [x, y]]);
    const pen = this.pen;
    pen.font = "700 10px " + this.ink("--mono");
    pen.textAlign = "center";
    pen.textBaseline = "middle";
    this.lettering(text, x, Math.max(y, this.area.top + 6), "--" + tone);
  }

  chosen() {
    const i = this.app.selected, bar = i >= 0 && this.bar(i);
    if (!bar) return;
    const x = this.x(this.app.talk.time[i]), y = this.y(bar[1]);
    this.pen.strokeStyle = this.ink("--accent");
    this.pen.lineWidth = 2;
    this.pen.strokeRect(x - 5, y - 5, 10, Math.max(10, this.y(bar[0]) - y + 10));
    this.pen.lineWidth = 1;
  }

  near(x, y) {
    return nearest(this, x, 14, (i) => {
      const bar = this.bar(i);
      if (!bar) return Infinity;
      const y0 = this.y(bar[0]), y1 = this.y(bar[1]);
      return Math.hypot(this.x(this.app.talk.time[i]) - x, y > y0 ? y - y0 : y < y1 ? y1 - y : 0);
    });
  }
}

// Windows shows the bytes in flight beside the window that the receiver offers.
class Windows extends Plot {
  constructor(app, host) {
    super(app, host, "low", "Bytes in flight and the receiver's window. Plus and minus zoom, left and right move, up and down choose a segment, 0 shows all.");
  }

  range(low, high) {
    const t = this.app.talk, f = this.app.flight;
    let top = 1, window = 0;
    for (let i = low; i < high; i++) {
      top = Math.max(top, f[i]);
      if (t.from[i] !== this.app.direction) window = Math.max(window, t.win[i]);
    }
    const most = Math.max(top, window < 12 * top ? window : 0), height = this.area.bottom - this.area.top;
    return [0, (most * height) / Math.max(20, height - 22)]; // with room for the title
  }

  paint(low, high) {
    const t = this.app.talk, flight = [], windows = [];
    for (let i = low; i < high; i++) flight.push([t.time[i], this.app.flight[i]]);
    for (let i = low; i >= 0 && windows.length === 0; i--) if (t.from[i] !== this.app.direction && t.win[i] >= 0) windows.push([t.time[i], t.win[i]]);
    for (let i = low; i < high; i++) if (t.from[i] !== this.app.direction && t.win[i] >= 0) windows.push([t.time[i], t.win[i]]);
    this.under(flight);
    this.stairs(windows, this.ink("--window"));
    this.stairs(flight, this.ink("--end0"), 1.5);
    this.lettered = -100;
    for (let k = t.labelFrom[low] ?? 0; k < t.labels.length && t.labels[k].row < high; k++) this.event(t.labels[k]);
    this.title(windows);
    const i = this.app.selected;
    if (i < 0) return;
    this.pen.fillStyle = this.ink("--accent");
    this.pen.beginPath();
    this.pen.arc(this.x(t.time[i]), this.y(this.app.flight[i]), 4, 0, 7);
    this.pen.fill();
  }

  // title names the two lines, and says what the window is where it lies far above.
  title(windows) {
    const least = Math.min(...windows.map(([, v]) => v).slice(-2000)), beyond = windows.length > 0 && least > this.high;
    const pen = this.pen, words = [["bytes in flight", "--end0"], [beyond ? `window: ${size(least)} and more` : "window", "--window"]];
    pen.font = "600 11px " + this.ink("--mono");
    pen.textAlign = "left";
    pen.textBaseline = "middle";
    let x = this.area.left + 8;
    for (const [text, tone] of words.slice(0, windows.length > 0 ? 2 : 1)) {
      this.lettering(text, x, this.area.top + 10, tone);
      x += pen.measureText(text).width + 16;
    }
  }

  under(points) {
    if (points.length === 0) return;
    const pen = this.pen, bottom = this.y(0);
    pen.fillStyle = this.ink("--end0");
    pen.globalAlpha = 0.13;
    pen.beginPath();
    pen.moveTo(this.x(points[0][0]), bottom);
    this.steps(points);
    pen.lineTo(this.area.right, bottom);
    pen.fill();
    pen.globalAlpha = 1;
  }

  // event marks, at the foot of the graph, what windows and losses do to the flow.
  event(l) {
    const pen = this.pen, x = this.x(this.app.talk.time[l.row]);
    if (!l.mark || l.mark === "-" || (l.tone !== "window" && l.tone !== "loss") || Math.abs(x - this.lettered) < 9) return;
    this.lettered = x;
    pen.font = "700 10px " + this.ink("--mono");
    pen.textAlign = "center";
    pen.fillStyle = this.ink("--" + l.tone);
    pen.fillText(l.mark, x, this.area.bottom - 7);
  }

  near(x) {
    return nearest(this, x, 10, (i) => Math.abs(this.x(this.app.talk.time[i]) - x));
  }
}

// nearest returns the row within reach pixels that is closest by far(i), or -1.
function nearest(plot, x, reach, far) {
  const t = plot.app.talk, n = t.time.length;
  let best = -1, least = reach;
  for (let i = first(n, (i) => t.time[i], plot.timeAt(x - reach)); i < n && t.time[i] <= plot.timeAt(x + reach); i++) {
    const distance = far(i);
    if (distance < least) [best, least] = [i, distance];
  }
  return best;
}

// inFlight tells for each row how many bytes of end d were sent and not acknowledged.
function inFlight(t, d) {
  let sent = 0, known = false, acknowledged = 0;
  return t.time.map((_, i) => {
    if (t.seq[i] === null) return Math.max(0, sent - acknowledged);
    if (t.from[i] === d) {
      if (!known) acknowledged = Math.max(acknowledged, t.seq[i]);
      known = true;
      sent = Math.max(sent, t.seq[i] + t.take[i]);
    } else if (t.ack[i] > acknowledged) acknowledged = t.ack[i];
    return known ? Math.max(0, sent - acknowledged) : 0;
  });
}
