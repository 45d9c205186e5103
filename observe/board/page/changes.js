// The list of changes, the latest first.

import { byId, clock, count, el, write } from "./dom.js";
import { List } from "./list.js";

const most = 1000;

export class Changes {
  constructor(app) {
    this.app = app;
    this.items = [];
    const host = byId("changes");
    this.left = el("p", { class: "left", role: "status", hidden: "" });
    host.append(el("h2", {}, "Changes"), this.left);
    this.list = new List(host, "Changes: up and down choose one, Enter explains it", {
      name: "number",
      height: () => (matchMedia("(max-width: 899px)").matches ? 44 : 22),
      make: () => el("div", { class: "change" }, el("span", { class: "time" }), el("span", { class: "ends" }), el("span", { class: "from" }), el("span", { class: "to" }), el("span", { class: "by" })),
      draw: (node, c) => this.draw(node, c),
      open: (c) => app.explain(c.from, c.to, c),
    });
  }

  // add takes changes, oldest first.
  add(changes) {
    if (!changes.length) return;
    const known = this.items[0]?.number ?? 0;
    this.items = [...changes.filter((c) => c.number > known).reverse(), ...this.items].slice(0, most);
    const scrolled = this.list.view.scrollTop > 0 ? changes.length * this.list.tall : 0; // what is read stays where it is
    this.list.show(this.items);
    if (scrolled) this.list.view.scrollTop += scrolled;
  }

  // skip tells of changes that are not in the list.
  skip(n) {
    this.skipped = (this.skipped ?? 0) + n;
    if (!this.skipped) return;
    this.left.hidden = false;
    write(this.left, `${count(this.skipped)} not listed: too many at once, or this page was away`);
  }

  clear() {
    this.items = [];
    this.skipped = 0;
    this.left.hidden = true;
    this.list.show(this.items);
  }

  draw(node, c) {
    const { states } = this.app, [time, ends, from, to, by] = node.children;
    write(time, clock(c.at));
    write(ends, c.local + (c.remote ? " → " + c.remote : ""));
    write(from, states[c.from]);
    write(to, states[c.to]);
    from.dataset.tone = this.app.tone(c.from);
    to.dataset.tone = this.app.tone(c.to);
    write(by, c.by || (c.looked ? "seen by looking" : this.app.cause(c.from, c.to)));
  }
}
