// The charts of the report: films with curves and events, and curves of training.
const TAKES = {"true listener": "--true", "sample 1": "--one", "sample 2": "--two", "sample 3": "--three", "baseline": "--base"};
const MARKS = {nod: "▾", shake: "↔", smile: "◡", blink: "–"};
const plain = name => name.replace(/[_/]/g, " ");
const content = id => JSON.parse(document.getElementById(id).textContent);

function addButton(box, words, act) {
  const button = box.appendChild(document.createElement("button"));
  button.type = "button";
  button.textContent = words;
  button.onclick = act;
  return button;
}

function oneOf(box, names, act) { // the first is chosen
  const press = chosen => buttons.forEach(button => button.setAttribute("aria-pressed", button === chosen));
  const buttons = names.map(name => {
    const button = addButton(box, plain(name), () => {
      press(button);
      act(name);
    });
    return button;
  });
  press(buttons[0]);
}

function anyOf(box, colours, names, act) { // all are chosen
  for (const name of names) {
    const button = addButton(box, name, () => {
      button.setAttribute("aria-pressed", button.getAttribute("aria-pressed") !== "true");
      act(name);
    });
    button.setAttribute("aria-pressed", true);
    button.className = "take";
    const line = document.createElement("i");
    line.style.background = `var(${colours[name]})`;
    button.prepend(line);
  }
}

function zooms(box, chart) {
  box.appendChild(document.createElement("span")).className = "space";
  for (const [words, label, act] of [["+", "closer", () => chart.closer(.5)], ["−", "wider", () => chart.closer(2)], ["all", "all of it", () => chart.zoom(null)]])
    addButton(box, words, act).setAttribute("aria-label", label);
}

function plays(box, video) { // in place of the browser's controls, which cover half of a film on a phone
  const toggle = () => video.paused ? video.play() : video.pause(), play = addButton(box, "▶ play with sound", toggle);
  video.controls = false;
  video.onclick = toggle;
  for (const name of ["play", "pause", "ended"])
    video.addEventListener(name, () => { play.textContent = video.paused ? "▶ play with sound" : "❚❚ pause"; });
  if (video.requestFullscreen) addButton(box, "full screen", () => video.requestFullscreen());
  video.addEventListener("fullscreenchange", () => { video.controls = document.fullscreenElement === video; });
}

function lanesOf(data) {
  const people = Object.entries(data.people).map(([name, bands]) =>
    ({name: name.replace(" speaks", ""), brief: name.split(" ")[0], colour: name.includes("(left)") ? "--left" : "--right", bands}));
  const takes = Object.entries(data.events).map(([take, kinds]) => ({
    name: take,
    brief: take.replace(" listener", ""),
    colour: TAKES[take] || "--ink",
    marks: Object.entries(kinds).flatMap(([kind, times]) => times.map(t => [t, MARKS[kind]])),
  }));
  return [...people, ...takes];
}

for (const box of document.querySelectorAll("[data-clip]")) {
  const data = content(box.dataset.clip), takes = Object.keys(data.events), names = Object.keys(data.curves);
  const chart = new Chart(box, {end: data.seconds, lanes: lanesOf(data), video: box.querySelector("video")}), hidden = new Set();
  const show = curve => {
    chart.unit = data.units[curve];
    chart.series = Object.entries(data.curves[curve]).map(([name, values]) => ({
      name,
      colour: TAKES[name] || "--ink",
      bold: name === "true listener",
      dash: name === "baseline" ? [5, 4] : null,
      hidden: hidden.has(name),
      points: values.map((value, k) => [k / data.rate, value]),
    }));
    chart.draw();
  };
  if (chart.video) plays(box.querySelector(".plays"), chart.video);
  oneOf(box.querySelector(".curves"), names, show);
  zooms(box.querySelector(".curves"), chart);
  anyOf(box.querySelector(".takes"), TAKES, takes, name => {
    if (!hidden.delete(name)) hidden.add(name);
    for (const one of chart.series) one.hidden = hidden.has(one.name);
    chart.draw();
  });
  const key = box.querySelector(".takes").appendChild(document.createElement("span"));
  key.className = "small soft";
  key.textContent = Object.entries(MARKS).map(([kind, sign]) => `${sign} ${kind}`).join("   ");
  show(names[0]);
}

for (const box of document.querySelectorAll("[data-curve]")) {
  const data = content(box.dataset.curve), steps = Object.values(data).flat().map(([step]) => step);
  const chart = new Chart(box, {end: Math.max(...steps), from: Math.min(...steps), height: 220}), groups = {};
  for (const name of Object.keys(data)) (groups[name.startsWith("loss/") ? "loss" : name] ||= []).push(name);
  const show = group => {
    chart.series = groups[group].map(name => {
      const training = name === "loss/train";
      return {name: plain(name.replace("loss/", "")), colour: training ? "--base" : "--one", dash: training ? [5, 4] : null, bold: !training, points: data[name]};
    });
    chart.unit = chart.series.map(one => one.name + (one.dash ? " (dashed)" : "")).join(", ") + " over steps of training";
    chart.draw();
  };
  const names = Object.keys(groups).sort((a, b) => (b === "loss") - (a === "loss"));
  oneOf(box.querySelector(".curves"), names, show);
  zooms(box.querySelector(".curves"), chart);
  show(names[0]);
}

const again = () => charts.forEach(chart => chart.draw());
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", again);
addEventListener("beforeprint", () => { document.documentElement.classList.add("printing"); again(); });
addEventListener("afterprint", () => { document.documentElement.classList.remove("printing"); again(); });
