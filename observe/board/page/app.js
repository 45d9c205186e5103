// The page: what it knows, and what its parts do with each other.

import { byId, count, el, plural, span, write } from "./dom.js";
import { Changes } from "./changes.js";
import { Detail } from "./detail.js";
import { Diagram } from "./diagram.js";
import { Rows } from "./rows.js";
import { Stream, change, row } from "./stream.js";

// tones are how states are coloured, as in the pictures of trace.
const tones = ["", "open", "open", "open", "up", "active", "active", "passive", "active", "passive", "active", "closed"];

class App {
  rows = new Map(); // by id
  held = false; // paused
  offset = 0; // milliseconds that the server's clock is ahead of ours
  opened = undefined;
  napAfter = 20000; // milliseconds that nobody looks

  constructor(known) {
    this.states = known.states;
    this.meanings = known.meanings;
    this.arrows = new Map(known.arrows.map((a) => [a.pair.join("-"), a]));
    this.table = new Rows(this);
    this.list = new Changes(this);
    this.diagram = new Diagram(this);
    this.detail = new Detail(this);
    this.stream = new Stream({
      whole: (m) => this.whole(m), more: (m) => this.more(m), wrong: (m) => this.wrong(m),
      full: () => this.tell("Too many pages look at this watch at once: close one."),
      away: () => this.is("away", "the server is away: trying again"), end: () => this.ended(),
      refused: () => this.is("ended", "another dialtone watch runs there: open the address that it has printed"),
    });
    this.controls();
    const asked = new URLSearchParams(location.hash.slice(1));
    byId("filter").value = asked.get("filter") ?? known.filter;
    this.press("trouble", asked.has("filter") ? asked.has("trouble") : known.trouble);
    this.ask();
    setInterval(() => this.clock(), 1000);
  }

  // now is the time on the watched machine, in milliseconds; it stands still while the page is held.
  now() {
    return (this.stopped ?? Date.now()) + this.offset;
  }

  tone = (state) => tones[state] ?? "";
  toneOf = (name) => this.tone(this.states.indexOf(name));
  cause = (from, to) => this.arrows.get(`${from}-${to}`)?.cause ?? (from === 0 ? "first seen" : to === 11 ? "RST, abort, timeout" : "several steps");

  // whole takes everything anew; what had been there goes on to be the same dots.
  whole(m) {
    this.offset = m.now - Date.now();
    const first = this.run === undefined, other = this.run !== m.run;
    const away = this.lastHeard ? Date.now() - this.lastHeard : 0, known = this.lastNumber ?? 0;
    if (!m.again) this.list.clear();
    this.table.words(Boolean(this.stream.query.trouble));
    if (other) this.diagram.dots.clear();
    [this.run, this.stopped] = [m.run, undefined];
    byId("filter").classList.remove("bad");
    byId("wrong").hidden = true;
    const before = this.rows;
    this.rows = new Map();
    this.apply(m, !m.again);
    for (const id of before.keys()) if (!this.rows.has(id)) this.diagram.dots.drop(id);
    this.diagram.dots.layout();
    this.heading(m);
    if (m.again && this.wasAway) this.tell(`Back after ${span(away)}: ${this.missedWords(m, known)}.`);
    else if (other && !first) this.tell("Another watch runs now: everything is anew.");
    this.wasAway = false;
    this.is("live", "live");
  }

  // missedWords says what happened while the page was away.
  missedWords(m, known) {
    const n = m.last - known;
    if (n <= 0) return "nothing has changed its state";
    return `${plural(n, "change")} of state` + (m.skipped ? `, of which ${count(m.skipped)} are not in the list` : ", all in the list that the filter takes");
  }

  more(m) {
    this.offset = m.now - Date.now();
    this.apply(m, false);
    this.is("live", "live");
  }

  // apply takes what is in both messages.
  apply(m, quiet) {
    const changes = m.changes.map(change), byRow = Map.groupBy(changes, (c) => c.id);
    for (const id of m.gone) this.rows.delete(id), this.diagram.dots.drop(id);
    for (const a of m.set) {
      const r = row(a);
      this.rows.set(r.id, r);
    }
    for (const c of changes) {
      const r = this.rows.get(c.id);
      if (r && r.state !== c.to && c.at / 1000 >= r.since) Object.assign(r, { state: c.to, since: c.at / 1000 });
    }
    for (const a of m.set) this.diagram.dots.take(this.rows.get(a[0]), byRow.get(a[0]) ?? [], quiet), byRow.delete(a[0]);
    for (const [id, list] of byRow) if (this.rows.has(id)) this.diagram.dots.take(this.rows.get(id), list, quiet);
    this.diagram.dots.layout();
    this.diagram.tally(m.arrows, quiet);
    this.list.add(changes);
    this.list.skip(m.skipped);
    this.table.show();
    [this.lastHeard, this.lastNumber] = [Date.now(), m.last];
    this.counted(m);
    if (m.arrows.some(([from, to]) => this.detail.kind === "arrow" && this.detail.pair.join() === `${from},${to}`)) this.detail.recount();
  }

  counted(m) {
    const only = m.match !== m.all ? `${count(m.match)} of ${plural(m.all, "socket")}` : plural(m.all, "socket");
    write(byId("count"), only + (m.omitted ? `, ${count(m.omitted)} more had no room` : "") + (m.missed ? `; ${plural(m.missed, "change")} came too fast to be listed` : "") + (m.lost ? `; ${plural(m.lost, "change")} lost by the kernel` : ""));
    this.sourceWords(m.source);
  }

  heading(m) {
    const name = "dialtone watch" + (m.name ? " · " + m.name : "");
    write(byId("title"), name);
    document.title = name;
  }

  // sourceWords says where changes come from, and what cannot be seen there.
  sourceWords(s) {
    const key = JSON.stringify(s);
    if (this.sourceKey === key) return;
    this.sourceKey = key;
    const box = byId("source");
    write(box.firstElementChild, "changes by " + s.name);
    const words = [...(s.blind ?? []), ...(s.root ? ["root would see more"] : [])];
    box.lastElementChild.replaceChildren(...(words.length ? words : ["every change of every socket when it happens"]).map((w) => el("li", {}, w)));
  }

  is(what, words) {
    const node = byId("live");
    if (what === "away") this.wasAway = true;
    if (what === "away" || what === "ended" || what === "paused") this.stopped ??= Date.now();
    node.dataset.is = what;
    write(node, words);
  }

  ended() {
    this.wasAway = true;
    this.is("ended", "dialtone watch has ended: this is what it saw last");
  }

  tell(text) {
    byId("notice").hidden = !text;
    write(byId("notice"), text);
    clearTimeout(this.telling);
    this.telling = setTimeout(() => (byId("notice").hidden = true), 15000);
  }

  // clock lets ages grow.
  clock() {
    if (this.stopped) return;
    this.table.list.paint();
    this.detail.clock();
  }

  // ask sends the filter, and keeps it in the page's address.
  ask() {
    const filter = byId("filter").value.trim(), trouble = byId("trouble").getAttribute("aria-pressed") === "true";
    history.replaceState(null, "", "#" + new URLSearchParams({ filter, ...(trouble ? { trouble: 1 } : {}) }));
    if (this.held) this.hold(false);
    this.stream.ask({ filter, trouble });
  }

  wrong(m) {
    const input = byId("filter"), bytes = new TextEncoder().encode(input.value), place = byId("wrong");
    input.classList.add("bad");
    place.hidden = false;
    const part = (from, to) => new TextDecoder().decode(bytes.slice(from, to));
    if (m.at < 0 || (m.length === 0 && m.at < 0)) return place.replaceChildren(m.text);
    const at = m.length ? m.at : bytes.length;
    place.replaceChildren(el("code", {}, part(0, at), el("mark", {}, m.length ? part(at, at + m.length) : " … "), part(at + m.length)), " " + m.text);
  }

  only(filter) {
    byId("filter").value = filter;
    this.ask();
  }

  // hold stops the page as it is, or lets it go on: it is told then what it missed.
  hold(on) {
    this.held = on;
    this.press("pause", on);
    write(byId("pause"), on ? "Go on" : "Pause");
    if (on) {
      this.stream.stop();
      this.detail.hold();
      this.diagram.dots.settle();
      this.is("paused", "paused");
      this.wasAway = true;
    } else {
      this.stream.open();
      this.detail.resume();
    }
  }

  press(id, on) {
    byId(id).setAttribute("aria-pressed", String(on));
  }

  // open shows a connection; explain what a transition is; describe a state.
  open(id) {
    this.mark(id);
    this.detail.connection(id);
    this.view("detail");
    this.table.reveal(id);
  }
  explain(from, to, one) {
    this.mark(undefined, `[data-pair="${from}-${to}"]`);
    this.detail.arrow(from, to, one);
    this.view("detail");
  }
  describe(state) {
    this.mark(undefined, `[data-state="${state}"]`);
    this.detail.state(state);
    this.view("detail");
  }
  close() {
    this.mark(undefined);
    this.detail.hide();
    this.view(this.viewBefore ?? "diagram");
  }

  mark(id, selector) {
    const before = this.opened;
    this.opened = id;
    this.diagram.dots.mark(before, id);
    this.diagram.mark(selector);
    this.table.list.paint();
  }

  // view chooses what a narrow screen shows; a wide one shows all.
  view(name) {
    const body = document.body;
    if (name === "detail" && body.dataset.view !== "detail") this.viewBefore = body.dataset.view;
    body.dataset.view = name;
    body.classList.toggle("detailed", Boolean(this.detail.kind));
    for (const b of document.querySelectorAll("nav button")) b.setAttribute("aria-pressed", String(b.dataset.show === name));
    document.querySelector("nav [data-show=detail]").disabled = !this.detail.kind;
    this.table.list.paint();
    this.list.list.paint();
  }

  controls() {
    let typing;
    byId("filter").addEventListener("input", () => {
      clearTimeout(typing);
      typing = setTimeout(() => this.ask(), 250);
    });
    byId("filter").addEventListener("keydown", (e) => e.key === "Enter" && (clearTimeout(typing), this.ask()));
    byId("trouble").addEventListener("click", (e) => {
      this.press("trouble", e.currentTarget.getAttribute("aria-pressed") !== "true");
      this.ask();
    });
    byId("pause").addEventListener("click", () => this.hold(!this.held));
    for (const b of document.querySelectorAll("nav button")) b.addEventListener("click", () => this.view(b.dataset.show));
    document.addEventListener("keydown", (e) => this.key(e));
    document.addEventListener("visibilitychange", () => this.sleep());
  }

  key(e) {
    const typing = e.target.closest?.("input");
    if (e.ctrlKey || e.metaKey || e.altKey) return;
    if (e.key === "Escape" && !typing && this.detail.kind) this.close();
    else if (e.key === "/" && !typing) byId("filter").focus();
    else if (e.key === " " && !typing && !e.target.closest?.("button, summary, [role=button]")) this.hold(!this.held);
    else return;
    e.preventDefault();
  }

  // sleep lets go of the server some time after nobody looks any more, and wakes up when somebody does.
  sleep() {
    clearTimeout(this.sleeping);
    if (document.hidden) {
      this.sleeping = setTimeout(() => {
        if (this.held) return;
        this.asleep = true;
        this.wasAway = true;
        this.stream.stop();
        this.detail.hold();
      }, this.napAfter);
    } else if (this.asleep) {
      this.asleep = false;
      this.stream.open();
      this.detail.resume();
    }
  }
}

const answer = await fetch("first.json");
if (answer.ok) window.app = new App(await answer.json());
else write(byId("live"), await answer.text());
