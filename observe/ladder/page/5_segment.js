// One segment: what it did and why it is labelled so, its layers as they nest on the wire, and
// its bytes. A field and its bytes light up together.

class Segment {
  constructor(app) {
    this.app = app;
    this.host = byId("segment");
    const light = (e) => this.light(e.target.closest?.("[data-from]"));
    this.host.addEventListener("pointerover", light);
    this.host.addEventListener("focusin", light);
    this.host.addEventListener("pointerleave", () => this.light(null));
    this.host.addEventListener("keydown", (e) => this.key(e));
    new ResizeObserver(() => this.per !== this.perLine() && this.shown >= 0 && this.show(this.shown)).observe(this.host);
  }

  // perLine is how many bytes stand in a line beside the fields, or beneath them where it is tight.
  perLine() {
    const width = this.host.clientWidth;
    this.tight = width < 540;
    return width >= 880 || (this.tight && width >= 500) ? 16 : 8;
  }

  show(i) {
    const t = this.app.talk;
    this.fields = [];
    this.shown = i;
    this.per = this.perLine();
    if (i < 0) return this.overview();
    const bytes = t.bytesOf(i), from = t.from[i];
    const way = el("span", {}, el("span", { class: from === 0 ? "first" : "second" }, t.ends[from]), " → ", el("span", { class: from === 0 ? "second" : "first" }, t.ends[1 - from]));
    this.host.replaceChildren(
      el("div", { class: "top" }, el("h2", {}, `Frame ${t.number[i]}`, " · ", way), press("×", () => this.app.select(-1), { "aria-label": "Back to what happened", title: "what happened (Esc)" })),
      el("p", { class: "figures" }, this.figures(i)),
      this.reasons(i),
      el("div", { class: this.tight ? "taken tight" : "taken" }, this.layers(i), this.hex(bytes, t.wire[i])),
    );
    this.host.scrollTop = 0;
  }

  // overview says what happened in the conversation, and where; and how the page is used.
  overview() {
    const kinds = new Map(), tones = ["loss", "order", "window"];
    for (const l of this.app.talk?.labels ?? []) {
      if (l.wide) continue;
      const kind = kinds.get(l.kind) ?? { ...l, rows: 0 };
      kinds.set(l.kind, { ...kind, rows: kind.rows + 1 });
    }
    const weight = (k) => (tones.includes(k.tone) ? tones.indexOf(k.tone) : 9);
    const list = [...kinds.values()].sort((a, b) => weight(a) - weight(b) || a.row - b.row);
    const item = (k) => el("li", {}, press("", () => this.app.select(k.row), { class: k.tone, title: `frame ${this.app.talk.number[k.row]}: ${k.why}` }, el("b", {}, count(k.rows)), " × " + k.kind));
    const keys = [["click", "a segment in the ladder or a graph: its layers and bytes"], ["↑ ↓  j k", "the segment before, the next"], ["n  N", "the next one with something to tell, the one before"],
      ["Enter  Esc", "its layers; back to this"], ["wheel  + −", "zoom the graphs in time; with Shift held, in height"], ["drag  ← →", "move along; with Shift held, draw a box to see it alone"], ["0", "all of it again, as a double click does"]];
    this.host.replaceChildren(el("h2", {}, "What happened"), list.length > 0 ? el("ul", { class: "happened" }, ...list.map(item)) : el("p", { class: "note" }, "Nothing that has a name."),
      el("div", { class: "ways" }, el("h3", { class: "part" }, "Ways around"), el("dl", { class: "keys" }, ...keys.flatMap(([key, what]) => [el("dt", {}, key), el("dd", {}, what)]))));
  }

  figures(i) {
    const t = this.app.talk, list = [`${clock(t.time[i])} s`, word(t.what[i])];
    if (t.fly[i] > 0) list.push(`in flight ${count(t.fly[i])}`);
    if (t.rtt[i] > 0) list.push(`RTT ${duration(t.rtt[i])}`);
    const [a, b] = t.statesAt(i);
    if (a || b) list.push(`${a || "?"} / ${b || "?"}`);
    return list.join(" · ");
  }

  reasons(i) {
    const way = (l, step, sign, name) => press(sign, () => this.app.seek(step, l.kind), { "aria-label": `${name}: ${l.kind}`, title: name });
    const more = (l) => (this.app.talk.labels.filter((m) => m.kind === l.kind).length > 1 ? [way(l, -1, "‹", "the one before"), way(l, 1, "›", "the next")] : []);
    const item = (l) => el("li", { class: l.tone }, el("b", {}, l.word, ...more(l)), el("span", {}, l.why));
    return el("ul", { class: "reasons" }, ...this.app.talk.labelsOf(i).map(item));
  }

  // layers puts each box into the one that it lies in.
  layers(i) {
    const root = el("div", { class: "layers" }), open = [root], values = this.app.talk.layers[i];
    if (!values) return root;
    let next = 1;
    for (const [name, depth, from, to, fields] of data.shapes[values[0]]) {
      const box = el("div", { class: "layer" }), list = el("dl");
      const summary = word(values[next++]);
      box.append(el("h3", { "data-from": from, "data-to": to }, word(name), el("span", {}, summary || plural(to - from, "byte"))));
      const add = (items, deep) => {
        for (const [title, start, end, bits, bad, inner] of items) {
          const value = word(values[next++]), note = word(values[next++]);
          const term = el("dt", {}, "\u00a0".repeat(2 * deep) + word(title));
          const said = el("dd", {}, value, note && value ? " " : "", note ? el("span", { class: bad ? "loss" : "note" }, note) : "");
          const row = el("div", { class: "field", "data-from": start, "data-to": end, tabindex: this.fields.length === 0 ? 0 : -1 }, term, said);
          if (bits) row.setAttribute("title", word(bits));
          this.fields.push(row);
          list.append(row);
          add(inner, deep + 1);
        }
      };
      add(fields, 0);
      if (fields.length > 0) box.append(list);
      open.length = Math.min(open.length, depth + 1);
      open.at(-1).append(box);
      open.push(box);
    }
    return root;
  }

  hex(bytes, wire) {
    if (wire === 0) return el("p", { class: "note" }, "Its bytes were not kept.");
    const host = el("div", { class: "hex", role: "group", "aria-label": "Bytes", tabindex: 0 }), per = this.per;
    this.cells = [[], []];
    for (let at = 0; at < bytes.length; at += per) {
      const line = bytes.subarray(at, at + per), hex = el("span"), text = el("span");
      line.forEach((b, k) => {
        const cell = (what) => el("span", { class: "byte", "data-from": at + k, "data-to": at + k + 1 }, what);
        this.cells[0].push(hex.appendChild(cell(b.toString(16).padStart(2, "0"))));
        hex.append(k === 7 && per === 16 ? "  " : " ");
        this.cells[1].push(text.appendChild(cell(b >= 32 && b < 127 ? String.fromCharCode(b) : "·")));
      });
      const missing = (per - line.length) * 3 + (per === 16 && line.length < 8 ? 1 : 0);
      host.append(el("i", {}, at.toString(16).padStart(4, "0") + "  "), hex, " ".repeat(missing) + " ", text, "\n");
    }
    if (bytes.length < wire) host.append(el("i", {}, bytes.length === 0 ? `${plural(wire, "byte")} on the wire, not kept here` : `the first ${count(bytes.length)} of ${plural(wire, "byte")}`));
    return host;
  }

  // light marks a field and its bytes, or a byte and the innermost field that it is in.
  light(node) {
    for (const old of this.lit ?? []) old.classList.remove("on");
    this.lit = [];
    if (!node || !this.cells) return;
    let target = node;
    if (node.classList.contains("byte")) {
      const at = +node.dataset.from;
      target = this.fields.filter((f) => +f.dataset.from <= at && at < +f.dataset.to).at(-1) ?? node;
    }
    if (target !== node && !node.classList.contains("byte")) return;
    this.lit.push(target);
    for (let b = +target.dataset.from; b < +target.dataset.to && b < this.cells[0].length; b++) this.lit.push(this.cells[0][b], this.cells[1][b]);
    for (const n of this.lit) n.classList.add("on");
    if (target !== node) target.scrollIntoView({ block: "nearest" });
  }

  key(e) {
    const at = this.fields?.indexOf(document.activeElement) ?? -1;
    const to = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: this.fields.length - 1 }[e.key];
    if (at < 0 || to === undefined || !this.fields[to]) return;
    e.preventDefault();
    this.fields[at].tabIndex = -1;
    this.fields[to].tabIndex = 0;
    this.fields[to].focus();
  }
}
