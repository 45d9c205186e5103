// The table of sockets: columns, sorting, and what is in each cell.

import { byId, count, el, micros, press, size, span, write } from "./dom.js";
import { List } from "./list.js";

// wide makes figures in an address as long as each other, so that texts sort as numbers do.
const wide = (address) => address.replace(/\d+/g, (n) => n.padStart(5, "0"));
const bytes = (n) => (n < 10000 ? count(n) : size(n));
const known = (n, text) => (n < 0 ? "–" : text(n));

// columns have a text, and by what they sort: figures with the largest first.
const columns = [
  { name: "state", head: "State", text: (r, app) => app.states[r.state], key: (r) => r.state },
  { name: "local", head: "Local", text: (r) => r.local || "–", key: (r) => (r.localKey ??= wide(r.local)) },
  { name: "remote", head: "Remote", text: (r) => r.remote || "–", key: (r) => (r.remoteKey ??= wide(r.remote)) },
  { name: "age", head: "Age", about: "how long in this state; + is at least", figure: true, text: (r, app) => age(r, app), key: (r) => -r.since },
  { name: "recv", head: "Recv", about: "bytes to read; of a listener: connections to accept", figure: true, text: (r) => bytes(r.recv), key: (r) => r.recv },
  { name: "send", head: "Send", about: "bytes to acknowledge; of a listener: how many may wait", figure: true, text: (r) => bytes(r.send), key: (r) => r.send },
  { name: "rtt", head: "RTT", about: "round-trip time, smoothed", figure: true, text: (r) => known(r.rtt, micros), key: (r) => r.rtt },
  { name: "again", head: "Again", about: "segments sent again", figure: true, text: (r) => known(r.again, count), key: (r) => r.again },
  { name: "process", head: "Process", about: "who has it open; ? is somebody else's", text: (r) => r.process || "–", key: (r) => r.process },
];

function age(r, app) {
  const ms = app.now() - r.since;
  return ms < 1000 && !r.exact ? "–" : span(ms) + (r.exact ? "" : "+");
}

// Rows is the table. app has rows, states and now(), and opens what is clicked.
export class Rows {
  constructor(app) {
    this.app = app;
    this.host = byId("rows");
    this.heads = el("div", { class: "heads line", role: "toolbar", "aria-label": "Sort by" });
    for (const c of columns) this.heads.append(this.head(c));
    this.host.append(this.heads);
    this.list = new List(this.host, "Sockets: up and down choose one, Enter opens it", {
      name: "id",
      height: () => (matchMedia("(max-width: 899px)").matches ? (this.wordy ? 88 : 50) : this.wordy ? 44 : 24),
      make: () => el("div", { class: "line" }, ...columns.map((c) => el("span", { class: "cell " + c.name + (c.figure ? " figure" : "") })), el("span", { class: "cell off" })),
      draw: (node, r) => this.draw(node, r),
      open: (r) => app.open(r.id),
    });
    this.empty = el("p", { class: "empty", hidden: "" });
    this.host.append(this.empty);
  }

  head(column) {
    const b = press(column.head, () => this.turn(column), { class: "cell " + column.name + (column.figure ? " figure" : ""), title: column.about, "data-sort": column.name });
    return (column.button = b);
  }

  // turn sorts by a column: first as one wants it mostly, then the other way round, then not at all.
  turn(column) {
    if (this.column !== column) [this.column, this.back] = [column, false];
    else if (!this.back) this.back = true;
    else this.column = undefined;
    for (const c of columns) {
      const here = c === this.column, falls = Boolean(c.figure) !== this.back;
      c.button.setAttribute("aria-pressed", String(here));
      write(c.button, c.head + (here ? (falls ? " ▼" : " ▲") : ""));
      c.button.setAttribute("aria-label", here ? `${c.head}, sorted ${falls ? "downwards" : "upwards"}` : c.head);
    }
    this.show();
  }

  // show takes the rows as they are now.
  show() {
    const all = [...this.app.rows.values()];
    if (this.column) {
      const { key, figure } = this.column, way = Boolean(figure) !== this.back ? -1 : 1;
      all.sort((a, b) => {
        const x = key(a), y = key(b);
        return x < y ? -way : x > y ? way : a.id - b.id;
      });
    }
    this.list.show(all);
    this.empty.hidden = all.length > 0;
  }

  // words says whether what is off stands in a line of its own beneath each socket.
  words(on) {
    this.wordy = on;
    this.host.classList.toggle("trouble", on);
  }

  // reveal brings a row into view.
  reveal(id) {
    const at = this.list.items.findIndex((r) => r.id === id);
    if (at >= 0) this.list.choose(at);
  }

  draw(node, r) {
    const app = this.app, bad = r.findings > 0;
    columns.forEach((c, i) => write(node.children[i], c.text(r, app)));
    write(node.lastChild, bad ? "! " + r.finding + (r.findings > 1 ? ` (and ${r.findings - 1} more)` : "") : "");
    node.className = "line" + (bad ? " bad" : "") + (r.gone ? " gone" : "") + (r.id === app.opened ? " opened" : "");
    node.children[0].dataset.tone = app.tone(r.state);
    node.title = bad ? r.finding : `${r.network} ${r.local} ${r.remote}`;
    node.dataset.id = r.id;
  }
}
