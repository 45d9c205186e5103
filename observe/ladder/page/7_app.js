// The page as a whole: which conversation is shown, which segment is chosen, which stretch of time.

// Talk gives a conversation's columns the few readings that all views share.
class Talk {
  constructor(raw) {
    Object.assign(this, raw);
    this.ends = raw.ends.map(word);
    this.lostRows = new Set(raw.lost);
    this.labels = raw.labels.map(([row, name, tone, mark, why, beside]) => ({ row, word: word(name), kind: word(name).replace(/^frame \d+: /, ""), tone: word(tone), mark: word(mark), why: word(why), beside: beside === 1, wide: beside === 2 }));
    this.tones = this.time.map(() => "ink"); // what the graph's bars show of the labels
    for (const l of this.labels) if (l.tone === "loss" || l.tone === "order") this.tones[l.row] = l.tone;
    this.labelFrom = [];
    for (let k = this.labels.length - 1, i = this.time.length; i >= 0; i--) {
      while (k >= 0 && this.labels[k].row >= i) k--;
      this.labelFrom[i] = k + 1;
    }
  }

  labelsOf(i) {
    return this.labels.slice(this.labelFrom[i], this.labelFrom[i + 1] ?? this.labels.length);
  }

  bytesOf(i) {
    return Uint8Array.from(atob(this.frames[i]), (c) => c.charCodeAt(0));
  }

  // statesAt names the states of both ends once row i has arrived.
  statesAt(i) {
    const y = Math.max(this.leave[i], this.arrive[i]) + 0.01;
    return this.states.map((bars) => bars.filter(([y0]) => y0 <= y).at(-1)).map((bar) => (bar ? word(bar[2]) : ""));
  }
}

class App {
  constructor() {
    this.selected = -1;
    this.span = [0, 1];
    this.ladder = new Ladder(this);
    this.bar = byId("graphs").appendChild(el("div", { class: "bar" }));
    this.plots = [new Sequence(this, byId("graphs")), new Windows(this, byId("graphs"))];
    this.legend = byId("graphs").appendChild(el("p", { class: "key" }));
    this.segment = new Segment(this);
    new Divider("across", "--left", true);
    new Divider("down", "--up", false);
    for (const b of document.querySelectorAll("nav button")) b.addEventListener("click", () => this.view(b.dataset.show));
    byId("facts").addEventListener("click", (e) => e.currentTarget.classList.toggle("all"));
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => this.theme());
    addEventListener("beforeprint", () => this.print(true));
    addEventListener("afterprint", () => this.print(false));
    addEventListener("hashchange", () => this.follow());
    addEventListener("keydown", (e) => this.key(e));
    this.table();
    this.follow();
  }

  // follow shows what the address names: #talk=3&frame=17.
  follow() {
    this.address = location.hash;
    const named = new URLSearchParams(location.hash.slice(1));
    const drawn = data.talks.filter((t) => t.time);
    const raw = drawn.find((t) => String(t.id) === named.get("talk")) ?? drawn[0];
    if (!raw) return this.notice(word(data.notice));
    if (raw.id !== this.talk?.id) this.show(raw);
    const i = this.talk.number.indexOf(+named.get("frame"));
    if (i >= 0 && i !== this.selected) this.select(i);
  }

  notice(text) {
    byId("notice").textContent = text;
    byId("notice").hidden = !text;
  }

  // remember keeps in the address what is shown, unless another one is there to be followed.
  remember() {
    clearTimeout(this.soon); // a browser takes only so many a second
    this.soon = setTimeout(() => {
      if (location.hash !== this.address) return;
      const frame = this.selected < 0 ? "" : `&frame=${this.talk.number[this.selected]}`;
      history.replaceState(null, "", `#talk=${this.talk.id}${frame}`);
      this.address = location.hash;
    }, 150);
  }

  show(raw) {
    const t = (this.talk = new Talk(raw));
    this.selected = -1;
    byId("title").replaceChildren(el("span", { class: "first" }, t.ends[0]), " → ", el("span", { class: "second" }, t.ends[1]));
    document.title = `${t.ends[0]} → ${t.ends[1]} · dialtone trace`;
    byId("facts").replaceChildren(...t.facts.flatMap(([name, value]) => [el("span", {}, word(name) + " ", el("b", {}, word(value))), " "]));
    this.notice([data.notice, t.notice].map(word).filter(Boolean).join(" "));
    byId("graphs").hidden = !t.tcp;
    document.body.classList.toggle("other", !t.tcp);
    for (const row of document.querySelectorAll("#talks tbody tr")) fill(row).toggleAttribute("aria-current", +row.dataset.talk === t.id);
    this.ladder.show(t);
    this.segment.show(-1);
    this.turn(t.sent[1] > t.sent[0] ? 1 : 0);
    this.whole();
    this.remember();
  }

  // turn shows the graphs of the bytes that end d sends.
  turn(d) {
    this.direction = d;
    this.flight = inFlight(this.talk, d);
    const way = (e) => press(`${e === 0 ? "→" : "←"} ${size(this.talk.sent[e])}`, () => this.turn(e), { "aria-pressed": String(e === d), class: e === 0 ? "first" : "second", title: `Bytes of ${this.talk.ends[e]}`, "aria-label": `Show the bytes of ${this.talk.ends[e]}` });
    const middle = () => (this.span[0] + this.span[1]) / 2;
    this.bar.replaceChildren(el("h2", {}, "Time and sequence"), way(0), way(1), el("span", { class: "gap" }),
      press("+", () => this.zoom(0.5, middle()), { "aria-label": "Zoom in", id: "zoom-in" }), press("−", () => this.zoom(2, middle()), { "aria-label": "Zoom out" }), press("all", () => this.whole(), { "aria-label": "Show all" }));
    for (const p of this.plots) p.box = undefined;
    this.explain();
    this.redraw();
  }

  // explain tells what the graphs' marks are: of letters, those that the bytes of this end have.
  explain() {
    const marks = new Set(this.talk.labels.filter((l) => l.mark && this.plots[0].marks(l)).map((l) => l.mark));
    if (this.talk.sack.some(([i]) => this.talk.from[i] !== this.direction)) marks.add("S");
    const mark = (letter, tone, text) => [el("span", {}, el("b", { class: tone }, letter), " " + text), " "];
    const known = [["S", "sack", "SACK"], ["R", "loss", "sent again"], ["O", "order", "out of order"], ["D", "order", "duplicate"], ["Z", "window", "zero window"],
      ["P", "window", "zero-window probe"], ["F", "window", "window full"], ["K", "note", "keep-alive"], ["C", "loss", "checksum bad"], ["-", "good", "duplicate ACK"]];
    this.legend.replaceChildren(...mark("│", "", "segment"), ...mark("▁▔", "good", "acknowledged"), ...mark("▁▔", "window", "window's edge"),
      ...known.filter(([letter]) => marks.has(letter)).flatMap(([letter, tone, text]) => mark(letter === "-" ? "⊥" : letter, tone, text)));
  }

  select(i) {
    this.selected = i;
    this.segment.show(i);
    this.remember();
    if (i < 0) return this.ladder.mark(), this.redraw();
    this.ladder.select(i);
    const t = this.talk.time[i], [from, to] = this.span;
    if (t < from || t > to) this.pan(t - (from + to) / 2);
    this.redraw();
  }

  // seek chooses the next row, or the last one before, that has a label of this word, or any that is
  // more than a note.
  seek(way, wanted) {
    const t = this.talk, fits = (l) => (wanted ? l.kind === wanted : l.tone !== "note" && l.tone !== "close");
    for (let i = this.selected + way; i >= 0 && i < t.time.length; i += way) if (t.labelsOf(i).some(fits)) return this.select(i);
  }

  // key takes the keys that work everywhere.
  key(e) {
    if (!this.talk || e.ctrlKey || e.metaKey || e.altKey || (e.key !== "Escape" && e.target.closest?.("input, summary"))) return;
    if (e.key === "n") this.seek(1);
    else if (e.key === "N") this.seek(-1);
    else if (e.key !== "Escape") return;
    else if (byId("talks").open) byId("talks").open = false;
    else this.select(-1);
    e.preventDefault();
  }

  open() {
    this.view("segment");
    this.segment.host.focus();
  }

  view(name) {
    document.body.dataset.view = name;
    for (const b of document.querySelectorAll("nav button")) b.setAttribute("aria-pressed", String(b.dataset.show === name));
    if (this.talk) this.ladder.draw(), this.redraw(), name === "segment" && this.segment.show(this.selected);
  }

  // whole shows all of the time, zoom and pan less or other: never less than 100 ns, never far
  // beyond the conversation.
  whole() {
    const last = this.talk.time.at(-1) || 1;
    for (const p of this.plots) p.box = undefined;
    this.stretch(-last * 0.03, last * 1.03);
  }
  zoom(factor, around) {
    const [from, to] = this.span;
    this.stretch(around - (around - from) * factor, around + (to - around) * factor);
  }
  pan(by) {
    this.stretch(this.span[0] + by, this.span[1] + by);
  }
  stretch(from, to) {
    const last = this.talk.time.at(-1) || 1, most = last * 1.2 + 1000, width = Math.min(most, Math.max(100, to - from));
    const start = Math.min(last, Math.max(-width, (from + to - width) / 2));
    this.span = [start, start + width];
    this.redraw();
  }

  redraw() {
    for (const p of this.plots) p.later();
  }

  theme() {
    this.colors = undefined;
    this.redraw();
  }
  color(name) {
    this.colors ??= new Map();
    if (!this.colors.has(name)) this.colors.set(name, getComputedStyle(document.documentElement).getPropertyValue(name).trim() || "#888");
    return this.colors.get(name);
  }

  // tell shows beside the pointer what a segment is and why.
  tell(i, x, y) {
    const tip = this.ladder.tip, t = this.talk;
    const lines = t.labelsOf(i).map((l) => el("p", {}, el("b", { class: l.tone }, l.word), " ", l.why));
    tip.replaceChildren(el("p", { class: "head" }, `${t.number[i]}  ${clock(t.time[i])}  ${word(t.what[i])}`), ...lines);
    tip.hidden = false;
    const room = tip.getBoundingClientRect();
    tip.style.left = Math.max(4, Math.min(x + 14, innerWidth - room.width - 4)) + "px";
    tip.style.top = (y + 18 + room.height > innerHeight ? y - room.height - 10 : y + 18) + "px";
  }

  // table lists the conversations; a heading sorts by its column.
  table() {
    const host = byId("talks"), [heads, ...rows] = [data.heads, ...data.talks];
    host.hidden = rows.length < 2;
    byId("talks-summary").textContent = plural(rows.length, "conversation");
    const body = host.querySelector("tbody");
    const line = (talk) => {
      const row = el("tr", { "data-talk": talk.id, "aria-disabled": talk.time ? undefined : "true" });
      talk.cells.forEach(([text, figure], k) => {
        const cell = el("td", { class: figure === null ? undefined : "figure" }, word(text));
        if (k === 0 && talk.time) cell.replaceChildren(el("button", { type: "button", "aria-label": "Show conversation " + word(text) }, word(text)));
        row.append(cell);
      });
      if (talk.time) row.addEventListener("click", () => ((host.open = false), this.show(talk)));
      return row;
    };
    body.append(...rows.map(line));
    byId("wanted").addEventListener("input", (e) => {
      const words = e.target.value.toLowerCase().split(/\s+/);
      for (const row of body.rows) row.hidden = !words.every((w) => row.textContent.toLowerCase().includes(w));
    });
    const sorted = (k) => () => {
      const key = (talk) => talk.cells[k][1] ?? word(talk.cells[k][0]), way = (this.sortedBy === k ? -1 : 1);
      this.sortedBy = way === 1 ? k : undefined;
      const order = [...rows].sort((a, b) => (key(a) < key(b) ? -way : key(a) > key(b) ? way : 0));
      body.append(...order.map((talk) => body.querySelector(`[data-talk="${talk.id}"]`)));
      host.querySelector(".scroll").scrollTop = 0;
    };
    const head = (name, k) => {
      const b = el("button", { type: "button" }, word(name));
      b.addEventListener("click", sorted(k));
      return el("th", { scope: "col", class: rows[0]?.cells[k][1] === null ? undefined : "figure" }, b);
    };
    host.querySelector("thead").append(el("tr", {}, ...heads.map(head)));
  }

  // print puts everything on paper, in light colours.
  print(on) {
    this.onPaper = on;
    if (on) document.documentElement.dataset.theme = "light";
    else delete document.documentElement.dataset.theme;
    this.theme();
    this.ladder.draw();
    for (const p of this.plots) p.draw();
  }
}

new App();
