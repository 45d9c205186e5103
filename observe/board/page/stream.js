// What the server sends, in the order in which it writes it (sheet.go, stream.go).

// row makes an object of a line of the table.
export function row(a) {
  const [id, state, network, local, remote, since, exact, recv, send, rtt, again, process, user, finding, findings, gone] = a;
  return { id, state, network, local, remote, since, exact, recv, send, rtt, again, process, user, finding, findings, gone };
}

// change makes an object of a transition.
export function change(a) {
  const [number, id, at, from, to, local, remote, by, looked] = a;
  return { number, id, at, from, to, local, remote, by, looked };
}

const longestSilence = 20000; // milliseconds

// Stream keeps the page's rows up to date. It asks again whenever the server was away, saying what it
// has, so that it is told what it missed. A new question (another filter) takes the place of the old
// one when its answer begins, and not at all if it is wrong.
export class Stream {
  constructor(hear) {
    this.hear = hear; // { whole, more, wrong, full, away, end, refused }
    this.after = ""; // the run of the server, and the number of the last transition
    this.query = {};
  }

  // ask begins a stream for a filter, or for trouble only. What went before is told anew.
  ask(query) {
    this.query = query;
    this.open("");
  }

  // stop leaves everything as it is; open goes on.
  stop() {
    clearTimeout(this.timer);
    clearTimeout(this.silence);
    this.next?.close();
    this.source?.close();
    this.next = this.source = undefined;
  }

  open(after = this.after) {
    clearTimeout(this.timer);
    this.timer = undefined;
    this.next?.close();
    const { filter = "", trouble } = this.query;
    const question = new URLSearchParams({ filter, after, ...(trouble ? { trouble: 1 } : {}) });
    const source = (this.next = new EventSource("events?" + question));
    source.addEventListener("whole", (e) => this.whole(source, JSON.parse(e.data)));
    source.addEventListener("more", (e) => this.more(source, JSON.parse(e.data)));
    source.addEventListener("wrong", (e) => this.wrong(source, JSON.parse(e.data)));
    source.addEventListener("full", () => this.full(source));
    source.addEventListener("end", () => this.lost(source, true));
    source.onerror = () => this.lost(source, false);
  }

  whole(source, message) {
    if (source !== this.next) return source.close();
    this.source?.close();
    this.source = source;
    this.next = undefined;
    this.run = message.run;
    this.note(message);
    this.listen(source);
    this.hear.whole(message);
  }

  more(source, message) {
    if (source !== this.source) return;
    this.listen(source);
    if (message.last === undefined) return; // only to say that the server is there
    this.note(message);
    this.hear.more(message);
  }

  // listen waits for the next message: the server says something every few seconds, or it is not there.
  listen(source) {
    clearTimeout(this.silence);
    this.silence = setTimeout(() => this.lost(source, false), longestSilence);
  }

  note(message) {
    this.after = `${this.run}.${message.last}`;
  }

  wrong(source, message) {
    source.close();
    if (source === this.next) this.next = undefined;
    this.hear.wrong(message);
  }

  // full takes that too many pages look at once: this one asks again.
  full(source) {
    source.close();
    if (source !== this.next) return;
    this.next = undefined;
    if (!this.source) this.timer = setTimeout(() => this.open(), 5000);
    this.hear.full();
  }

  // lost takes that a stream has ended: by itself or with the server's word. The page asks for the
  // reason, and again a little later.
  async lost(source, told) {
    source.close();
    if (source !== this.source && source !== this.next) return;
    this.stop();
    this.timer = setTimeout(() => this.open(), 1000);
    if (told) return this.hear.end();
    this.hear.away();
    try {
      const answer = await fetch("first.json");
      if (answer.status === 403) this.hear.refused();
    } catch {
      // the server is away
    }
  }
}
