"use strict";
// Draws what the page's data says. All times are microseconds since the start of the run.
const D = JSON.parse(document.getElementById("data").textContent);
const $ = id => document.getElementById(id);
const root = document.documentElement;
addEventListener("error", event => { root.dataset.error = event.message; });
if (/^#(dark|light)\b/.test(location.hash)) root.dataset.theme = location.hash.match(/dark|light/)[0];

// Times and names.
const END = Math.max(D.end, 1);
const unrolled = deltas => { let sum = 0; return deltas.map(delta => sum += delta); };
const S = D.story, T = unrolled(S.t), E = D.events, ET = unrolled(E.t), EID = unrolled(E.id);
const seconds = (t, digits = 3) => (t / 1e6).toFixed(digits) + " s";
const span = us => us >= 999950 ? (us / 1e6).toFixed(3) + " s"
  : us >= 1000 ? (us / 1e3).toFixed(1) + " ms" : us + " µs";
const count = n => Math.round(n).toLocaleString("en");
const bytes = n => n >= 1e9 ? (n / 1e9).toFixed(2) + " GB" : n >= 1e6 ? (n / 1e6).toFixed(1) + " MB"
  : n >= 1e3 ? (n / 1e3).toFixed(1) + " kB" : n + " B";
const text = value => String(value).replace(/[&<>"]/g, c => "&#" + c.charCodeAt(0) + ";");
const PHASES = ["detection", "decision", "restore", "replay", "catch-up"];
const PHASE_COLOURS = ["orange", "purple", "sky", "blue", "green"];
const WAYS = { k: "", s: "it starts", m: "a message comes", c: "news of a connection",
  p: "its own message", t: "its timer rings", d: "its disk answers", x: "a child of it ends" };

// What each node's lane holds, in the order of time.
const lanes = D.nodes.map(() => []);
S.n.forEach((node, at) => lanes[node].push(at));
for (const c of D.checkpoints) c.parts = c.parts.map(([task, aligning, cut, sent, uploading, acked, notified, bytes]) =>
  ({ task, aligning, cut, sent, uploading, acked, notified, bytes }));
const generationAt = checkpoint => D.generations.find(g => g.id === checkpoint.generation);

// Where everything stands.
const LEFT = 118, RIGHT = 14, LANE = 19, ROW = 22, CHART = 92, GAP = 20;
let t0 = 0, t1 = END, chosen = -1, hovered = null, width = 0;
const rows = {};
let height = 0;
const place = (name, size, gap = 0) => { height += gap; rows[name] = { y: height, h: size }; height += size; };
place("overview", 26); place("axis", 22, 4); place("faults", ROW, 2); place("recovery", ROW);
place("generations", ROW); place("checkpoints", ROW + 6); place("lanes", LANE * D.nodes.length, D.violations.length ? 20 : 8);
["throughput", "outputs", "latency", "lag"].forEach(name => place(name, CHART, GAP));
height += 8;

const canvas = $("drawing"), pen = canvas.getContext("2d");
const x = t => LEFT + (t - t0) / (t1 - t0) * (width - LEFT - RIGHT);
const timeAt = px => t0 + (px - LEFT) / (width - LEFT - RIGHT) * (t1 - t0);
const whole = t => LEFT + t / END * (width - LEFT - RIGHT);
let ink = {};
function colours() {
  const style = getComputedStyle(root);
  for (const name of ["paper", "panel", "ink", "soft", "line", "life", "lane", "accent", "orange",
    "sky", "green", "yellow", "blue", "vermillion", "purple"]) ink[name] = style.getPropertyValue("--" + name).trim();
}
const CLASSES = [["+z<", "green"], ["?F", "vermillion"], ["GRS^f", "blue"], ["()xi", "sky"],
  ["vELdm", "purple"], ["|-t#~$", "orange"]];
const colourOf = sign => (CLASSES.find(([signs]) => signs.includes(sign)) || [0, "soft"])[1];

function box(colour, left, top, right, bottom, alpha = 1) {
  const from = Math.max(left, LEFT), to = Math.min(right, width - RIGHT);
  if (to < from) return;
  pen.globalAlpha = alpha; pen.fillStyle = ink[colour];
  pen.fillRect(from, top, Math.max(to - from, 1), bottom - top);
  pen.globalAlpha = 1;
}
function say(words, px, py, colour = "soft", align = "left", size = 12, weight = "") {
  pen.font = `${weight} ${size}px system-ui, sans-serif`; pen.fillStyle = ink[colour];
  pen.textAlign = align; pen.textBaseline = "middle"; pen.fillText(words, px, py);
}
const label = (words, name) => say(words, LEFT - 10, rows[name].y + rows[name].h / 2, "soft", "right");
const clip = draw => {
  pen.save(); pen.beginPath(); pen.rect(LEFT, 0, width - LEFT - RIGHT, height); pen.clip();
  draw(); pen.restore();
};

function ticks() {
  const wanted = (t1 - t0) / Math.max((width - LEFT) / 110, 1);
  const power = 10 ** Math.floor(Math.log10(wanted));
  const step = [1, 2, 5, 10].map(n => n * power).find(n => n >= wanted);
  const digits = Math.max(0, 6 - Math.floor(Math.log10(step) + 1e-9));
  const list = [];
  for (let t = Math.ceil(t0 / step) * step; t <= t1; t += step) list.push([t, (t / 1e6).toFixed(digits) + " s"]);
  return list;
}

// Parts of the drawing, from the top.
function drawOverview() {
  const { y, h } = rows.overview;
  box("lane", LEFT, y, width - RIGHT, y + h);
  // What the lag was, by its root: small ones are seen, too.
  const most = Math.sqrt(Math.max(...D.series.lag, 1)), w = D.series.width;
  pen.fillStyle = ink.blue; pen.globalAlpha = 0.45;
  D.series.lag.forEach((value, at) => {
    const bar = Math.sqrt(value) / most * (h - 4);
    pen.fillRect(whole(at * w), y + h - bar, Math.max(whole((at + 1) * w) - whole(at * w), 1), bar);
  });
  pen.globalAlpha = 1;
  for (const fault of D.faults) if (fault.at >= 0) { pen.fillStyle = ink.vermillion; pen.fillRect(whole(fault.at) - 1, y, 2, h); }
  if (t1 - t0 < END) {
    pen.fillStyle = ink.paper; pen.globalAlpha = 0.72;
    pen.fillRect(LEFT, y, whole(t0) - LEFT, h); pen.fillRect(whole(t1), y, width - RIGHT - whole(t1), h);
    pen.globalAlpha = 1; pen.strokeStyle = ink.accent; pen.lineWidth = 1.5;
    pen.strokeRect(whole(t0), y + 1, Math.max(whole(t1) - whole(t0), 3), h - 2);
  }
  say("whole run", LEFT - 10, y + h / 2, "soft", "right");
}
function drawGround(list) {
  const top = rows.axis.y + rows.axis.h;
  for (const [t, words] of list) {
    box("line", x(t), top, x(t) + 1, height, 0.6);
    if (x(t) > LEFT + 16 && x(t) < width - RIGHT - 16) say(words, x(t), rows.axis.y + 11, "soft", "center");
  }
  for (const band of D.bands) {
    if (band.until > band.from) box("vermillion", x(band.from), top, x(band.until), height, 0.08);
    box("vermillion", x(band.from) - 0.5, top, x(band.from) + 0.5, height, 0.5);
  }
}
// Where a law was found broken.
function drawViolations() {
  for (const { at, law } of D.violations) {
    if (at < t0 || at > t1) continue;
    pen.strokeStyle = ink.ink; pen.lineWidth = 1.5; pen.setLineDash([2, 3]); pen.beginPath();
    pen.moveTo(x(at), rows.axis.y + rows.axis.h); pen.lineTo(x(at), height); pen.stroke(); pen.setLineDash([]);
    const right = x(at) > width - 170;
    say("✗ " + law, x(at) + (right ? -6 : 6), rows.lanes.y - 7, "ink", right ? "right" : "left", 12, "700");
  }
}
function drawFaults() {
  const { y, h } = rows.faults;
  label("faults", "faults");
  for (const band of D.bands) box("vermillion", x(band.from), y + 6, x(band.until), y + h - 6, 0.35);
  let last = -99;
  for (const fault of D.faults.filter(fault => fault.at >= t0 && fault.at <= t1).sort((a, b) => a.at - b.at)) {
    const px = x(fault.at);
    pen.beginPath(); pen.arc(px, y + h / 2, 8, 0, 7);
    pen.fillStyle = fault.effective ? ink.vermillion : ink.paper; pen.fill();
    pen.strokeStyle = ink.vermillion; pen.lineWidth = 1.5; pen.stroke();
    if (px - last > 9) say(fault.number, px, y + h / 2 + 0.5, fault.effective ? "paper" : "ink", "center", 10.5, "600");
    last = px;
  }
}
function drawRecovery() {
  const { y, h } = rows.recovery;
  label("outages", "recovery");
  for (const outage of D.recoveries) {
    let from = outage.began;
    outage.phases.forEach((length, phase) => {
      if (length > 0) box(PHASE_COLOURS[phase], x(from), y + 4, x(from + length), y + h - 4);
      const left = Math.max(x(from), LEFT);
      if (Math.min(x(from + length), width - RIGHT) - left > 62) say(PHASES[phase], left + 5, y + h / 2, "paper", "left", 11, "600");
      from += length;
    });
  }
}
function drawGenerations() {
  const { y, h } = rows.generations;
  label("generations", "generations");
  D.generations.forEach((generation, at) => {
    const until = D.generations[at + 1]?.granted ?? END;
    const runs = generation.running >= 0 ? Math.min(generation.running, until) : until;
    box("orange", x(generation.granted), y + 5, x(runs), y + h - 5, 0.7);
    box(at % 2 ? "life" : "line", x(runs), y + 5, x(until), y + h - 5);
    const left = Math.max(x(generation.granted), LEFT) + 6;
    if (Math.min(x(until), width - RIGHT) - left > 26) say("g" + generation.id, left, y + h / 2, "ink", "left", 11, "600");
  });
}
function drawCheckpoints() {
  const { y, h } = rows.checkpoints;
  label("checkpoints", "checkpoints");
  for (const c of D.checkpoints) {
    const end = c.ended < 0 ? END : c.ended;
    if (end < t0 || c.triggered > t1) continue;
    const bad = c.reason !== "";
    const [top, bottom] = c.id % 2 ? [y + 3, y + h / 2 - 1] : [y + h / 2 + 1, y + h - 3];
    box(bad ? "vermillion" : "sky", x(c.triggered), top, Math.max(x(end), x(c.triggered) + 2), bottom);
    if (bad && x(end) > LEFT && x(end) < width - RIGHT) say("×", x(end) + 5, (top + bottom) / 2, "vermillion", "center", 13, "700");
    const left = Math.max(x(c.triggered), LEFT);
    if (Math.min(x(end), width - RIGHT) - left > 44) say("chk" + c.id, left + 4, (top + bottom) / 2 + 0.5, "ink", "left", 10);
  }
}
function drawLanes() {
  const { y } = rows.lanes;
  D.nodes.forEach((node, at) => {
    const top = y + at * LANE;
    if (at % 2 === 0) box("lane", LEFT, top, width - RIGHT, top + LANE);
    say(node, LEFT - 10, top + LANE / 2, "ink", "right", 12);
  });
  for (const life of D.lives) if (life.node >= 0) {
    const top = y + life.node * LANE;
    box("life", x(life.from), top + 6, x(life.until < 0 ? END : life.until), top + LANE - 6);
  }
  for (const band of D.bands) if (band.node >= 0) {
    const top = y + band.node * LANE;
    box("vermillion", x(band.from), top + 1, Math.max(x(band.until), x(band.from) + 2), top + LANE - 1, 0.4);
  }
  clip(drawParts);
  clip(drawStory);
}
// What each task did for a checkpoint, once there is room to see it.
function drawParts() {
  for (const c of D.checkpoints) {
    const end = c.ended < 0 ? END : c.ended;
    if (end < t0 || c.triggered > t1 || x(end) - x(c.triggered) < 24) continue;
    const tasks = generationAt(c)?.tasks ?? {}, used = {};
    for (const part of c.parts) {
      const node = tasks[part.task];
      if (node === undefined) continue;
      const slot = used[node] = (used[node] ?? -1) + 1;
      const top = rows.lanes.y + node * LANE + 3 + (slot % 6) * 2.2;
      const at = step => x(c.triggered + part[step]);
      if (part.aligning >= 0) box("yellow", at("aligning"), top, part.cut < 0 ? x(end) : at("cut"), top + 1.8);
      if (part.cut >= 0) box("sky", at("cut"), top, part.acked < 0 ? x(end) : at("acked"), top + 1.8);
    }
  }
}
function drawStory() {
  const { y } = rows.lanes;
  lanes.forEach((told, node) => {
    const top = y + node * LANE;
    let last = -99;
    for (let i = first(told, t0); i < told.length && T[told[i]] <= t1; i++) {
      const at = told[i], px = x(T[at]), next = i + 1 < told.length ? x(T[told[i + 1]]) : 1e9;
      if (px - last > 9 && next - px > 9) {
        say(S.s[at], px, top + LANE / 2, colourOf(S.s[at]) === "sky" ? "accent" : colourOf(S.s[at]), "center", 12.5, "700");
        last = px;
      } else if (px - last > 0.7) {
        box(colourOf(S.s[at]), px - 0.7, top + 3, px + 0.7, top + LANE - 3);
        last = px;
      }
    }
  });
}
const first = (told, t) => {
  let low = 0, high = told.length;
  while (low < high) { const mid = (low + high) >> 1; if (T[told[mid]] < t) low = mid + 1; else high = mid; }
  return low;
};

// Charts. Buckets narrower than a few pixels are drawn together: rates as means, the rest as peaks.
const BIN = 4;
const CHARTS = {
  throughput: { title: "read", rate: true, show: n => count(n) + "/s",
    series: [["arrived", "soft", "arrived"], ["again", "orange", "read again"], ["read", "blue", "read for the first time"]] },
  outputs: { title: "visible", rate: true, show: n => count(n) + "/s", fill: true,
    series: [["visible", "green", "outputs that became visible"]] },
  latency: { title: "latency", show: span, bars: true, series: [["p99", "purple", "p99"], ["p50", "blue", "p50"]] },
  lag: { title: "lag", show: n => count(n) + " records", fill: true, series: [["lag", "blue", "records arrived, not read"]] },
};
function bins(chart) {
  const w = D.series.width, pixels = (width - LEFT - RIGHT) * w / (t1 - t0);
  const group = Math.max(1, Math.ceil(BIN / pixels)), length = D.series.read.length;
  const from = Math.max(Math.floor(t0 / w / group), 0), to = Math.min(Math.ceil(t1 / w / group), Math.ceil(length / group));
  const scale = chart.rate ? 1e6 / w : 1;
  const value = (key, bin) => {
    const values = D.series[key], end = Math.min((bin + 1) * group, length);
    let sum = 0, peak = 0, some = 0;
    for (let i = bin * group; i < end; i++) { sum += values[i]; peak = Math.max(peak, values[i]); some += values[i] > 0; }
    return chart.rate ? sum / (end - bin * group) * scale : key === "p50" ? sum / Math.max(some, 1) : peak;
  };
  let most = 0;
  for (const [key] of chart.series) for (let bin = from; bin < to; bin++) most = Math.max(most, value(key, bin));
  return { w: w * group, from, to, value, most };
}
function drawChart(name) {
  const chart = CHARTS[name], { y, h } = rows[name], { w, from, to, value, most } = bins(chart);
  const top = v => y + h - v / (most || 1) * (h - 6);
  say(chart.title, LEFT - 10, y + 8, "ink", "right", 12.5, "600");
  if (most > 0) say(chart.show(most), LEFT - 10, y + 26, "soft", "right", 11); say("0", LEFT - 10, y + h - 5, "soft", "right", 11);
  box("line", LEFT, y + h, width - RIGHT, y + h + 1); box("line", LEFT, y, width - RIGHT, y + 1, 0.5);
  clip(() => {
    if (chart.bars) for (let bin = from; bin < to; bin++) {
      const p99 = value("p99", bin), p50 = value("p50", bin), left = x(bin * w) + 0.5, right = Math.max(x((bin + 1) * w) - 0.5, left + 1.5);
      if (p99 === 0) continue;
      box("purple", left, top(p99), right, top(p50), 0.45);
      box("purple", left, top(p99) - 1, right, top(p99) + 1); box("blue", left, top(p50) - 1, right, top(p50) + 1);
    }
    else for (const [key, colour] of chart.series) {
      pen.beginPath(); pen.strokeStyle = ink[colour]; pen.lineWidth = key === "arrived" ? 1 : 1.6;
      for (let bin = from; bin < to; bin++) {
        const at = top(value(key, bin));
        if (bin === from) pen.moveTo(x(bin * w), at); else pen.lineTo(x(bin * w), at);
        pen.lineTo(x(Math.min((bin + 1) * w, END)), at);
      }
      pen.stroke();
      if (chart.fill) { pen.lineTo(x(Math.min(to * w, END)), y + h); pen.lineTo(x(from * w), y + h); pen.globalAlpha = 0.18; pen.fillStyle = ink[colour]; pen.fill(); pen.globalAlpha = 1; }
    }
  });
  let right = width - RIGHT - 4;
  for (const [, colour, words] of [...chart.series].reverse()) {
    say(words, right, y - 8, "soft", "right", 11);
    right -= pen.measureText(words).width + 6; pen.fillStyle = ink[colour]; pen.fillRect(right - 14, y - 9, 14, 3); right -= 28;
  }
}

// How the chosen observation came about.
const toldBy = new Map();
S.e.forEach((e, at) => { if (e >= 0 && !toldBy.has(e)) toldBy.set(e, at); });
function chain(at) {
  const list = [];
  let told = 0;
  for (let e = S.e[at]; e >= 0 && list.length < 60 && told < 4; e = E.c[e]) { list.push(e); told += toldBy.has(e); }
  return list;
}
function drawChain() {
  if (chosen < 0) return;
  const centre = node => rows.lanes.y + (node + 0.5) * LANE;
  clip(() => {
    pen.strokeStyle = ink.ink; pen.lineWidth = 1.5; pen.setLineDash([5, 3]); pen.beginPath();
    chain(chosen).forEach((e, i) => {
      if (E.n[e] < 0) return;
      const px = x(ET[e]), py = centre(E.n[e]);
      if (i) pen.lineTo(px, py); else pen.moveTo(px, py);
    });
    pen.stroke(); pen.setLineDash([]);
    pen.beginPath(); pen.arc(x(T[chosen]), centre(S.n[chosen]), 8, 0, 7); pen.lineWidth = 2; pen.stroke();
  });
}

let due = false;
function draw() { if (!due) { due = true; requestAnimationFrame(paint); } }
function paint() {
  due = false;
  const ratio = window.devicePixelRatio || 1;
  width = canvas.parentElement.clientWidth;
  canvas.style.height = height + "px";
  canvas.width = Math.round(width * ratio); canvas.height = Math.round(height * ratio);
  pen.setTransform(ratio, 0, 0, ratio, 0, 0);
  pen.clearRect(0, 0, width, height);
  drawOverview(); drawGround(ticks()); drawFaults(); drawRecovery(); drawGenerations();
  drawCheckpoints(); drawLanes();
  Object.keys(CHARTS).forEach(drawChart);
  drawViolations();
  drawChain();
  if (hovered) box("ink", x(hovered.t), rows.axis.y + rows.axis.h, x(hovered.t) + 1, height, 0.25);
  if (dragging && dragging.kind === "select") box("accent", Math.min(dragging.from, dragging.to), rows.axis.y, Math.max(dragging.from, dragging.to), height, 0.18);
  $("range").textContent = t1 - t0 >= END ? "all " + seconds(END, 1) : `${seconds(t0)} to ${seconds(t1)}`;
  root.dataset.drawn ??= Math.round(performance.now());
}
function look(from, to) {
  let length = Math.min(Math.max(to - from, 200), END);
  const start = Math.min(Math.max(from - Math.max(0, length - (to - from)) / 2, 0), END - length);
  t0 = start; t1 = start + length; draw();
}
const zoom = (factor, at = (t0 + t1) / 2) => look(at - (at - t0) * factor, at + (t1 - at) * factor);

// What is under the pointer.
const within = (name, py) => py >= rows[name].y && py < rows[name].y + rows[name].h;
function under(px, py) {
  const t = timeAt(px), near = 6 / (width - LEFT - RIGHT) * (t1 - t0);
  if (px < LEFT || px > width - RIGHT) return null;
  if (within("faults", py)) {
    const fault = D.faults.filter(f => f.at >= 0 && Math.abs(f.at - t) < near * 1.6).sort((a, b) => Math.abs(a.at - t) - Math.abs(b.at - t))[0];
    if (fault) return { t, head: `fault ${fault.number}: ${fault.target}, ${fault.what}`, body: `${seconds(fault.at)}\n${fault.effect}` };
  }
  if (within("recovery", py)) {
    const outage = D.recoveries.find(o => t >= o.began - near && t <= o.began + o.phases.reduce((a, b) => a + b, 0) + near);
    if (outage) return { t, head: outage.title, body: PHASES.map((name, i) => `${name} ${span(outage.phases[i])}`).join("\n") };
  }
  if (within("generations", py)) {
    const at = D.generations.findLastIndex(g => g.granted <= t);
    if (at >= 0) { const g = D.generations[at]; return { t, head: `generation ${g.id}`, body: `granted at ${seconds(g.granted)}, from ${g.restore < 0 ? "nothing" : "chk" + g.restore}\n${g.running < 0 ? "never ran" : "ran after " + span(g.running - g.granted)}` }; }
  }
  if (within("checkpoints", py)) {
    const c = D.checkpoints.filter(c => t >= c.triggered - near && t <= (c.ended < 0 ? END : c.ended) + near)
      .sort((a, b) => Math.abs(a.triggered - t) - Math.abs(b.triggered - t))[0];
    if (c) return { t, checkpoint: c, head: `chk${c.id} of generation ${c.generation}`, body: checkpointWords(c) };
  }
  if (within("lanes", py)) {
    const node = Math.floor((py - rows.lanes.y) / LANE), told = lanes[node];
    const i = first(told, t), best = [told[i - 1], told[i]].filter(at => at !== undefined && Math.abs(T[at] - t) < near)
      .sort((a, b) => Math.abs(T[a] - t) - Math.abs(T[b] - t))[0];
    if (best !== undefined) {
      const same = told.filter(at => Math.abs(T[at] - T[best]) < near / 3).length - 1;
      return { t, story: best, head: S.w[best], body: `${D.nodes[node]}, ${seconds(T[best], 6)}` + (same ? `\nand ${same} more here: zoom in` : "") };
    }
    const life = D.lives.find(l => l.node === node && l.from <= t && (l.until < 0 || l.until > t));
    const band = D.bands.find(b => b.node === node && b.from <= t && b.until >= t);
    const fault = band && D.faults[band.fault - 1];
    return { t, head: D.nodes[node], body: `${seconds(t)}\n` + (life ? `life ${life.life}, since ${seconds(life.from)}` : "down") + (fault ? `\nfault ${fault.number}: ${fault.what}` : "") };
  }
  for (const [name, chart] of Object.entries(CHARTS)) if (within(name, py)) {
    const { w, from, to, value } = bins(chart), bin = Math.floor(t / w);
    if (bin < from || bin >= to) return null;
    return { t, head: `${seconds(bin * w, 1)} to ${seconds((bin + 1) * w, 1)}`, body: chart.series.map(([key, , words]) => `${words}: ${chart.show(value(key, bin))}`).join("\n") };
  }
  return { t };
}
const checkpointWords = c => `triggered at ${seconds(c.triggered)}\n` +
  (c.ended < 0 ? "not over when the run ended" : c.reason ? `aborted after ${span(c.ended - c.triggered)}: ${c.reason}` : `complete after ${span(c.ended - c.triggered)}, ${bytes(c.bytes)}`);

// The panel.
const resting = $("panel").innerHTML;
function showCheckpoint(c) {
  const row = part => `<tr><td>${text(D.tasks[part.task])}</td>` + ["aligning", "cut", "acked"].map(step =>
    `<td class="n">${part[step] < 0 ? "–" : span(part[step])}</td>`).join("") + `<td class="n">${bytes(part.bytes)}</td></tr>`;
  $("panel").innerHTML = `<h3>chk${c.id}, ${text(c.kind)}, generation ${c.generation}</h3><p>${text(checkpointWords(c)).replace(/\n/g, "<br>")}</p>` +
    `<table><thead><tr><th>task<th class="n">first barrier<th class="n">cut<th class="n">durable<th class="n">size</tr></thead><tbody>${c.parts.map(row).join("")}</tbody></table><p class="soft">since the trigger</p>`;
}
// The fault that struck last before something that nothing in the cluster caused.
function struck(t) {
  const fault = D.faults.filter(fault => fault.at >= 0 && fault.at <= t && t - fault.at < 1e7).sort((a, b) => b.at - a.at)[0];
  return fault ? ` Fault ${fault.number} (${text(fault.target)}, ${text(fault.what)}) had struck ${span(t - fault.at)} before.` : "";
}
function showStory(at) {
  chosen = at;
  const steps = chain(at), told = e => toldBy.get(e) ?? -1;
  const line = (e, i) => {
    const node = E.n[e] < 0 ? "" : D.nodes[E.n[e]], before = steps[i + 1];
    let how = WAYS[E.w[e]] || "";
    if (E.w[e] === "m" && before !== undefined && E.n[before] >= 0) how = `a message from ${D.nodes[E.n[before]]}`;
    const other = i === 0 ? -1 : told(e);
    const what = other >= 0 ? `<a data-story="${other}">${text(S.w[other])}</a><br>` : "";
    return `<li class="${i === 0 || other >= 0 ? "told" : ""}">${i === 0 ? `<b>${text(S.w[at])}</b><br>` : what}<span class="soft">${text(node)}, ${seconds(ET[e], 6)}${how ? ", " + text(how) : ""}</span></li>`;
  };
  const lane = lanes[S.n[at]], i = lane.indexOf(at), before = lane[i - 1], after = lane[i + 1];
  const jump = (to, words) => to === undefined ? "" : `<p class="soft">${words} <a class="at" data-story="${to}">${text(S.w[to])}</a></p>`;
  const last = steps[steps.length - 1], end = steps.length ? E.c[last] : -1;
  const note = !steps.length ? "No causes were kept of this one." : end === -1 ? "It began there: a start, a fault, or something else from outside." + struck(ET[last])
    : end >= 0 && toldBy.has(last) ? "Click on the last one to go on." : "Earlier causes are left out.";
  $("panel").innerHTML = `<h3>${text(D.nodes[S.n[at]])}, ${seconds(T[at], 6)}</h3><p class="soft">${steps.length ? `kernel event ${count(EID[S.e[at]])}; what led to it, newest first:` : ""}</p>` +
    `<ol class="causes">${steps.map(line).join("") || `<li class="told"><b>${text(S.w[at])}</b></li>`}</ol><p class="soft">${note}</p>` +
    jump(before, "Before it at this process:") + jump(after, "After it:");
  draw();
}
function rest() { chosen = -1; $("panel").innerHTML = resting; draw(); }

// Hands.
let dragging = null;
const at = event => { const r = canvas.getBoundingClientRect(); return [event.clientX - r.left, event.clientY - r.top]; };
canvas.addEventListener("pointerdown", event => {
  const [px, py] = at(event);
  canvas.setPointerCapture(event.pointerId);
  dragging = { kind: within("overview", py) ? "move" : "select", from: px, to: px, y: py };
  if (dragging.kind === "move") centre(px);
});
const centre = px => { const t = (px - LEFT) / (width - LEFT - RIGHT) * END, half = (t1 - t0) / 2; look(t - half, t + half); };
canvas.addEventListener("pointermove", event => {
  const [px, py] = at(event);
  if (dragging) { dragging.to = px; if (dragging.kind === "move") centre(px); draw(); return; }
  hovered = under(px, py);
  const tip = $("tip");
  if (hovered && hovered.head) {
    tip.innerHTML = `<b>${text(hovered.head)}</b><div>${text(hovered.body)}</div>`;
    tip.style.display = "block";
    tip.style.left = Math.min(px + 14, width - tip.offsetWidth - 4) + "px"; tip.style.top = py + 18 + "px";
  } else tip.style.display = "none";
  draw();
});
canvas.addEventListener("pointerup", event => {
  if (!dragging) return;
  const { kind, from, to, y } = dragging;
  dragging = null;
  if (kind === "select" && Math.abs(to - from) > 5) look(timeAt(Math.min(from, to)), timeAt(Math.max(from, to)));
  else if (kind === "select") {
    const found = under(from, y);
    if (found && found.story !== undefined) showStory(found.story);
    else if (found && found.checkpoint) showCheckpoint(found.checkpoint);
    else rest();
  }
  draw();
});
canvas.addEventListener("pointerleave", () => { hovered = null; $("tip").style.display = "none"; draw(); });
canvas.addEventListener("dblclick", () => look(0, END));
canvas.addEventListener("wheel", event => {
  if (!event.ctrlKey && !event.metaKey && !event.shiftKey) return;
  event.preventDefault();
  const delta = event.deltaY || event.deltaX;
  if (event.shiftKey) { const by = (t1 - t0) * Math.sign(delta) * 0.15; look(t0 + by, t1 + by); } else zoom(delta > 0 ? 1.25 : 0.8, timeAt(at(event)[0]));
}, { passive: false });
canvas.addEventListener("keydown", event => {
  const by = (t1 - t0) * 0.2;
  const keys = { "+": () => zoom(0.6), "=": () => zoom(0.6), "-": () => zoom(1.7), "0": () => look(0, END), Escape: rest,
    ArrowLeft: () => look(t0 - by, t1 - by), ArrowRight: () => look(t0 + by, t1 + by) };
  if (keys[event.key]) { keys[event.key](); event.preventDefault(); }
});
$("in").onclick = () => zoom(0.5);
$("out").onclick = () => zoom(2);
$("all").onclick = () => look(0, END);
$("theme").onclick = () => {
  const dark = root.dataset.theme ? root.dataset.theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
  root.dataset.theme = dark ? "light" : "dark"; colours(); draw();
};
$("copy").onclick = () => navigator.clipboard?.writeText($("repeat").textContent).then(() => { $("copy").textContent = "copied"; });
document.addEventListener("click", event => {
  const link = event.target.closest("[data-story]"), row = event.target.closest("tr[data-from]");
  if (link) {
    const to = Number(link.dataset.story), half = (t1 - t0) / 2;
    if (T[to] < t0 || T[to] > t1) look(T[to] - half, T[to] + half);
    showStory(to);
  } else if (row) {
    const from = Number(row.dataset.from), to = Number(row.dataset.to), margin = Math.max((to - from) * 0.6, 2e5);
    look(from - margin, to + margin);
    const c = D.checkpoints.find(c => c.id === Number(row.dataset.checkpoint));
    if (c) showCheckpoint(c);
    canvas.scrollIntoView({ behavior: "smooth", block: "nearest" });
  }
});
addEventListener("resize", draw);
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => { colours(); draw(); });
// A place to look at may stand in the address: #at=12.5s..13s, #story=17.
const where = location.hash.match(/at=([\d.]+)s\.\.([\d.]+)s/);
const which = location.hash.match(/story=(\d+)/);
colours();
if (where) look(where[1] * 1e6, where[2] * 1e6);
if (which && T[which[1]] !== undefined) showStory(Number(which[1]));
paint();
