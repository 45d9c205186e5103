// A Divider is the line between two panes. It is moved by mouse, finger and arrow keys; a double
// click puts it back.

class Divider {
  constructor(id, variable, across) {
    Object.assign(this, { node: byId(id), variable, across });
    const on = (name, act) => this.node.addEventListener(name, act);
    on("pointerdown", (e) => this.node.setPointerCapture(e.pointerId));
    on("pointermove", (e) => this.node.hasPointerCapture(e.pointerId) && this.follow(e));
    on("dblclick", () => this.put());
    on("keydown", (e) => this.key(e));
  }

  follow(e) {
    const box = this.node.parentElement.getBoundingClientRect();
    this.put(this.across ? ((e.clientX - box.left) / box.width) * 100 : ((e.clientY - box.top) / box.height) * 100);
  }

  // put gives the first pane a part of the room, in percent, or what it had at first.
  put(part) {
    const panes = this.node.parentElement.style;
    if (part === undefined) {
      panes.removeProperty(this.variable);
      return this.node.removeAttribute("aria-valuenow");
    }
    this.part = Math.min(85, Math.max(15, part));
    panes.setProperty(this.variable, this.part + "%");
    this.node.setAttribute("aria-valuenow", Math.round(this.part));
  }

  key(e) {
    const step = { ArrowLeft: -3, ArrowUp: -3, ArrowRight: 3, ArrowDown: 3 }[e.key];
    if (step === undefined) return;
    e.preventDefault();
    const box = this.node.parentElement.getBoundingClientRect(), own = this.node.getBoundingClientRect();
    this.put((this.across ? (own.left - box.left) / box.width : (own.top - box.top) / box.height) * 100 + step);
  }
}
