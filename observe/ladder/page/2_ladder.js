// The ladder: what can be seen of it is drawn, and drawn anew when that changes, so that
// thousands of segments cost what a screenful costs. Where everything lies from top to bottom
// was decided by layout.go; here it is only set out from left to right.

class Ladder {
  constructor(app) {
    this.app = app;
    this.heads = byId("ladder").querySelector(".ends");
    this.scroll = byId("ladder").querySelector(".scroll");
    this.space = this.scroll.appendChild(el("div"));
    this.paper = this.scroll.appendChild(svg("svg", { role: "presentation" }));
    this.tip = document.body.appendChild(el("div", { id: "tip", role: "tooltip", hidden: "" }));
    this.scroll.addEventListener("scroll", () => this.later());
    this.scroll.addEventListener("keydown", (e) => this.key(e));
    this.scroll.addEventListener("pointerdown", (e) => (this.pressed = [e.clientX, e.clientY]));
    this.scroll.addEventListener("pointerup", (e) => this.release(e));
    this.paper.addEventListener("pointermove", (e) => this.hover(e));
    this.paper.addEventListener("pointerleave", () => (this.tip.hidden = true));
    new ResizeObserver(() => this.draw()).observe(this.scroll);
  }

  show(talk) {
    this.talk = talk;
    this.space.style.height = talk.height + "px";
    this.scroll.scrollTop = 0;
    this.draw();
  }

  // columns decides what lies where from left to right, by the room there is.
  columns() {
    const width = this.scroll.clientWidth;
    const wide = width >= 600;
    const time = wide ? 86 : 62, gutter = wide ? 92 : 15;
    const labels = wide && width >= 900 ? Math.min(260, width * 0.27) : 0;
    const right = width - labels - gutter - 8;
    const digits = wide ? 6 : Math.max(1, 7 - clock(this.talk.time.at(-1), 0).length);
    return { width, wide, time, digits, gutter, labels, left: time + 8 + gutter, right };
  }

  later() {
    this.pending ??= requestAnimationFrame(() => this.draw());
  }

  // draw shows the rows in view. On paper it is all of them, unless they are more than anyone would
  // print, on a sheet for every few, so that a page ends between two.
  draw() {
    this.pending = undefined;
    const talk = this.talk;
    if (!talk || this.scroll.clientWidth === 0) return;
    this.advance ??= this.measure();
    const c = this.columns(), sheets = [this.paper];
    if (this.app.onPaper && talk.height < 200000) {
      sheets.pop();
      for (let i = 0, top = 0; i < talk.y.length; i += 4) {
        const bottom = i + 4 < talk.y.length ? talk.leave[i + 4] - 18 : talk.height;
        sheets.push(this.paint(svg("svg", { role: "presentation" }), c, top, bottom));
        top = bottom;
      }
    } else this.paint(this.paper, c, Math.max(0, this.scroll.scrollTop - 200), Math.min(talk.height, this.scroll.scrollTop + this.scroll.clientHeight + 200));
    if (sheets[0] !== this.scroll.children[1]) this.scroll.replaceChildren(this.space, ...sheets);
    this.ends(c);
    this.mark();
  }

  // paint draws the rows between top and bottom, of which a row at the edge may show a part.
  paint(paper, c, top, bottom) {
    const talk = this.talk;
    fill(paper, { width: c.width, height: bottom - top, viewBox: `0 ${top} ${c.width} ${bottom - top}` });
    paper.style.top = top + "px";
    const n = talk.y.length, low = Math.max(0, first(n, (i) => talk.y[i], top) - 2);
    const high = Math.min(n, first(n, (i) => talk.y[i], bottom) + 2);
    const rows = [];
    for (let i = low; i < high; i++) rows.push(this.row(c, i));
    paper.replaceChildren(...rows, ...this.rules(c, top, bottom), ...this.states(c, 0, top, bottom), ...this.states(c, 1, top, bottom));
    return paper;
  }

  measure() {
    const probe = this.paper.appendChild(svg("text", {}, "0".repeat(40)));
    const length = probe.getComputedTextLength();
    probe.remove();
    return length / 40 || 7.3;
  }

  ends(c) {
    const room = (c.right - c.left) / 2 - 8;
    const name = (e, x, anchor) =>
      svg("text", { x, y: 20, class: "end" + e, "text-anchor": anchor }, cut(this.talk.ends[e], room, this.advance), svg("title", {}, this.talk.ends[e]));
    this.heads.replaceChildren(svg("svg", { width: c.width, height: 30, role: "presentation" }, name(0, c.left, "start"), name(1, c.right, "end")));
  }

  row(c, i) {
    const t = this.talk, from = t.from[i];
    const x0 = from === 0 ? c.left : c.right, x1 = from === 0 ? c.right : c.left, toward = Math.sign(x1 - x0);
    const lost = t.lostRows.has(i);
    const end = lost ? x0 + (x1 - x0) * 0.72 : x1, yEnd = lost ? t.leave[i] + (t.arrive[i] - t.leave[i]) * 0.72 : t.arrive[i];
    const words = word(t.what[i]);
    const said = t.labelsOf(i).map((l) => l.word).join(", ");
    const aria = `frame ${t.number[i]}, ${clock(t.time[i])} s, from ${t.ends[from]}: ${words}${said ? ": " + said : ""}`;
    return svg("g", { class: word(t.class[i]), role: "option", id: "row" + i, "data-row": i, "aria-label": aria, "aria-selected": String(i === this.app.selected) },
      svg("rect", { class: "back", x: 0, y: t.y[i] - t.pitch / 2, width: c.width, height: t.pitch }),
      svg("text", { class: "time", x: c.time, y: t.y[i] + 4 }, clock(t.time[i], c.digits)),
      svg("line", { class: "arrow", x1: x0, y1: t.leave[i], x2: end - toward * 6, y2: yEnd }),
      lost ? svg("path", { class: "cross", d: `M${end - 5} ${yEnd - 5}l10 10m0-10l-10 10` }) : svg("path", { class: "head", d: arrowHead(x0, t.leave[i], end, yEnd) }),
      svg("text", { class: "what", x: x0 + toward * 9, y: t.leave[i] - 5, "text-anchor": from === 0 ? "start" : "end", transform: turned(x0, t.leave[i], x1, t.arrive[i]) }, this.fit(words, this.above(c, i))),
      ...this.labels(c, i));
  }

  // labels stand in a column of their own, or beneath the arrow where there is no room for one;
  // beneath it is otherwise what the segment says.
  labels(c, i) {
    const t = this.talk, list = t.labelsOf(i).filter((l) => l.beside), text = word(t.text[i]);
    const beneath = (kind, words) => {
      const [x, dx, anchor] = t.from[i] === 0 ? [c.left, 9, "start"] : [c.right, -9, "end"];
      const transform = turned(x, t.leave[i], c.left + c.right - x, t.arrive[i]);
      return svg("text", { class: kind, x: x + dx, y: t.leave[i] + 14, "text-anchor": anchor, transform }, words);
    };
    const room = this.beneath(c, i);
    if (c.labels === 0 && list.length > 0) return [beneath("label " + list[0].tone, some(list.map((l) => l.word), room, 6.7))];
    const said = text ? [beneath("said", cut(text, room, 6.7))] : [];
    const x = c.right + c.gutter + 12, side = c.width - x - 4, shown = list.slice(0, 2);
    return said.concat(shown.map((l, k) => {
      const more = k === 1 && list.length > 2 ? ` +${list.length - 2} more` : "";
      const y = t.y[i] + 4 + (shown.length === 2 ? k * 14 - 7 : 0);
      return svg("text", { class: "label " + l.tone, x, y }, cut(l.word, side - more.length * 6.6, 6.6) + more);
    }));
  }

  // above is how much room the words on row i's arrow have: half of it where another arrow crosses.
  above(c, i) {
    const t = this.talk, cross = (k) => t.from[k] === 1 - t.from[i] && Math.min(t.arrive[k], t.arrive[i]) > Math.max(t.leave[k], t.leave[i]);
    return (cross(i - 1) || cross(i + 1) ? (c.right - c.left) / 2 : c.right - c.left) - 24;
  }

  // beneath is how much room there is below row i's arrow, where the words on the next one may come
  // the other way: as far as they do not reach, or as far as the two lines are still apart.
  beneath(c, i) {
    const t = this.talk, all = c.right - c.left - 24, k = i + 1;
    if (k === t.y.length || t.from[k] === t.from[i]) return all;
    const next = this.fit(word(t.what[k]), this.above(c, k)).length * this.advance;
    const apart = t.leave[k] - t.leave[i] - 31 + t.arrive[k] - t.leave[k], both = t.arrive[k] - t.leave[k] + t.arrive[i] - t.leave[i];
    const meet = both > 0 ? ((apart * (c.right - c.left)) / both) : apart > 0 ? Infinity : 0;
    return Math.min(all, Math.max(90, all - next, meet - 9));
  }

  // fit leaves out what matters least of an arrow's words.
  fit(words, room) {
    for (const least of [/ win \d+$/, / len \d+$/]) if (words.length * this.advance > room) words = words.replace(least, "");
    return cut(words, room, this.advance);
  }

  rules(c, top, bottom) {
    const list = [svg("line", { class: "life", x1: c.left, x2: c.left, y1: top, y2: bottom }), svg("line", { class: "life", x1: c.right, x2: c.right, y1: top, y2: bottom })];
    for (const [y, text] of this.talk.rules) {
      if (y < top || y > bottom) continue;
      const middle = (c.left + c.right) / 2, name = cut(word(text), c.right - c.left - 40, 6.8), half = (name.length * 6.8) / 2 + 8;
      list.push(svg("line", { class: "rule", x1: c.left + 8, x2: middle - half, y1: y, y2: y }), svg("line", { class: "rule", x1: middle + half, x2: c.right - 8, y1: y, y2: y }),
        svg("text", { class: "phase", x: middle, y: y + 4, "text-anchor": "middle" }, name));
    }
    return list;
  }

  // states draws the bars of one end. A name stays in view as long as its bar does.
  states(c, e, top, bottom) {
    const list = [], x = e === 0 ? c.left - c.gutter - 4 : c.right + 4, width = c.gutter;
    const edge = this.app.onPaper ? 0 : this.scroll.scrollTop;
    for (const [y0, y1, name, kind] of this.talk.states[e]) {
      if (y1 < top || y0 > bottom) continue;
      const text = word(name), from = Math.max(y0, edge), room = y1 - from;
      list.push(svg("rect", { class: "state " + word(kind), x, y: y0, width, height: y1 - y0, "data-end": e }, svg("title", {}, `${this.talk.ends[e]}: ${text}`)));
      if (c.wide && room >= 12) list.push(svg("text", { class: "name " + word(kind), x: x + width / 2, y: from + Math.min(13, room / 2 + 4), "text-anchor": "middle" }, text));
      else if (!c.wide && room >= text.length * 6.3 + 4) list.push(svg("text", { class: "name " + word(kind), transform: `translate(${x + width / 2 - 3.5} ${from + 4}) rotate(90)` }, text));
    }
    return list;
  }

  mark() {
    for (const row of this.scroll.querySelectorAll(".row")) row.setAttribute("aria-selected", String(+row.dataset.row === this.app.selected));
    const active = this.app.selected;
    if (active >= 0 && byId("row" + active)) this.scroll.setAttribute("aria-activedescendant", "row" + active);
    else this.scroll.removeAttribute("aria-activedescendant");
  }

  // select brings a row into view.
  select(i) {
    const y = this.talk.y[i], view = this.scroll;
    if (y - 40 < view.scrollTop) view.scrollTop = y - 60;
    else if (y + 40 > view.scrollTop + view.clientHeight) view.scrollTop = y + 60 - view.clientHeight;
    this.draw();
  }

  // release chooses the row where the pointer was pressed and let go: by its place, as the row's
  // elements may have been drawn anew in between.
  release(e) {
    const [x, y] = this.pressed ?? [NaN, NaN], box = this.space.getBoundingClientRect();
    this.pressed = undefined;
    if (e.button !== 0 || !(Math.hypot(e.clientX - x, e.clientY - y) < 5) || x > box.right) return;
    const t = this.talk, at = e.clientY - box.top, i = first(t.y.length, (i) => t.y[i] + t.pitch / 2, at);
    if (i < t.y.length && at >= t.y[i] - t.pitch / 2) this.app.select(i);
  }

  key(e) {
    const page = Math.max(1, Math.floor(this.scroll.clientHeight / this.talk.pitch) - 1), last = this.talk.y.length - 1, now = this.app.selected;
    const step = { ArrowDown: now + 1, ArrowUp: now - 1, j: now + 1, k: now - 1, PageDown: now + page, PageUp: now - page, Home: 0, End: last }[e.key];
    if (e.key === "Enter") this.app.open();
    else if (step === undefined || e.ctrlKey || e.metaKey || e.altKey) return;
    else this.app.select(Math.min(last, Math.max(0, step)));
    e.preventDefault();
  }

  hover(e) {
    const row = e.target.closest?.(".row");
    if (!row || e.pointerType === "touch") this.tip.hidden = true;
    else this.app.tell(+row.dataset.row, e.clientX, e.clientY);
  }
}

// some are as many of words as there is room for, and how many more there are.
function some(words, room, advance) {
  for (let n = words.length; n > 1; n--) {
    const text = words.slice(0, n).join(", ") + (n < words.length ? ` +${words.length - n}` : "");
    if (text.length * advance <= room) return text;
  }
  const more = words.length > 1 ? ` +${words.length - 1}` : "";
  return cut(words[0], room - more.length * advance, advance) + more;
}

// turned is the transform that turns text along the way from (x0, y0) to (x1, y1).
function turned(x0, y0, x1, y1) {
  const slope = (y1 - y0) / (x1 - x0);
  return Math.abs(slope) < 0.001 ? undefined : `rotate(${((Math.atan(slope) * 180) / Math.PI).toFixed(2)} ${x0} ${y0})`;
}

// arrowHead is a filled tip at (x1, y1) along the way from (x0, y0).
function arrowHead(x0, y0, x1, y1) {
  const length = Math.hypot(x1 - x0, y1 - y0) || 1, ux = (x1 - x0) / length, uy = (y1 - y0) / length;
  const p = (back, side) => `${(x1 - ux * back - uy * side).toFixed(1)} ${(y1 - uy * back + ux * side).toFixed(1)}`;
  return `M${p(0, 0)}L${p(9, 4)}L${p(9, -4)}Z`;
}
