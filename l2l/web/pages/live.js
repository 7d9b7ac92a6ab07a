// Camera and microphone (or a recording) out over one WebSocket, the listener's moving mesh in.
import { Stage } from "/stage.js";
import { TimeLine, changes, median } from "/timeline.js";

const $ = (id) => document.getElementById(id);
const PICTURE = 1, SOUND = 2, WIDE = 480; // kinds of messages; pixels of a picture
const SHOWN = 12; // seconds of the time line
const about = await (await fetch("/about")).json();
const stage = new Stage($("face")), line = new TimeLine($("line"));
const past = []; // what was noticed, by frame: {at, speaks, pitch, smile}
// For whoever wants to measure: milliseconds from a picture taken to its answer drawn, how many answers came, and what
// came with each.
const measured = (window.l2l = { latencies: [], answers: 0, dropped: 0, took: [], noticed: [] });
const MEASURED = 9000; // the newest that are kept
const note = (list, value) => list.push(value) > MEASURED && list.shift();
let talk = null; // the conversation that goes on

$("title").textContent = `A listener: ${about.title}`;
if (about.sent) $("kept").textContent = `Your picture and sound stay on this machine; the listener's motion is sent to ${about.sent}. Nothing is written unless you record.`;
$("play").hidden = !about.sample;
$("people").hidden = about.people.length < 2;
for (const name of about.people) $("person").append(new Option(name, name));
stage.take(about.mesh);

class Talk {
  constructor(source, context, input, crop) {
    Object.assign(this, { source, context, crop, sent: 0, zero: Infinity, offsets: [], queue: [], end: 0, busy: false, over: false });
    this.canvas = new OffscreenCanvas(WIDE, WIDE);
    this.paint = this.canvas.getContext("2d", { willReadFrequently: true });
    this.socket = new WebSocket(`ws://${location.host}/talk`);
    this.socket.binaryType = "arraybuffer";
    this.socket.onopen = () => {
      this.blocks = new AudioWorkletNode(context, "blocks", { channelCount: 1, channelCountMode: "explicit" });
      this.blocks.port.onmessage = ({ data }) => this.hear(data);
      input.connect(this.blocks);
      this.begin();
      this.look();
    };
    this.socket.onmessage = ({ data }) => (typeof data === "string" ? this.told(JSON.parse(data)) : this.answer(data));
    this.socket.onclose = ({ reason }) => stop(reason || "The conversation is over.");
  }

  begin() {
    this.say({ do: "begin", person: $("person").value || null, seed: Number($("seed").value) || 0 });
    Object.assign(this, { begun: false, sent: 0, zero: Infinity, offsets: [], queue: [], end: 0 });
    past.length = 0;
  }

  say(wish) {
    if (this.socket.readyState === WebSocket.OPEN) this.socket.send(JSON.stringify(wish));
  }

  send(kind, at, bytes) {
    if (this.socket.readyState !== WebSocket.OPEN) return;
    const message = new Uint8Array(9 + bytes.byteLength);
    message[0] = kind;
    new DataView(message.buffer).setFloat64(1, at, true);
    message.set(new Uint8Array(bytes), 9);
    this.socket.send(message);
  }

  // Sound is the clock: second 0 is when its first sample was heard.
  hear(block) {
    if (!this.begun) return;
    const whole = Int16Array.from(block, (v) => Math.max(-1, Math.min(1, v)) * 32767);
    this.send(SOUND, this.sent / about.rate, whole.buffer);
    this.sent += block.length;
    // Blocks come late, never early; and a browser that is short of time loses some. So the last ones tell the time.
    this.offsets.push(performance.now() - (1000 * this.sent) / about.rate);
    if (this.offsets.length > 120) this.offsets.shift();
    this.zero = Math.min(...this.offsets);
  }

  look() {
    if (this.over) return;
    const again = () => this.look();
    if (this.source.requestVideoFrameCallback && !this.source.paused) this.source.requestVideoFrameCallback(again);
    else setTimeout(again, 33);
    const { videoWidth: w, videoHeight: h } = this.source;
    if (!w || this.busy || !Number.isFinite(this.zero) || this.socket.bufferedAmount > 300_000) return;
    const at = (performance.now() - this.zero) / 1000;
    const [left, width] = this.crop === "left" ? [0, w / 2] : this.crop === "right" ? [w / 2, w / 2] : [0, w];
    const height = Math.round((WIDE * h) / width);
    if (this.canvas.height !== height) this.canvas.height = height;
    this.paint.drawImage(this.source, left, 0, width, h, 0, 0, WIDE, height);
    this.busy = true;
    this.canvas.convertToBlob({ type: "image/jpeg", quality: 0.8 }).then(async (blob) => {
      this.send(PICTURE, at, await blob.arrayBuffer());
      this.busy = false;
    });
  }

  told(message) {
    if (message.is === "begun") {
      this.begun = true;
      stage.take(message.mesh);
      status("It listens. Talk, nod, smile, pause.");
      $("record").hidden = false;
    } else if (message.is === "recorded") {
      $("saved").textContent = `Saved: ${message.path}`;
    } else if (message.is === "saving") {
      $("saved").textContent = "Saving. You can go on talking.";
    } else if (message.is === "lost") {
      pressed(false);
      $("saved").textContent = message.why;
    } else if (message.is === "recording") {
      $("saved").textContent = "Recording. Only now is anything written to the disk.";
    }
  }

  answer(data) {
    const size = new DataView(data).getUint32(0, true);
    const noticed = JSON.parse(new TextDecoder().decode(new Uint8Array(data, 4, size)));
    const meshes = new Float32Array(data, 4 + size), each = meshes.length / about.patch;
    const now = performance.now(), length = 1000 / about.fps;
    // One patch after another; what waits too long is caught up with.
    const start = this.end > now && this.end - now < 50 ? this.end : now;
    this.end = start + about.patch * length;
    const frames = Array.from({ length: about.patch }, (_, k) => meshes.subarray(k * each, (k + 1) * each));
    this.queue.push({ start, frames, noticed, drawn: false });
    for (let k = 0; k < about.patch; k++)
      past.push({ at: (noticed.frame + k) / about.fps, speaks: noticed.speaks[k], pitch: noticed.pitch[k], smile: noticed.smile[k] ?? 0 });
    while (past.length > SHOWN * about.fps) past.shift();
    measured.answers += 1;
    measured.dropped = noticed.dropped;
    note(measured.took, 1000 * noticed.took);
    note(measured.noticed, noticed);
    const seen = noticed.seen.some(Boolean), speaks = noticed.speaks.at(-1) >= 0.5, smiles = (noticed.yours.at(-1) ?? 0) > 1;
    $("noticed").textContent = [seen ? "" : "no face seen", speaks ? "speaking" : "silent", smiles ? "smiling" : ""].filter(Boolean).join(", ");
  }

  draw(now) {
    const length = 1000 / about.fps;
    while (this.queue.length > 1 && this.queue[1].start <= now) this.queue.shift();
    const patch = this.queue[0];
    if (!patch || patch.start > now) return;
    if (!patch.drawn) {
      patch.drawn = true;
      for (let k = 0; k < about.patch; k++)
        note(measured.latencies, now - this.zero - (1000 * (patch.noticed.frame + about.patch + k)) / about.fps);
      const last = measured.latencies.slice(-240);
      $("late").textContent = `${Math.round(median(last))} ms after the picture`;
    }
    const place = Math.min((now - patch.start) / length, about.patch - 1), k = Math.floor(place), share = place - k;
    const a = patch.frames[k], b = patch.frames[Math.min(k + 1, about.patch - 1)];
    if (stage.slow) { // each mesh once
      if (stage.shown !== a) stage.draw(a);
    } else stage.draw(share ? a.map((v, i) => v + share * (b[i] - v)) : a); // between two frames, between two meshes
  }

  close() {
    this.over = true;
    this.blocks?.disconnect();
    this.socket.onclose = null;
    this.socket.close();
    this.context.close();
    this.source.srcObject?.getTracks().forEach((track) => track.stop());
    this.source.srcObject = null;
    this.source.pause();
    this.source.removeAttribute("src");
    this.source.load();
  }
}

const status = (words) => ($("status").textContent = words);

async function start(make) {
  stop("");
  status("One moment.");
  try {
    const context = new AudioContext({ sampleRate: about.rate });
    await context.audioWorklet.addModule("/worklet.js");
    talk = await make(context);
    $("hint").hidden = true;
    $("camera").hidden = $("play").hidden = true;
    $("stop").hidden = false;
  } catch (error) {
    stop(error.name === "NotAllowedError" ? "The browser was not allowed to use camera and microphone."
      : error.name === "NotFoundError" ? "There is no camera or no microphone; play a recording instead." : String(error.message ?? error));
  }
}

$("camera").onclick = () => start(async (context) => {
  const stream = await navigator.mediaDevices.getUserMedia({ video: { width: 640, height: 480, frameRate: 30 }, audio: { channelCount: 1, echoCancellation: true } });
  const video = $("picture");
  $("you").className = "camera";
  $("who").textContent = "You";
  video.srcObject = stream;
  await video.play();
  return new Talk(video, context, context.createMediaStreamSource(stream), null);
});
$("camera").disabled = false; // until here a press would have been lost

$("play").onclick = () => start(async (context) => {
  const video = document.createElement("video"); // a source of sound can be made only once of each
  video.id = "picture";
  video.playsInline = true;
  video.src = "/sample.mp4";
  $("picture").replaceWith(video);
  $("you").className = "";
  $("who").textContent = `The recording: it hears the ${about.side}`;
  video.onended = () => stop("The recording is over.");
  await video.play();
  const sound = context.createMediaElementSource(video);
  sound.connect(context.destination);
  return new Talk(video, context, sound, about.side);
});

function pressed(on) {
  $("record").ariaPressed = String(on);
  $("record").textContent = on ? "Stop recording" : "Record";
}

function stop(words) {
  talk?.close();
  talk = null;
  $("camera").hidden = false;
  $("play").hidden = !about.sample;
  $("stop").hidden = $("record").hidden = true;
  if ($("record").ariaPressed === "true") $("saved").textContent = `It will be saved in ${about.folder}.`;
  pressed(false);
  $("noticed").textContent = $("late").textContent = "";
  status(words);
}
$("stop").onclick = () => stop("Stopped.");
$("record").onclick = () => {
  const on = $("record").ariaPressed !== "true";
  pressed(on);
  talk?.say({ do: "record", on });
};
$("person").onchange = $("seed").onchange = () => talk?.begin();

function drawLine() {
  const last = past.at(-1)?.at ?? SHOWN, middle = past.length ? median(past.map(({ pitch }) => pitch)) : 0, length = 1 / about.fps;
  line.draw({
    span: [last - SHOWN, last],
    rows: [
      { name: "you speak", colour: "speech", bars: past.map(({ at, speaks }) => [at - length, at, speaks]) },
      { name: "its head", low: middle + 0.2, high: middle - 0.2, curves: [{ colour: "nod", points: past.map(({ at, pitch }) => [at, pitch]) }] },
      { name: "its smile", low: 0, high: 4, curves: [{ colour: "smile", points: past.map(({ at, smile }) => [at, smile]) }] },
    ],
  });
}

const changed = changes();
function frame(now) {
  if (talk) talk.draw(now);
  else stage.again();
  if (changed(past.at(-1)?.at)) drawLine();
  requestAnimationFrame(frame);
}
requestAnimationFrame(frame);
