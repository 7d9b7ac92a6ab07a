// Draws the listener's mesh with WebGL2: x right, y down, z away from the camera.
const VERTEX = `#version 300 es
in vec3 place; in vec3 normal; uniform vec3 middle; uniform vec2 unit; out float light;
const vec3 LIGHT = normalize(vec3(-0.3, -0.4, -0.87));
void main() {
  vec3 at = place - middle;
  gl_Position = vec4(at.x * unit.x, -at.y * unit.y, at.z * unit.y * 0.2, 1.0);
  vec3 out_ = normal.z > 0.0 ? -normal : normal; // towards the camera
  light = length(normal) > 0.0 ? 0.35 + 0.65 * max(dot(out_, LIGHT), 0.0) : 1.0;
}`;
const FRAGMENT = `#version 300 es
precision mediump float; in float light; uniform vec3 colour; out vec4 shown;
void main() { shown = vec4(colour * light, 1.0); }`;
const HEIGHT = 0.72; // of the canvas, that a face at rest takes
const ABOVE = 0.05; // of a face's height: people look down more than up

export class Stage {
  constructor(canvas) {
    this.canvas = canvas;
    const gl = (this.gl = canvas.getContext("webgl2", { antialias: true, alpha: true, preserveDrawingBuffer: true }));
    if (!gl) throw new Error("This browser has no WebGL2, which draws the listener.");
    // Without a graphics card, drawing takes time that others need.
    const info = gl.getExtension("WEBGL_debug_renderer_info");
    this.slow = /swiftshader|llvmpipe|software/i.test(gl.getParameter(info ? info.UNMASKED_RENDERER_WEBGL : gl.RENDERER));
    const program = (this.program = gl.createProgram());
    for (const [kind, source] of [[gl.VERTEX_SHADER, VERTEX], [gl.FRAGMENT_SHADER, FRAGMENT]]) {
      const shader = gl.createShader(kind);
      gl.shaderSource(shader, source);
      gl.compileShader(shader);
      if (!gl.getShaderParameter(shader, gl.COMPILE_STATUS)) throw new Error(gl.getShaderInfoLog(shader));
      gl.attachShader(program, shader);
    }
    gl.linkProgram(program);
    gl.useProgram(program);
    this.places = gl.createBuffer();
    this.normals = gl.createBuffer();
    for (const [name, buffer] of [["place", this.places], ["normal", this.normals]]) {
      const at = gl.getAttribLocation(program, name);
      gl.bindBuffer(gl.ARRAY_BUFFER, buffer);
      gl.enableVertexAttribArray(at);
      gl.vertexAttribPointer(at, 3, gl.FLOAT, false, 0, 0);
    }
    this.at = (name) => gl.getUniformLocation(program, name);
    gl.enable(gl.DEPTH_TEST);
    gl.depthFunc(gl.LEQUAL);
  }

  // A mesh as the server describes it: parts with triangles and colours, and the face at rest.
  take({ parts, rest }) {
    const gl = this.gl;
    this.parts?.forEach(({ buffer }) => gl.deleteBuffer(buffer));
    this.parts = parts.map(({ triangles, colour, smooth }) => {
      const buffer = gl.createBuffer();
      gl.bindBuffer(gl.ELEMENT_ARRAY_BUFFER, buffer);
      gl.bufferData(gl.ELEMENT_ARRAY_BUFFER, new Uint16Array(triangles), gl.STATIC_DRAW);
      return { buffer, triangles, count: triangles.length, colour: colour.map((c) => c / 255), smooth };
    });
    const ends = [0, 1, 2].map((k) => {
      const along = rest.filter((_, index) => index % 3 === k);
      return [Math.min(...along), Math.max(...along)];
    });
    this.middle = ends.map(([low, high]) => (low + high) / 2);
    this.height = ends[1][1] - ends[1][0];
    this.middle[1] += ABOVE * this.height;
    this.draw(new Float32Array(rest));
  }

  get pixels() {
    const ratio = window.devicePixelRatio || 1;
    return { width: Math.round(this.canvas.clientWidth * ratio), height: Math.round(this.canvas.clientHeight * ratio) };
  }

  // The same once more, where the canvas has got another size.
  again() {
    const { width, height } = this.pixels;
    if (this.shown && (this.canvas.width !== width || this.canvas.height !== height)) this.draw(this.shown);
  }

  // vertices: x, y, z of each, one after another
  draw(vertices) {
    const gl = this.gl, canvas = this.canvas, { width, height } = this.pixels;
    if (canvas.width !== width || canvas.height !== height) Object.assign(canvas, { width, height });
    this.shown = vertices;
    gl.viewport(0, 0, width, height);
    gl.clearColor(0, 0, 0, 0);
    gl.clear(gl.COLOR_BUFFER_BIT | gl.DEPTH_BUFFER_BIT);
    const unit = (2 * HEIGHT) / this.height;
    gl.uniform3fv(this.at("middle"), this.middle);
    gl.uniform2f(this.at("unit"), (unit * height) / width, unit);
    fill(gl, this.places, vertices);
    fill(gl, this.normals, normals(vertices, this.parts.filter((part) => part.smooth)));
    for (const { buffer, count, colour } of this.parts) {
      gl.uniform3fv(this.at("colour"), colour);
      gl.bindBuffer(gl.ELEMENT_ARRAY_BUFFER, buffer);
      gl.drawElements(gl.TRIANGLES, count, gl.UNSIGNED_SHORT, 0);
    }
  }
}

function fill(gl, buffer, values) {
  gl.bindBuffer(gl.ARRAY_BUFFER, buffer);
  gl.bufferData(gl.ARRAY_BUFFER, values, gl.DYNAMIC_DRAW);
}

// The mean of the normals of a vertex's triangles, by their area; zero where it has none.
function normals(v, parts) {
  const out = new Float32Array(v.length);
  for (const { triangles } of parts)
    for (let t = 0; t < triangles.length; t += 3) {
      const [a, b, c] = [3 * triangles[t], 3 * triangles[t + 1], 3 * triangles[t + 2]];
      const [ux, uy, uz, wx, wy, wz] = [v[b] - v[a], v[b + 1] - v[a + 1], v[b + 2] - v[a + 2], v[c] - v[a], v[c + 1] - v[a + 1], v[c + 2] - v[a + 2]];
      const n = [uy * wz - uz * wy, uz * wx - ux * wz, ux * wy - uy * wx];
      for (const corner of [a, b, c]) for (let k = 0; k < 3; k++) out[corner + k] += n[k];
    }
  for (let i = 0; i < out.length; i += 3) {
    const size = Math.hypot(out[i], out[i + 1], out[i + 2]);
    if (size) for (let k = 0; k < 3; k++) out[i + k] /= size;
  }
  return out;
}
