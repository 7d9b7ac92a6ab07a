// Curves on canvas: hover reads values, a drag zooms, a click seeks the film. No library, nothing from a network.
"use strict";
const css = name => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
const TAKES = {"true listener": "--true", "sample 1": "--one", "sample 2": "--two", "sample 3": "--three", "baseline": "--base"};
const MARKS = {nod: "▾", shake: "↔", smile: "◡", blink: "–"};
const LANE = 19, BOTTOM = 22, charts = [];

class Chart {
  // series: [{name, colour, dash, points: [[x, y or null]]}]; lanes: [{name, colour, bands: [[from, to]], marks: [[x, sign]]}]
  constructor(box, {unit = "", end, lanes = [], video = null, height = 190, from = 0}) {
    Object.assign(this, {unit, end, lanes, video, height, from, series: [], view: [from, end], at: null, drag: null});
    this.canvas = box.querySelector("canvas"); this.said = box.querySelector(".said");
    const on = (name, act) => this.canvas.addEventListener(name, act);
    on("pointerdown", e => { this.drag = [e.offsetX, e.offsetX]; this.canvas.setPointerCapture(e.pointerId); });
    on("pointermove", e => { this.at = this.time(e.offsetX); if (this.drag) this.drag[1] = e.offsetX; this.draw(); });
    on("pointerup", e => this.release(e.offsetX));
    on("pointercancel", () => { this.drag = null; this.draw(); });
    on("pointerleave", () => { if (!this.drag) { this.at = null; this.draw(); } });
    on("dblclick", () => this.zoom(null));
    on("keydown", e => this.key(e));
    if (video) { const follow = () => { this.draw(); if (!video.paused) requestAnimationFrame(follow); };
      ["play", "seeked", "timeupdate"].forEach(name => video.addEventListener(name, follow)); }
    new ResizeObserver(() => this.draw()).observe(this.canvas.parentNode);
    charts.push(this);
  }
  get left() { return !this.lanes.length ? 48 : this.canvas.clientWidth < 500 ? 62 : 112; }
  get width() { return this.canvas.clientWidth - this.left - 8; }
  x(t) { return this.left + (t - this.view[0]) / (this.view[1] - this.view[0]) * this.width; }
  time(x) { const t = this.view[0] + (x - this.left) / this.width * (this.view[1] - this.view[0]); return Math.min(this.end, Math.max(this.from, t)); }
  release(x) {
    if (!this.drag) return;
    const [a, b] = [this.time(Math.min(this.drag[0], x)), this.time(Math.max(this.drag[0], x))], far = Math.abs(x - this.drag[0]) > 8;
    this.drag = null;
    if (far) this.zoom([a, b]); else this.seek(this.time(x));
  }
  seek(t) { if (this.video) this.video.currentTime = Math.min(this.end - .01, Math.max(0, t)); this.at = t; this.draw(); }
  zoom(view) {
    if (view && view[1] - view[0] < (this.end - this.from) / 40) return;
    this.view = view ? [Math.max(this.from, view[0]), Math.min(this.end, view[1])] : [this.from, this.end];
    this.draw();
  }
  closer(factor) { const c = this.video ? this.video.currentTime : this.at ?? (this.view[0] + this.view[1]) / 2, half = (this.view[1] - this.view[0]) * factor / 2; this.zoom([c - half, c + half]); }
  key(e) {
    const v = this.video, step = v ? 1 / 30 : (this.view[1] - this.view[0]) / 60, now = v ? v.currentTime : this.at ?? this.view[0];
    const acts = {" ": () => v && (v.paused ? v.play() : v.pause()), ArrowLeft: () => this.seek(now - step), ArrowRight: () => this.seek(now + step),
      Home: () => this.seek(this.from), End: () => this.seek(this.end), "+": () => this.closer(.5), "=": () => this.closer(.5), "-": () => this.closer(2), "0": () => this.zoom(null)};
    if (!acts[e.key] || e.ctrlKey || e.metaKey || e.altKey) return;
    e.preventDefault(); acts[e.key]();
  }
  draw() {
    const {canvas, lanes} = this, g = canvas.getContext("2d"), ratio = devicePixelRatio || 1, top = lanes.length * LANE + (lanes.length ? 8 : 10);
    const wide = canvas.parentNode.clientWidth, high = top + this.height + BOTTOM;
    if (!wide) return;
    canvas.style.height = high + "px"; canvas.width = wide * ratio; canvas.height = high * ratio;
    g.scale(ratio, ratio); g.font = "12px system-ui, sans-serif"; g.textBaseline = "middle";
    const ink = css("--ink"), soft = css("--soft"), rule = css("--line"), L = this.left, R = L + this.width;
    const text = (words, x, y, colour, align = "left") => { g.fillStyle = colour; g.textAlign = align; g.fillText(words, x, y); };
    const clip = (draw) => { g.save(); g.beginPath(); g.rect(L, 0, this.width, high); g.clip(); draw(); g.restore(); };
    lanes.forEach((lane, k) => {
      const y = k * LANE + LANE / 2 + 2;
      text(L < 100 ? lane.brief : lane.name, L - 8, y, soft, "right");
      g.fillStyle = css("--shade"); g.fillRect(L, y - 7, this.width, 14);
      clip(() => {
        g.fillStyle = css(lane.colour);
        for (const [a, b] of lane.bands || []) g.fillRect(this.x(a), y - 7, Math.max(1, this.x(b) - this.x(a)), 14);
        g.font = "bold 15px system-ui, sans-serif";
        for (const [t, sign] of (lane.marks || []).filter(([t]) => t >= this.view[0] && t <= this.view[1])) text(sign, Math.min(Math.max(this.x(t), L + 6), R - 6), y, css(lane.colour), "center");
        g.font = "12px system-ui, sans-serif";
      });
    });
    const shown = this.series.filter(s => !s.hidden), inside = shown.flatMap(s => s.points.filter(p => p[0] >= this.view[0] && p[0] <= this.view[1] && p[1] !== null).map(p => p[1]));
    let low = Math.min(...inside), high_ = Math.max(...inside);
    if (!inside.length) [low, high_] = [0, 1];
    const pad = (high_ - low || Math.abs(low) || 1) * .06; low -= pad; high_ += pad;
    const y = v => top + (high_ - v) / (high_ - low) * this.height;
    for (const v of ticks(low, high_, 4)) { g.strokeStyle = rule; g.beginPath(); g.moveTo(L, y(v)); g.lineTo(R, y(v)); g.stroke(); text(short(v), L - 8, y(v), soft, "right"); }
    for (const t of ticks(...this.view, Math.max(3, this.width / 90))) text(this.video || this.lanes.length ? short(t) + " s" : short(t), Math.min(this.x(t), R - 8), high - 9, soft, "center");
    clip(() => {
      for (const s of shown) {
        g.strokeStyle = css(s.colour); g.lineWidth = s.bold ? 2.4 : 1.6; g.setLineDash(s.dash || []); g.beginPath();
        let pen = false;
        for (const [t, v] of s.points) { if (v === null) { pen = false; continue; } pen ? g.lineTo(this.x(t), y(v)) : g.moveTo(this.x(t), y(v)); pen = true; }
        g.stroke();
      }
      g.setLineDash([]); g.lineWidth = 1;
      if (this.drag) { g.fillStyle = ink; g.globalAlpha = .12; g.fillRect(this.drag[0], 0, this.drag[1] - this.drag[0], top + this.height); g.globalAlpha = 1; }
      const stroke = (t, colour, w) => { g.strokeStyle = colour; g.lineWidth = w; g.beginPath(); g.moveTo(this.x(t), 0); g.lineTo(this.x(t), top + this.height); g.stroke(); };
      if (this.video) stroke(this.video.currentTime, css("--bad"), 2);
      if (this.at !== null && !this.drag) {
        stroke(this.at, soft, 1);
        for (const s of shown) { const p = nearest(s.points, this.at); if (p && p[1] !== null) { g.fillStyle = css(s.colour); g.beginPath(); g.arc(this.x(p[0]), y(p[1]), 3.5, 0, 7); g.fill(); } }
      }
    });
    const t = this.at ?? (this.video ? this.video.currentTime : null);
    const values = t === null ? [] : shown.map(s => [s.name, nearest(s.points, t)]).filter(([, p]) => p && p[1] !== null).map(([name, p]) => `${name} ${short(p[1])}`);
    this.said.textContent = t === null ? this.unit : `${this.lanes.length ? t.toFixed(2) + " s" : "step " + Math.round(t)}: ${values.join(", ")}${this.lanes.length && this.unit ? ` (${this.unit})` : ""}`;
  }
}
const plain = name => name.replace(/[_/]/g, " ");
const short = v => Math.abs(v) < 1e-9 ? "0" : String(+v.toPrecision(3));
function nearest(points, t) {
  let a = 0, b = points.length - 1;
  while (b - a > 1) { const m = (a + b) >> 1; points[m][0] < t ? a = m : b = m; }
  return points.length && (Math.abs(points[a][0] - t) < Math.abs(points[b][0] - t) ? points[a] : points[b]);
}
function ticks(low, high, count) {
  const raw = (high - low) / count, power = 10 ** Math.floor(Math.log10(raw)), step = [1, 2, 5, 10].find(n => n * power >= raw) * power, found = [];
  for (let v = Math.ceil(low / step) * step; v <= high + step / 1e6; v += step) found.push(v);
  return found;
}
function buttons(box, names, chosen, act, colours) {  // one of several; with colours, any of them
  for (const name of names) {
    const button = box.appendChild(document.createElement("button"));
    button.type = "button"; button.textContent = plain(name); button.setAttribute("aria-pressed", colours ? true : name === chosen);
    if (colours) { button.className = "take"; const i = document.createElement("i"); i.style.background = `var(${colours[name]})`; button.prepend(i); }
    button.onclick = () => {
      if (colours) button.setAttribute("aria-pressed", button.getAttribute("aria-pressed") !== "true");
      else for (const other of box.children) other.setAttribute("aria-pressed", other === button);
      act(name);
    };
  }
}
function zooms(box, chart) {
  box.appendChild(document.createElement("span")).className = "space";
  for (const [name, label, act] of [["+", "closer", () => chart.closer(.5)], ["−", "wider", () => chart.closer(2)], ["all", "all of it", () => chart.zoom(null)]]) {
    const button = box.appendChild(document.createElement("button"));
    button.type = "button"; button.textContent = name; button.setAttribute("aria-label", label); button.onclick = act;
  }
}
function plays(box, video) {  // in place of the browser's controls, which cover half of a film on a phone
  const add = (name, act) => { const button = box.appendChild(document.createElement("button")); button.type = "button"; button.textContent = name; button.onclick = act; return button; };
  const toggle = () => video.paused ? video.play() : video.pause(), play = add("▶ play with sound", toggle);
  video.controls = false; video.onclick = toggle;
  for (const name of ["play", "pause", "ended"]) video.addEventListener(name, () => { play.textContent = video.paused ? "▶ play with sound" : "❚❚ pause"; });
  if (video.requestFullscreen) add("full screen", () => video.requestFullscreen());
  video.addEventListener("fullscreenchange", () => { video.controls = document.fullscreenElement === video; });
}
for (const box of document.querySelectorAll("[data-clip]")) {
  const data = JSON.parse(document.getElementById(box.dataset.clip).textContent), takes = Object.keys(data.events);
  const lanes = Object.entries(data.people).map(([name, bands]) => ({name: name.replace(" speaks", ""), brief: name.split(" ")[0], colour: name.includes("(left)") ? "--left" : "--right", bands}));
  for (const take of takes) lanes.push({name: take, brief: take.replace(" listener", ""), colour: TAKES[take] || "--ink", marks: Object.entries(data.events[take]).flatMap(([kind, times]) => times.map(t => [t, MARKS[kind]]))});
  const chart = new Chart(box, {end: data.seconds, lanes, video: box.querySelector("video")});
  const show = curve => {
    const hidden = new Set(chart.series.filter(s => s.hidden).map(s => s.name));
    chart.unit = data.units[curve];
    chart.series = Object.entries(data.curves[curve]).map(([name, values]) => ({name, colour: TAKES[name] || "--ink", bold: name === "true listener", dash: name === "baseline" ? [5, 4] : null, hidden: hidden.has(name), points: values.map((v, k) => [k / data.rate, v])}));
    chart.draw();
  };
  const curves = box.querySelector(".curves"), names = Object.keys(data.curves);
  if (chart.video) plays(box.querySelector(".plays"), chart.video);
  buttons(curves, names, names[0], show); zooms(curves, chart); show(names[0]);
  buttons(box.querySelector(".takes"), takes, null, name => { const s = chart.series.find(s => s.name === name); s.hidden = !s.hidden; chart.draw(); }, TAKES);
  const key = document.createElement("span"); key.className = "small soft"; key.textContent = Object.entries(MARKS).map(([kind, sign]) => `${sign} ${kind}`).join("   ");
  box.querySelector(".takes").append(key);
}
for (const box of document.querySelectorAll("[data-curve]")) {
  const data = JSON.parse(document.getElementById(box.dataset.curve).textContent), all = Object.values(data).flat().map(p => p[0]);
  const chart = new Chart(box, {end: Math.max(...all), from: Math.min(...all), height: 220}), groups = {};
  for (const name of Object.keys(data)) (groups[name.startsWith("loss/") ? "loss" : name] ||= []).push(name);
  const show = group => { chart.series = groups[group].map((name, k) => ({name: name.replace("loss/", ""), colour: name === "loss/train" ? "--base" : "--one", dash: name === "loss/train" ? [5, 4] : null, bold: name !== "loss/train", points: data[name]})); chart.unit = chart.series.map(s => plain(s.name) + (s.dash ? " (dashed)" : "")).join(", ") + " over steps of training"; chart.draw(); };
  const names = Object.keys(groups).sort((a, b) => (b === "loss") - (a === "loss")), picks = box.querySelector(".curves");
  buttons(picks, names, names[0], show); zooms(picks, chart); show(names[0]);
}
const again = () => charts.forEach(chart => chart.draw());
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", again);
addEventListener("beforeprint", () => { document.documentElement.classList.add("printing"); again(); });
addEventListener("afterprint", () => { document.documentElement.classList.remove("printing"); again(); });
