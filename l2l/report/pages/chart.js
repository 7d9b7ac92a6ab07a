// A chart on a canvas: lanes of events above curves. Hover reads values, a drag zooms, a click seeks the film.
// No library, and nothing from a network.
"use strict";
const LANE = 19, BOTTOM = 22; // pixels of a lane, and of the seconds or steps below
const FONT = "12px system-ui, sans-serif", MARK = "bold 15px system-ui, sans-serif";
const css = name => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
const clamp = (value, low, high) => Math.min(high, Math.max(low, value));
const short = value => Math.abs(value) < 1e-9 ? "0" : String(+value.toPrecision(3));
const charts = []; // all of the page

class Chart {
  // box: holds a canvas and a line of words, .said. from, end: what there is to show; height: of the curves, pixels.
  // lanes: [{name, brief, colour, bands: [[from, to]], marks: [[at, sign]]}]
  // series, set by the caller: [{name, colour, dash, bold, hidden, points: [[x, y or null]]}]
  constructor(box, {unit = "", end, lanes = [], video = null, height = 190, from = 0}) {
    Object.assign(this, {unit, end, lanes, video, height, from, series: [], view: [from, end]});
    this.at = null; // where the pointer is
    this.drag = null; // pixels at which a drag began and is now
    this.canvas = box.querySelector("canvas");
    this.said = box.querySelector(".said");
    this.listen();
    charts.push(this);
  }

  listen() {
    const on = (name, act) => this.canvas.addEventListener(name, act);
    on("pointerdown", e => {
      this.drag = [e.offsetX, e.offsetX];
      this.canvas.setPointerCapture(e.pointerId);
    });
    on("pointermove", e => {
      this.at = this.time(e.offsetX);
      if (this.drag) this.drag[1] = e.offsetX;
      this.draw();
    });
    on("pointerup", e => this.release(e.offsetX));
    on("pointercancel", () => { this.drag = null; this.draw(); });
    on("pointerleave", () => { if (!this.drag) { this.at = null; this.draw(); } });
    on("dblclick", () => this.zoom(null));
    on("keydown", e => this.key(e));
    const follow = () => {
      this.draw();
      if (!this.video.paused) requestAnimationFrame(follow);
    };
    for (const name of ["play", "seeked", "timeupdate"]) this.video?.addEventListener(name, follow);
    new ResizeObserver(() => this.draw()).observe(this.canvas.parentNode);
  }

  // Places: the curves lie between `left` and `left + width`, below `top`.
  get left() { return !this.lanes.length ? 48 : this.canvas.clientWidth < 500 ? 62 : 112; }
  get width() { return this.canvas.clientWidth - this.left - 8; }
  get top() { return this.lanes.length * LANE + (this.lanes.length ? 8 : 10); }
  x(t) { return this.left + (t - this.view[0]) / (this.view[1] - this.view[0]) * this.width; }
  time(x) { return clamp(this.view[0] + (x - this.left) / this.width * (this.view[1] - this.view[0]), this.from, this.end); }
  get now() { return this.video ? this.video.currentTime : this.at; }

  release(x) {
    if (!this.drag) return;
    const begin = this.drag[0];
    this.drag = null;
    if (Math.abs(x - begin) > 8) this.zoom([this.time(Math.min(begin, x)), this.time(Math.max(begin, x))]);
    else this.seek(this.time(x));
  }

  seek(t) {
    if (this.video) this.video.currentTime = clamp(t, 0, this.end - .01);
    this.at = t;
    this.draw();
  }

  zoom(view) { // null: all
    if (view && view[1] - view[0] < (this.end - this.from) / 40) return;
    this.view = view ? [Math.max(this.from, view[0]), Math.min(this.end, view[1])] : [this.from, this.end];
    this.draw();
  }

  closer(factor) {
    const centre = this.now ?? (this.view[0] + this.view[1]) / 2, half = (this.view[1] - this.view[0]) * factor / 2;
    this.zoom([centre - half, centre + half]);
  }

  key(e) {
    const video = this.video, now = this.now ?? this.view[0], step = video ? 1 / 30 : (this.view[1] - this.view[0]) / 60;
    const acts = {
      " ": () => video && (video.paused ? video.play() : video.pause()),
      ArrowLeft: () => this.seek(now - step),
      ArrowRight: () => this.seek(now + step),
      Home: () => this.seek(this.from),
      End: () => this.seek(this.end),
      "+": () => this.closer(.5),
      "=": () => this.closer(.5),
      "-": () => this.closer(2),
      "0": () => this.zoom(null),
    };
    if (!acts[e.key] || e.ctrlKey || e.metaKey || e.altKey) return;
    e.preventDefault();
    acts[e.key]();
  }

  draw() {
    const {canvas} = this, ratio = devicePixelRatio || 1, wide = canvas.parentNode.clientWidth;
    if (!wide) return;
    this.high = this.top + this.height + BOTTOM;
    canvas.style.height = this.high + "px";
    canvas.width = wide * ratio;
    canvas.height = this.high * ratio;
    const paint = this.paint = canvas.getContext("2d");
    paint.scale(ratio, ratio);
    paint.font = FONT;
    paint.textBaseline = "middle";
    const shown = this.series.filter(one => !one.hidden), y = this.axes(shown);
    this.lanes.forEach((lane, k) => this.lane(lane, k * LANE + LANE / 2 + 2));
    this.inside(() => {
      for (const one of shown) this.curve(one, y);
      this.cursors(shown, y);
    });
    this.say(shown);
  }

  text(words, x, y, colour, align) {
    this.paint.fillStyle = colour;
    this.paint.textAlign = align;
    this.paint.fillText(words, x, y);
  }

  // Draws nothing beside the curves.
  inside(draw) {
    const paint = this.paint;
    paint.save();
    paint.beginPath();
    paint.rect(this.left, 0, this.width, this.high);
    paint.clip();
    draw();
    paint.restore();
  }

  // Lines and numbers; returns where a value lies.
  axes(shown) {
    const {paint, top} = this, left = this.left, right = left + this.width, soft = css("--soft");
    const seen = ([t, value]) => value !== null && t >= this.view[0] && t <= this.view[1];
    const values = shown.flatMap(one => one.points.filter(seen).map(([, value]) => value));
    const ends = values.length ? [Math.min(...values), Math.max(...values)] : [0, 1];
    const space = (ends[1] - ends[0] || Math.abs(ends[0]) || 1) * .06, low = ends[0] - space, high = ends[1] + space;
    const y = value => top + (high - value) / (high - low) * this.height;
    for (const value of ticks(low, high, 4)) {
      this.line([left, y(value)], [right, y(value)], css("--line"), 1);
      this.text(short(value), left - 8, y(value), soft, "right");
    }
    for (const t of ticks(...this.view, Math.max(3, this.width / 90)))
      this.text(short(t) + (this.lanes.length ? " s" : ""), Math.min(this.x(t), right - 8), this.high - 9, soft, "center");
    return y;
  }

  line(a, b, colour, width) {
    const paint = this.paint;
    paint.strokeStyle = colour;
    paint.lineWidth = width;
    paint.beginPath();
    paint.moveTo(...a);
    paint.lineTo(...b);
    paint.stroke();
  }

  lane({name, brief, colour, bands = [], marks = []}, y) {
    const paint = this.paint, left = this.left;
    this.text(left < 100 ? brief : name, left - 8, y, css("--soft"), "right");
    paint.fillStyle = css("--shade");
    paint.fillRect(left, y - 7, this.width, 14);
    this.inside(() => {
      paint.fillStyle = css(colour);
      for (const [a, b] of bands) paint.fillRect(this.x(a), y - 7, Math.max(1, this.x(b) - this.x(a)), 14);
      paint.font = MARK;
      for (const [t, sign] of marks)
        if (t >= this.view[0] && t <= this.view[1]) this.text(sign, clamp(this.x(t), left + 6, left + this.width - 6), y, css(colour), "center");
      paint.font = FONT;
    });
  }

  curve({points, colour, dash, bold}, y) {
    const paint = this.paint;
    paint.strokeStyle = css(colour);
    paint.lineWidth = bold ? 2.4 : 1.6;
    paint.setLineDash(dash || []);
    paint.beginPath();
    let drawing = false;
    for (const [t, value] of points) {
      if (value !== null) paint[drawing ? "lineTo" : "moveTo"](this.x(t), y(value));
      drawing = value !== null;
    }
    paint.stroke();
    paint.setLineDash([]);
  }

  // What is dragged over, where the film is, and where the pointer is, with the values there.
  cursors(shown, y) {
    const paint = this.paint, bottom = this.top + this.height;
    const upright = (t, colour, width) => this.line([this.x(t), 0], [this.x(t), bottom], colour, width);
    if (this.drag) {
      paint.globalAlpha = .12;
      paint.fillStyle = css("--ink");
      paint.fillRect(this.drag[0], 0, this.drag[1] - this.drag[0], bottom);
      paint.globalAlpha = 1;
    }
    if (this.video) upright(this.video.currentTime, css("--bad"), 2);
    if (this.at === null || this.drag) return;
    upright(this.at, css("--soft"), 1);
    for (const {points, colour} of shown) {
      const point = nearest(points, this.at);
      if (!point || point[1] === null) continue;
      paint.fillStyle = css(colour);
      paint.beginPath();
      paint.arc(this.x(point[0]), y(point[1]), 3.5, 0, 7);
      paint.fill();
    }
  }

  // The values in words, at the pointer or where the film is.
  say(shown) {
    const t = this.at ?? this.now;
    if (t === null) {
      this.said.textContent = this.unit;
      return;
    }
    const points = shown.map(({name, points}) => [name, nearest(points, t)]).filter(([, point]) => point && point[1] !== null);
    const values = points.map(([name, [, value]]) => `${name} ${short(value)}`).join(", ");
    this.said.textContent = this.lanes.length ? `${t.toFixed(2)} s: ${values} (${this.unit})` : `step ${Math.round(t)}: ${values}`;
  }
}

function nearest(points, t) { // points: by time
  let a = 0, b = points.length - 1;
  while (b - a > 1) {
    const middle = (a + b) >> 1;
    if (points[middle][0] < t) a = middle;
    else b = middle;
  }
  return points.length && (Math.abs(points[a][0] - t) < Math.abs(points[b][0] - t) ? points[a] : points[b]);
}

function ticks(low, high, count) { // round numbers, about so many
  const raw = (high - low) / count, power = 10 ** Math.floor(Math.log10(raw));
  const step = [1, 2, 5, 10].find(n => n * power >= raw) * power, found = [];
  for (let value = Math.ceil(low / step) * step; value <= high + step / 1e6; value += step) found.push(value);
  return found;
}
