// What has been clicked: a connection, an arrow, a state.

import { byId, clock, count, el, press, span, write } from "./dom.js";
import { Graph } from "./graph.js";
import { change } from "./stream.js";

export class Detail {
  constructor(app) {
    this.app = app;
    this.host = byId("detail");
  }

  // show opens a panel with a heading.
  show(kind, heading, ...parts) {
    this.stop();
    this.kind = kind;
    this.host.hidden = false;
    this.heading = el("h2", { tabindex: -1 }, heading);
    this.host.replaceChildren(el("div", { class: "head" }, this.heading, press("×", () => this.app.close(), { class: "close", "aria-label": "Close (Esc)", title: "Close (Esc)" })), ...parts);
    this.host.scrollTop = 0;
    this.heading.focus({ preventScroll: true });
  }

  hide() {
    this.stop();
    this.kind = undefined;
    this.host.hidden = true;
    this.host.replaceChildren();
  }

  stop() {
    this.source?.close();
    clearTimeout(this.timer);
    this.source = this.timer = undefined;
  }

  // connection opens the end of a connection of a name, and keeps it up to date.
  connection(id) {
    this.show("connection", "…");
    [this.id, this.age] = [id, undefined];
    this.graph = new Graph();
    this.parts = Object.fromEntries(["facts", "findings", "history", "window", "figures", "trace"].map((name) => [name, el("div", { class: name })]));
    this.host.append(...Object.values(this.parts));
    this.parts.window.hidden = true;
    this.sampled = el("p", { class: "faint" });
    this.parts.window.append(el("h3", {}, "Window"), this.graph.node, this.sampled);
    this.listen();
  }

  // listen asks for what happens to the connection.
  listen() {
    clearTimeout(this.timer);
    const source = (this.source = new EventSource("connection?id=" + this.id)), mine = (f) => (e) => source === this.source && f(JSON.parse(e.data));
    source.addEventListener("connection", mine((c) => this.fill(c)));
    source.addEventListener("samples", mine((list) => this.graph.add(list)));
    source.addEventListener("wrong", mine((text) => this.over(text + ": it is gone, and nothing more is known of it")));
    source.addEventListener("full", () => source === this.source && this.over("Too many pages look at this watch at once: close one"));
    source.addEventListener("end", mine(() => source.close()));
    source.onerror = () => {
      source.close();
      if (source === this.source && !this.app.held) this.timer = setTimeout(() => this.listen(), 2000);
    };
  }

  hold() {
    this.source?.close();
    clearTimeout(this.timer);
  }

  resume() {
    if (this.kind === "connection" && this.source?.readyState === EventSource.CLOSED) this.listen();
  }

  // clock lets the age grow.
  clock() {
    if (this.kind !== "connection" || !this.age || !this.since.since) return;
    const ms = this.app.now() - this.since.since;
    write(this.age, ms < 1000 && !this.since.exact ? "" : `for ${span(ms)}${this.since.exact ? "" : " at least"}`);
  }

  over(text) {
    this.source.close();
    if (this.heading.textContent === "…") write(this.heading, "A connection that is gone");
    this.parts.facts.replaceChildren(el("p", { class: "bad" }, text));
  }

  fill(c) {
    write(this.heading, c.remote ? `${c.local} → ${c.remote}` : c.local || "a socket");
    this.since = c;
    this.age = el("span");
    this.parts.facts.replaceChildren(el("p", {}, el("b", { class: "tone", "data-tone": this.app.toneOf(c.state) }, c.state), " ", this.age, ` · ${c.network}`, c.gone ? " · it is gone; the figures are its last ones" : ""));
    this.clock();
    this.parts.findings.replaceChildren(...c.findings.map((f) => el("p", { class: "bad" }, "! " + f.text, ...f.behind.flatMap(([name, text], i) => [i ? " · " : el("br"), el("span", { class: "behind" }, `${name} ${text}`)]))));
    this.parts.history.replaceChildren(...this.history(c));
    this.parts.window.hidden = !c.connected;
    write(this.sampled, c.sampled);
    const groups = c.groups.map((g) => el("section", { class: "group" }, el("h3", {}, g.title), el("dl", {}, ...g.figures.flatMap(([name, text, about]) => [el("dt", { title: about || undefined }, name), el("dd", {}, text)]))));
    this.parts.figures.replaceChildren(...groups);
    this.parts.trace.replaceChildren(...(c.trace ? [el("h3", {}, "Its packets"), el("p", {}, "To see them as they pass, on this machine, as root: ", el("code", {}, c.trace))] : []));
  }

  // history lists what has happened to a connection, each with what caused it.
  history(c) {
    if (c.network !== "tcp") return [];
    const list = c.history.map(change);
    if (!list.length) return [el("h3", {}, "Changes of state"), el("p", { class: "faint" }, "none since the watch began")];
    const rows = list.map((t, i) => this.transition(t, i ? t.at - list[i - 1].at : undefined));
    const earlier = c.earlier ? [el("p", { class: "faint" }, `${count(c.earlier)} before these`)] : [];
    return [el("h3", {}, "Changes of state"), ...earlier, el("ol", { class: "steps" }, ...rows)];
  }

  transition(t, after) {
    const { app } = this, tone = (s) => el("span", { class: "tone", "data-tone": app.tone(s) }, app.states[s]);
    const why = press("", () => app.explain(t.from, t.to, t), { class: "step" });
    why.append(el("span", { class: "time" }, clock(t.at, 6)), tone(t.from), " → ", tone(t.to), el("span", { class: "cause" }, (t.by ? t.by + ": " : "") + app.cause(t.from, t.to) + (t.looked ? ", seen by looking" : "")),
      el("span", { class: "time" }, after === undefined ? "" : "+" + later(after)));
    return el("li", {}, why);
  }

  // arrow explains what takes a connection from one state to another; one is the transition that was
  // clicked, if it was one.
  async arrow(from, to, one) {
    const { app } = this, name = (s) => el("span", { class: "tone", "data-tone": app.tone(s) }, app.states[s]);
    this.show("arrow", "");
    this.heading.append(name(from), " → ", name(to));
    this.pair = [from, to];
    this.parts = { about: el("div"), one: el("div", { class: "one" }), counted: el("p", { class: "counted" }), latest: el("ol", { class: "steps" }) };
    if (one) this.parts.one.append(el("h3", {}, "This one"), this.happened(one));
    this.host.append(this.parts.about, this.parts.one, el("h3", {}, "Here"), this.parts.counted, this.parts.latest);
    await this.recount();
  }

  // recount asks how often the arrow was gone.
  async recount() {
    if (this.kind !== "arrow") return;
    const [from, to] = this.pair, parts = this.parts;
    let a;
    try {
      const answer = await fetch(`arrow?from=${from}&to=${to}`);
      if (!answer.ok) return;
      a = await answer.json();
    } catch {
      return; // the server is away, which the page says elsewhere
    }
    if (parts !== this.parts) return;
    const kind = { call: "The program's call", segment: "A segment that arrives", timer: "A timer", unseen: "Not seen" }[a.kind];
    parts.about.replaceChildren(
      el("p", { class: "why" }, kind + ": ", el("b", {}, a.cause), ...(a.sends ? ["; what goes out: ", el("b", {}, a.sends)] : [])),
      el("p", {}, a.about), el("p", { class: "faint" }, "RFC 9293 §" + a.section));
    write(parts.counted, a.count ? `${count(a.count)} ${a.count === 1 ? "time" : "times"} on this machine since the watch began${a.latest.length < a.count ? `, the latest ${a.latest.length}` : ""}:` : "It has not happened on this machine since the watch began.");
    parts.latest.replaceChildren(...a.latest.map(change).reverse().map((t) => el("li", {}, this.happened(t))));
  }

  // happened is one transition, which opens its connection.
  happened(t) {
    const b = press("", () => this.app.open(t.id), { class: "step", title: "Open this connection" });
    b.append(el("span", { class: "time" }, clock(t.at, 6)), t.local + (t.remote ? " → " + t.remote : ""), el("span", { class: "cause" }, t.by ? "by " + t.by : t.looked ? "seen by looking" : ""));
    return b;
  }

  // state tells what a state is, the ways in and out, and who is in it.
  state(s) {
    const { app } = this, name = app.states[s];
    this.show("state", "");
    this.heading.append(el("span", { class: "tone", "data-tone": app.tone(s) }, name));
    const all = [...app.rows.values()].filter((r) => r.network === "tcp" && r.state === s), word = name.toLowerCase().replaceAll("_", "-");
    const ways = (list) => el("ul", { class: "plain" }, ...list.map((a) => el("li", {}, press(`${a.names[0]} → ${a.names[1]}: ${a.cause}`, () => app.explain(...a.pair), { class: "step" }))));
    const arrows = [...app.arrows.values()], into = arrows.filter((a) => a.pair[1] === s), out = arrows.filter((a) => a.pair[0] === s);
    this.host.append(el("p", {}, app.meanings[s] ?? ""),
      el("p", {}, `${count(all.length)} here now. `, all.length ? press("Show only these", () => app.only("state " + word)) : ""),
      el("ul", { class: "plain" }, ...all.slice(0, 20).map((r) => el("li", {}, press(`${r.local}${r.remote ? " → " + r.remote : ""} ${r.process}`, () => app.open(r.id), { class: "step" })))),
      all.length > 20 ? el("p", { class: "faint" }, `and ${count(all.length - 20)} more`) : "",
      el("h3", {}, "Ways in"), ways(into), el("h3", {}, "Ways out"), ways(out));
  }
}

// later writes microseconds between two changes.
function later(us) {
  if (us < 1000) return us + " µs";
  if (us < 1e6) return (us / 1000).toFixed(us < 1e5 ? 1 : 0) + " ms";
  return (us / 1e6).toFixed(us < 1e8 ? 2 : 0) + " s";
}
