// List shows very many rows of one height: only those in view are in the page.

import { el } from "./dom.js";

export class List {
  // name is the field that tells items apart. make returns an empty row's element, draw(element,
  // item) fills it; open(item) is called for a click or Enter; height() is of a row.
  constructor(host, label, { name, height, make, draw, open }) {
    Object.assign(this, { name, height, make, draw, open, items: [], active: -1 });
    this.rows = []; // elements, in the order of the window
    this.view = el("div", { class: "scroll", tabindex: 0, role: "listbox", "aria-label": label });
    this.room = el("div", { class: "room", role: "presentation" });
    this.view.append(this.room);
    host.append(this.view);
    this.prefix = host.id + "-";
    this.view.addEventListener("scroll", () => this.paint(), { passive: true });
    this.view.addEventListener("keydown", (e) => this.key(e));
    this.view.addEventListener("click", (e) => {
      const node = e.target.closest("[role=option]");
      if (node) this.choose(Number(node.dataset.index), true);
    });
    new ResizeObserver(() => this.paint()).observe(this.view);
  }

  // show takes the items, an array that is not copied.
  show(items) {
    this.items = items;
    if (this.chosen !== undefined && items[this.active]?.[this.name] !== this.chosen) this.active = items.findIndex((item) => item[this.name] === this.chosen);
    this.paint();
  }

  // paint draws what is in view.
  paint() {
    const tall = (this.tall = this.height());
    this.room.style.height = this.items.length * tall + "px";
    const first = Math.max(0, Math.floor(this.view.scrollTop / tall) - 4);
    const most = Math.ceil(this.view.clientHeight / tall) + 8;
    const n = Math.max(0, Math.min(most, this.items.length - first));
    while (this.rows.length < n) {
      const node = this.make();
      node.setAttribute("role", "option");
      this.rows.push(node);
      this.room.append(node);
    }
    while (this.rows.length > n) this.rows.pop().remove();
    for (let i = 0; i < n; i++) {
      const node = this.rows[i], at = first + i;
      node.dataset.index = at;
      node.id = this.prefix + at;
      node.style.transform = `translateY(${at * tall}px)`;
      node.setAttribute("aria-setsize", this.items.length);
      node.setAttribute("aria-posinset", at + 1);
      node.setAttribute("aria-selected", String(at === this.active));
      this.draw(node, this.items[at]);
    }
    if (this.active >= first && this.active < first + n) this.view.setAttribute("aria-activedescendant", this.prefix + this.active);
    else this.view.removeAttribute("aria-activedescendant");
  }

  choose(index, open) {
    if (!this.items.length) return;
    this.active = Math.max(0, Math.min(this.items.length - 1, index));
    this.chosen = this.items[this.active][this.name];
    const top = this.active * this.tall, view = this.view;
    if (top < view.scrollTop) view.scrollTop = top;
    else if (top + this.tall > view.scrollTop + view.clientHeight) view.scrollTop = top + this.tall - view.clientHeight;
    this.paint();
    if (open) this.open(this.items[this.active]);
  }

  key(e) {
    if (e.ctrlKey || e.metaKey || e.altKey) return;
    const page = Math.max(1, Math.floor(this.view.clientHeight / this.tall) - 1);
    const steps = { ArrowDown: 1, j: 1, ArrowUp: -1, k: -1, PageDown: page, PageUp: -page };
    if (e.key in steps) this.choose(this.active < 0 ? 0 : this.active + steps[e.key]);
    else if (e.key === "Home") this.choose(0);
    else if (e.key === "End") this.choose(this.items.length - 1);
    else if (e.key === "Enter" && this.active >= 0) this.open(this.items[this.active]);
    else return;
    e.preventDefault();
  }
}
