// Rows of what happens over time: bars of speech, curves of what moves, and seconds below them.
const NAMES = 76, SECONDS = 20; // pixels for the names of rows, and for the seconds
const APART = 48; // pixels between two ticks, at least

export class TimeLine {
  constructor(canvas) {
    this.canvas = canvas;
    this.paint = canvas.getContext("2d");
  }

  // The moment at a place of the canvas, when [from, to] is shown.
  time(x, [from, to]) {
    return from + (Math.max(0, x - NAMES) / (this.canvas.clientWidth - NAMES)) * (to - from);
  }

  // span: [from, to] in seconds. rows: { name, colour, bars: [[from, to, height 0 to 1]] }, or
  // { name, low, high, curves: [{ colour, points: [[second, value or null]] }] }, where low is drawn at the bottom.
  draw({ span: [from, to], rows, now = null }) {
    const { canvas, paint } = this, ratio = window.devicePixelRatio || 1, style = getComputedStyle(document.body);
    const width = canvas.clientWidth, height = canvas.clientHeight, high = (height - SECONDS) / rows.length;
    const pixels = [width, height].map((size) => Math.round(size * ratio));
    if (canvas.width !== pixels[0] || canvas.height !== pixels[1]) [canvas.width, canvas.height] = pixels;
    const colour = (name) => style.getPropertyValue(`--${name}`);
    const x = (second) => NAMES + ((second - from) / (to - from)) * (width - NAMES);
    paint.setTransform(ratio, 0, 0, ratio, 0, 0);
    paint.clearRect(0, 0, width, height);
    paint.font = "13px system-ui, sans-serif";
    paint.textBaseline = "middle";
    const every = [1, 2, 4, 6].find((step) => x(from + step) - x(from) >= APART) ?? 12;
    for (let second = Math.max(0, Math.ceil(from / every) * every); second <= to; second += every) {
      paint.fillStyle = colour("line");
      paint.fillRect(x(second), 0, 1, height - SECONDS);
      paint.fillStyle = colour("faint");
      paint.textAlign = x(second) > width - 20 ? "right" : "center";
      paint.fillText(`${second} s`, Math.min(x(second), width), height - SECONDS / 2 + 2);
    }
    rows.forEach((row, k) => {
      const top = k * high;
      paint.fillStyle = colour("ink");
      paint.textAlign = "left";
      paint.fillText(row.name, 0, top + high / 2);
      paint.save();
      paint.beginPath();
      paint.rect(NAMES, top, width - NAMES, high);
      paint.clip();
      paint.fillStyle = colour(row.colour ?? "ink");
      for (const [begin, end, share] of row.bars ?? []) {
        const left = Math.floor(x(begin)), right = Math.ceil(x(end)); // whole pixels: no seams between bars
        paint.fillRect(left, top + high * (0.88 - 0.76 * share), right - left, high * 0.76 * share);
      }
      const y = (value) => top + high * (0.9 - 0.8 * Math.max(0, Math.min(1, (value - row.low) / (row.high - row.low))));
      for (const { colour: name, points } of row.curves ?? []) {
        paint.strokeStyle = colour(name);
        paint.lineWidth = 2;
        paint.beginPath();
        let drawing = false;
        for (const [second, value] of points) {
          if (value !== null) paint[drawing ? "lineTo" : "moveTo"](x(second), y(value));
          drawing = value !== null;
        }
        paint.stroke();
      }
      paint.restore();
    });
    if (now !== null) {
      paint.fillStyle = colour("ink");
      paint.fillRect(x(now) - 1, 0, 2, height - SECONDS);
    }
  }
}

// Returns a question: whether one of these values, or how the page looks, has changed since it was asked last.
export function changes() {
  const dark = matchMedia("(prefers-color-scheme: dark)");
  let last = null;
  return (...values) => {
    const now = [innerWidth, devicePixelRatio, dark.matches, ...values].join();
    const changed = now !== last;
    last = now;
    return changed;
  };
}

export const median = (values) => [...values].sort((a, b) => a - b)[values.length >> 1];
