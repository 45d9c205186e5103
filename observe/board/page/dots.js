// Dots on the figure of states: one for each end of a connection, which goes along the arrows as the
// connection changes. Where many are in a state they are counted instead.

import { still, svg } from "./dom.js";
import { arrows, boxes, ends, path, size, steps } from "./figure.js";

const crowded = 100; // more in one state are counted
const mostMoving = 120; // more at once are put where they belong
const stepTime = 750; // milliseconds for one arrow, fewer if others wait
const longestFrame = 60; // milliseconds that count of a frame: on a busy machine dots are slower, and do not jump

// kinds are how dots are laid out, by how many there are.
const kinds = [
  { most: 14, r: 4.6, pitch: 13, columns: 7 },
  { most: 42, r: 3, pitch: 7.3, columns: 14 },
  { most: crowded, r: 2.1, pitch: 5.1, columns: 20 },
];

export class Dots {
  constructor(diagram) {
    this.diagram = diagram;
    this.app = diagram.app;
    this.layer = svg("g", { class: "dots" });
    diagram.svg.append(this.layer);
    this.all = new Map(); // by id
    this.moving = new Set();
    this.inside = new Map(Object.keys(boxes).map((name) => [name, new Set()])); // dots by their box, also those on their way to it
    this.changed = new Set(this.inside.keys());
    this.measured = new Map(); // points along arrows
    document.addEventListener("visibilitychange", () => document.hidden && this.settle());
  }

  // clear takes all dots away.
  clear() {
    for (const dot of this.all.values()) dot.node?.remove();
    this.all.clear();
    this.moving.clear();
    for (const [name, set] of this.inside) set.clear(), this.changed.add(name);
  }

  // take brings a row's dot to where the row is, by way of changes, which are this row's since it was
  // last taken; quiet is without any movement.
  take(row, changes, quiet) {
    if (row.network !== "tcp" || row.state < 1 || row.state > 11) return;
    let dot = this.all.get(row.id);
    if (!dot) {
      const first = changes[0]?.from;
      dot = { id: row.id, legs: [], state: first || row.state };
      this.all.set(row.id, dot);
      this.place(dot, first === 11 ? "start" : first ? String(first) : row.state === 11 ? "end" : String(row.state));
    }
    dot.row = row;
    for (const c of changes) this.step(dot, c.from || dot.state, c.to, quiet);
    if (dot.state !== row.state) this.step(dot, dot.state, row.state, quiet);
    if (dot.node) this.dress(dot);
    if (dot.legs.length && !this.moving.has(dot)) this.start(dot);
  }

  // step adds what leads from one state to another: an arrow, or several that nobody saw.
  step(dot, from, to, quiet) {
    if (from === dot.state && from === to) return;
    dot.state = to;
    const [, goal] = ends(from, to);
    this.place(dot, goal);
    if (quiet || still() || document.hidden || this.moving.size >= mostMoving) {
      dot.legs = [];
      this.moving.delete(dot);
      return;
    }
    if (arrows[`${from}-${to}`]) dot.legs.push(`${from}-${to}`);
    else for (const [a, b] of steps(from, to)) dot.legs.push(`${a}-${b}`);
    if (!dot.legs.length) dot.legs.push("");
  }

  // place puts a dot into a box, where it will be when it arrives.
  place(dot, box) {
    if (dot.box === box) return;
    if (dot.box) this.inside.get(dot.box).delete(dot), this.changed.add(dot.box);
    dot.box = box;
    this.inside.get(box).add(dot);
    this.changed.add(box);
  }

  drop(id) {
    const dot = this.all.get(id);
    if (!dot) return;
    this.all.delete(id);
    this.moving.delete(dot);
    this.inside.get(dot.box).delete(dot);
    this.changed.add(dot.box);
    dot.node?.remove();
  }

  // start lets a dot begin its next leg.
  start(dot) {
    const leg = dot.legs.shift();
    const slot = this.slot(dot);
    const way = leg ? this.points(leg) : [];
    dot.from = [dot.x ?? way[0]?.[0] ?? slot[0], dot.y ?? way[0]?.[1] ?? slot[1]];
    dot.way = dot.legs.length ? [dot.from, ...way] : [dot.from, ...way, slot];
    dot.lengths = measure(dot.way);
    dot.done = 0;
    dot.lasts = stepTime / Math.min(4, 1 + dot.legs.length);
    this.draw(dot);
    this.moving.add(dot);
    this.wake();
  }

  wake() {
    if (!this.frame) this.last = performance.now();
    this.frame ??= requestAnimationFrame((now) => {
      this.frame = undefined;
      this.tick(Math.max(0, Math.min(longestFrame, now - this.last)));
      this.last = now;
    });
  }

  // tick moves all dots on by some milliseconds.
  tick(passed) {
    for (const dot of this.moving) {
      const part = (dot.done = Math.min(1, dot.done + passed / dot.lasts));
      [dot.x, dot.y] = along(dot, part * part * (3 - 2 * part));
      this.put(dot);
      if (part < 1) continue;
      if (dot.legs.length) this.start(dot);
      else {
        this.moving.delete(dot);
        this.changed.add(dot.box);
      }
    }
    this.layout();
    if (this.moving.size) this.wake();
  }

  // settle ends all movement at once.
  settle() {
    for (const dot of this.moving) dot.legs = [], this.changed.add(dot.box);
    this.moving.clear();
    this.layout();
  }

  // layout puts the dots of each box that has changed into their places, or counts them.
  layout() {
    for (const name of this.changed) {
      const set = this.inside.get(name), crowd = set.size > crowded;
      this.diagram.number(name, set.size, crowd);
      let i = 0;
      for (const dot of set) {
        const at = this.slotAt(name, i++, set.size);
        if (this.moving.has(dot)) continue;
        if (crowd) {
          this.undraw(dot);
          [dot.x, dot.y] = middle(name);
          continue;
        }
        [dot.x, dot.y] = at;
        this.draw(dot);
        this.put(dot);
      }
    }
    this.changed.clear();
  }

  slot(dot) {
    const set = this.inside.get(dot.box);
    return set.size > crowded ? middle(dot.box) : this.slotAt(dot.box, [...set].indexOf(dot), set.size);
  }

  // slotAt is where the i-th of n dots in a box stands.
  slotAt(name, i, n) {
    if (n > crowded) return middle(name);
    const { pitch, columns } = kindOf(n), { x, y } = boxes[name];
    const rows = Math.ceil(n / columns), wide = Math.ceil(n / rows);
    return [
      x + size.width / 2 + ((i % wide) - (wide - 1) / 2) * pitch,
      y + 34 + (Math.floor(i / wide) - (rows - 1) / 2) * pitch,
    ];
  }

  draw(dot) {
    if (dot.node) return;
    dot.node = svg("circle", { "data-id": dot.id, class: "dot" }, svg("title"));
    this.dress(dot);
    this.layer.append(dot.node);
  }

  undraw(dot) {
    dot.node?.remove();
    dot.node = undefined;
  }

  put(dot) {
    dot.node.setAttribute("cx", dot.x.toFixed(1));
    dot.node.setAttribute("cy", dot.y.toFixed(1));
    dot.node.setAttribute("r", this.moving.has(dot) ? 4.6 : kindOf(this.inside.get(dot.box).size).r);
  }

  // dress gives a dot its colour, and words for who points at it.
  dress(dot) {
    const { row } = dot;
    dot.node.setAttribute("class", `dot hue${hue(row)}${row.findings ? " bad" : ""}${row.gone ? " gone" : ""}${row.id === this.app.opened ? " opened" : ""}`);
    dot.node.firstChild.textContent = `${row.local}${row.remote ? " → " + row.remote : ""} ${row.process}${row.findings ? "\n! " + row.finding : ""}`;
  }

  // mark dresses the dots that were and are opened.
  mark(...ids) {
    for (const id of ids) {
      const dot = this.all.get(id);
      if (dot?.node && dot.row) this.dress(dot);
    }
  }

  // near is the dot at a place, or close to it.
  near(x, y) {
    let best, least = 9;
    for (const dot of this.all.values()) {
      if (!dot.node) continue;
      const away = Math.hypot(dot.x - x, dot.y - y);
      if (away < least) [best, least] = [dot.id, away];
    }
    return best;
  }

  // points are places along an arrow.
  points(pair) {
    let list = this.measured.get(pair);
    if (!list) {
      const line = svg("path", { d: path(arrows[pair].way) }), length = line.getTotalLength(), n = Math.ceil(length / 6);
      list = Array.from({ length: n + 1 }, (_, i) => line.getPointAtLength((length * i) / n)).map((p) => [p.x, p.y]);
      this.measured.set(pair, list);
    }
    return list;
  }
}

const kindOf = (n) => kinds.find((k) => n <= k.most) ?? kinds.at(-1);
const middle = (name) => [boxes[name].x + size.width / 2, boxes[name].y + 34];

// hue is the same for both ends of a connection; listeners have none.
function hue(row) {
  if (!row.remote) return 0;
  const text = [row.local, row.remote].sort().join();
  let h = 0;
  for (let i = 0; i < text.length; i++) h = (h * 31 + text.charCodeAt(i)) >>> 0;
  return 1 + (h % 6);
}

// measure returns how far each point is from the first.
function measure(points) {
  const list = [0];
  for (let i = 1; i < points.length; i++) list.push(list[i - 1] + Math.hypot(points[i][0] - points[i - 1][0], points[i][1] - points[i - 1][1]));
  return list;
}

function along({ way, lengths }, part) {
  const goal = lengths.at(-1) * part;
  let i = 1;
  while (i < lengths.length - 1 && lengths[i] < goal) i++;
  const span = lengths[i] - lengths[i - 1] || 1, t = Math.min(1, Math.max(0, (goal - lengths[i - 1]) / span));
  const [a, b] = [way[i - 1], way[i] ?? way[i - 1]];
  return [a[0] + (b[0] - a[0]) * t, a[1] + (b[1] - a[1]) * t];
}
