// Where the states and the arrows of RFC 9293 §3.3.2, figure 5, stand. As there, CLOSED is twice:
// where a connection comes from, and where it ends.

export const room = { width: 462, height: 694 };

// boxes have their left and top edges; state is the number that the server uses.
export const size = { width: 108, height: 52 };
export const boxes = {
  start: { state: 11, x: 176, y: 8 },
  1: { state: 1, x: 176, y: 112 },
  3: { state: 3, x: 8, y: 216 },
  2: { state: 2, x: 344, y: 216 },
  4: { state: 4, x: 176, y: 318 },
  5: { state: 5, x: 8, y: 420 },
  7: { state: 7, x: 344, y: 420 },
  6: { state: 6, x: 8, y: 524 },
  8: { state: 8, x: 176, y: 524 },
  9: { state: 9, x: 344, y: 524 },
  10: { state: 10, x: 176, y: 628 },
  end: { state: 11, x: 344, y: 628 },
};

// arrows are corners, and where their words stand. Those without a place for words are the ends before
// their time, which the RFC's figure leaves out: they are drawn once they have happened.
export const arrows = {
  "11-1": { way: [[214, 60], [214, 112]], words: [207, 82, "end"] },
  "1-11": { way: [[246, 112], [246, 60]], words: [253, 97, "start"] },
  "11-2": { way: [[284, 24], [420, 24], [420, 216]], words: [352, 8, "middle"] },
  "2-11": { way: [[376, 216], [376, 44], [284, 44]], words: [371, 58, "end"], text: ["close(), RST,", "timeout"] },
  "1-3": { way: [[176, 150], [88, 150], [88, 216]], words: [94, 175, "start"] },
  "3-1": { way: [[40, 216], [40, 128], [176, 128]], words: [106, 122, "middle"] },
  "1-2": { way: [[284, 138], [356, 138], [356, 216]], words: [351, 175, "end"] },
  "2-3": { way: [[344, 232], [116, 232]], words: [230, 214, "middle"] },
  "3-4": { way: [[116, 252], [206, 252], [206, 318]], words: [160, 265, "middle"] },
  "2-4": { way: [[344, 252], [254, 252], [254, 318]], words: [299, 265, "middle"] },
  "3-5": { way: [[34, 268], [34, 420]], words: [40, 330, "start"] },
  "4-5": { way: [[176, 344], [90, 344], [90, 420]], words: [133, 357, "middle"] },
  "4-7": { way: [[284, 338], [398, 338], [398, 420]], words: [341, 351, "middle"] },
  "5-6": { way: [[48, 472], [48, 524]], words: [54, 496, "start"] },
  "5-8": { way: [[116, 438], [230, 438], [230, 524]], words: [173, 420, "middle"] },
  "5-10": { way: [[116, 460], [148, 460], [148, 640], [176, 640]], words: [154, 594, "start"] },
  "6-10": { way: [[62, 576], [62, 666], [176, 666]], words: [69, 648, "start"] },
  "8-10": { way: [[248, 576], [248, 628]], words: [254, 600, "start"] },
  "7-9": { way: [[372, 472], [372, 524]], words: [379, 494, "start"] },
  "9-11": { way: [[372, 576], [372, 628]], words: [379, 600, "start"] },
  "10-11": { way: [[284, 650], [344, 650]], words: [314, 644, "middle"], text: ["2 MSL"], count: [314, 661] },

  "3-11": { way: [[20, 216], [20, 34], [176, 34]] },
  "4-11": { way: [[284, 360], [318, 360], [318, 670], [344, 670]] },
  "5-11": { way: [[116, 448], [132, 448], [132, 490], [318, 490], [318, 670], [344, 670]] },
  "6-11": { way: [[116, 540], [132, 540], [132, 508], [318, 508], [318, 670], [344, 670]] },
  "7-11": { way: [[344, 446], [318, 446], [318, 670], [344, 670]] },
  "8-11": { way: [[284, 556], [318, 556], [318, 670], [344, 670]] },
};

// ends are the boxes that an arrow joins. CLOSED is where it is nearer: calls that come to
// nothing go back to where they began.
export function ends(from, to) {
  const early = to === 11 && (from === 1 || from === 2 || from === 3);
  return [from === 11 ? "start" : String(from), to !== 11 ? String(to) : early ? "start" : "end"];
}

// path is an arrow's way with round corners.
export function path(way) {
  const bend = 9, text = [`M${way[0]}`];
  for (let i = 1; i < way.length - 1; i++) {
    const [a, b, c] = [way[i - 1], way[i], way[i + 1]];
    const short = Math.min(bend, distance(a, b) / 2, distance(b, c) / 2);
    text.push(`L${towards(b, a, short)}`, `Q${b} ${towards(b, c, short)}`);
  }
  return text.concat(`L${way.at(-1)}`).join(" ");
}

const distance = ([x, y], [u, v]) => Math.hypot(u - x, v - y);

function towards(from, to, length) {
  const part = length / (distance(from, to) || 1);
  return [from[0] + (to[0] - from[0]) * part, from[1] + (to[1] - from[1]) * part];
}

// steps are the arrows that lead from one state to another where several were not seen; [] if none do.
export function steps(from, to) {
  const seen = new Map([[from, undefined]]);
  for (const at of seen.keys()) {
    if (at === to) break;
    for (const [pair, arrow] of Object.entries(arrows)) {
      const [a, b] = pair.split("-").map(Number);
      if (a === at && (a !== 11 || a === from) && arrow.words && !seen.has(b)) seen.set(b, at);
    }
  }
  const list = [];
  for (let at = to; seen.get(at) !== undefined; at = seen.get(at)) list.unshift([seen.get(at), at]);
  return list;
}
