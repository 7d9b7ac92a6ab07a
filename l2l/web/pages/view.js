// A stretch of a recording, its true listener, and one drawn anew whenever a slider moves.
import { Stage } from "/stage.js";
import { TimeLine, changes, median } from "/timeline.js";

const $ = (id) => document.getElementById(id);
const about = await (await fetch("/about")).json();
const video = $("picture"), stages = { true: new Stage($("true")), drawn: new Stage($("drawn")) }, timeLine = new TimeLine($("line"));
const measured = (window.l2l = { took: [], drawings: 0 }); // milliseconds from a slider to its listener
let shown = null; // what is drawn: curves, and meshes of each frame
let asking = null;

$("title").textContent = `A listener: ${about.title}`;
for (const { name, split } of about.recordings) $("recording").append(new Option(split === "test" ? `${name} (test)` : name, name));
const recording = () => about.recordings.find(({ name }) => name === $("recording").value);

function choose() {
  const { name, seconds, side } = recording();
  video.src = `/video/${encodeURIComponent(name)}`;
  $("side").textContent = `The recording; the listener is on the ${side}`;
  $("start").max = Math.max(0, Math.floor(seconds - 2));
  $("start").value = 0;
  draw();
}

async function draw() {
  asking?.abort();
  const mine = (asking = new AbortController()), began = performance.now();
  for (const name of ["start", "temperature"]) $(`${name}_at`).textContent = name === "start" ? `${$(name).value} s` : $(name).value;
  const own = $("strength").dataset.own === "yes";
  $("strength_at").textContent = own ? `trained: ${about.strength}` : $("strength").value;
  const query = new URLSearchParams({ recording: recording().name, start: $("start").value, seed: $("seed").value || 0, temperature: $("temperature").value });
  if (!own) query.set("strength", $("strength").value);
  try {
    const reply = await fetch(`/draw?${query}`, { signal: mine.signal });
    if (!reply.ok) throw new Error(await reply.text());
    take(await reply.arrayBuffer());
    measured.took.push(performance.now() - began);
    measured.drawings += 1;
    $("took").textContent = `in ${Math.round(performance.now() - began)} ms`;
    $("status").textContent = "Move a slider: the listener is drawn anew.";
  } catch (error) {
    if (error.name !== "AbortError") $("status").textContent = error.message;
  }
}

function take(data) {
  const size = new DataView(data).getUint32(0, true), words = JSON.parse(new TextDecoder().decode(new Uint8Array(data, 4, size)));
  if (!words.frames) throw new Error("There is nothing to draw here: choose another moment.");
  const numbers = new Float32Array(data, 4 + size), half = numbers.length / 2;
  const first = !shown || shown.start !== Number($("start").value) || shown.name !== recording().name;
  const meshes = { true: numbers.subarray(0, half), drawn: numbers.subarray(half) };
  shown = { ...words, meshes, start: Number($("start").value), name: recording().name, each: half / words.frames };
  shown.rows = rows();
  if (first) {
    for (const stage of Object.values(stages)) stage.take(words.mesh);
    video.currentTime = shown.start;
  }
}

const changed = changes();
const frameNow = () => Math.max(0, Math.min(shown.frames - 1, Math.floor((video.currentTime - shown.start) * about.fps)));

function frame() {
  requestAnimationFrame(frame);
  if (!shown) return;
  const [, end] = span();
  if (!video.paused && (video.currentTime >= end || video.currentTime < shown.start - 0.2)) video.currentTime = shown.start;
  const now = frameNow();
  if (!changed(now, measured.drawings)) return;
  for (const [name, stage] of Object.entries(stages)) {
    if (name === "true" && !shown.seen[now]) continue;
    stage.draw(shown.meshes[name].subarray(now * shown.each, (now + 1) * shown.each));
  }
  timeLine.draw({ span: span(), rows: shown.rows, now: second(now) });
  const [from, to] = span().map(Math.round);
  Object.assign($("line"), { ariaValueMin: from, ariaValueMax: to, ariaValueNow: Math.round(second(now)), ariaValueText: `${second(now).toFixed(1)} seconds` });
}

const second = (frame) => shown.start + frame / about.fps;
const span = () => [shown.start, second(shown.frames)];

function rows() { // of the time line
  const middle = median(shown.true.pitch);
  const curve = (who, what) => ({ colour: who, points: shown[who][what].map((value, k) => [second(k), who === "drawn" || shown.seen[k] ? value : null]) });
  const both = (what) => [curve("true", what), curve("drawn", what)];
  return [
    { name: "speech", colour: "speech", bars: shown.speaks.flatMap((speaks, k) => (speaks ? [[second(k), second(k + 1), 1]] : [])) },
    { name: "head", low: middle + 12, high: middle - 12, curves: both("pitch") },
    { name: "smile", low: 0, high: 4, curves: both("smile") },
  ];
}

const seek = (seconds) => (video.currentTime = Math.max(shown.start, Math.min(span()[1] - 0.05, seconds)));
$("line").onclick = ({ offsetX }) => shown && seek(timeLine.time(offsetX, span()));
$("line").onkeydown = (event) => {
  const by = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
  if (by && shown) seek(video.currentTime + by);
  else if (event.key === " ") $("play").click();
  else return;
  event.preventDefault();
};
$("play").onclick = () => (video.paused ? video.play() : video.pause());
video.onplay = video.onpause = () => ($("play").textContent = video.paused ? "Play" : "Pause");
$("recording").onchange = choose;
for (const name of ["start", "seed", "temperature"]) $(name).oninput = draw;
$("strength").oninput = () => {
  $("strength").dataset.own = "no";
  draw();
};
$("another").onclick = () => {
  $("seed").value = Number($("seed").value) + 1;
  draw();
};
$("reset").onclick = () => {
  $("strength").dataset.own = "yes";
  $("strength").value = about.strength;
  $("temperature").value = 1;
  draw();
};
$("strength").dataset.own = "yes";
$("strength").value = about.strength;
choose();
requestAnimationFrame(frame);
