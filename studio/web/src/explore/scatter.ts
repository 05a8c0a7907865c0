// Points of a plane, drawn by WebGL2: one shader, discs with soft edges, and a grid on the processor that finds the point under
// the pointer. Without WebGL2 the points are squares of a plain canvas, and no more than it can draw.

export interface View { x: number; y: number; scale: number } // the middle, and pixels of CSS for one unit of the plane

const vertex = `#version 300 es
in vec2 at; in vec2 was; in float kind;
uniform vec2 middle, zoom; uniform float size, part; uniform sampler2D palette;
out vec4 ink;
void main() {
  ink = texelFetch(palette, ivec2(int(kind), 0), 0);
  gl_Position = ink.a > 0.0 ? vec4((mix(was, at, part) - middle) * zoom, 0, 1) : vec4(2, 2, 2, 1);
  gl_PointSize = size;
}`;
const fragment = `#version 300 es
precision highp float;
in vec4 ink; uniform float size, alpha; out vec4 color;
void main() {
  float cover = clamp((0.5 - distance(gl_PointCoord, vec2(0.5))) * size, 0.0, 1.0) * alpha;
  color = vec4(ink.rgb * cover, cover);
}`;

const side = 256; // cells of the grid, a side

export class Scatter {
  count = 0;
  private at: Float32Array<ArrayBuffer> = new Float32Array(0); private kinds: Uint8Array<ArrayBuffer> = new Uint8Array(0); private shown = new Uint8Array(256).fill(1);
  private colors = new Uint8Array(256 * 4);
  private gl: WebGL2RenderingContext | null; private buffers: WebGLBuffer[] = [];
  private where: Record<string, WebGLUniformLocation | null> = {};
  private starts = new Int32Array(0); private order = new Int32Array(0); private box = { x: 0, y: 0, w: 1, h: 1 };
  private began = 0; private view: View = { x: 0, y: 0, scale: 1 }; private frame = 0;
  private every = 1; private moved = -1e9; private last = -1e9; private rest = 0; private streak = 0; // of a view that moves: one of so many points is drawn

  constructor(readonly canvas: HTMLCanvasElement) {
    this.gl = canvas.getContext("webgl2", { antialias: false, alpha: true, premultipliedAlpha: true, depth: false, powerPreference: "low-power" });
    if (this.gl) this.prepare(this.gl);
    canvas.addEventListener("webglcontextlost", (e) => e.preventDefault());
    canvas.addEventListener("webglcontextrestored", () => { if (this.gl) { this.prepare(this.gl); this.upload(); this.paint(); } });
  }

  private prepare(gl: WebGL2RenderingContext): void {
    const p = gl.createProgram()!;
    for (const [type, source] of [[gl.VERTEX_SHADER, vertex], [gl.FRAGMENT_SHADER, fragment]] as const) {
      const s = gl.createShader(type)!;
      gl.shaderSource(s, source); gl.compileShader(s); gl.attachShader(p, s);
    }
    ["at", "was", "kind"].forEach((name, i) => gl.bindAttribLocation(p, i, name));
    gl.linkProgram(p);
    gl.useProgram(p);
    for (const name of ["middle", "zoom", "size", "part", "alpha"]) this.where[name] = gl.getUniformLocation(p, name);
    this.buffers = [0, 1, 2].map((i) => {
      const b = gl.createBuffer()!;
      gl.bindBuffer(gl.ARRAY_BUFFER, b);
      gl.enableVertexAttribArray(i);
      gl.vertexAttribPointer(i, i < 2 ? 2 : 1, i < 2 ? gl.FLOAT : gl.UNSIGNED_BYTE, false, 0, 0);
      return b;
    });
    gl.bindTexture(gl.TEXTURE_2D, gl.createTexture());
    gl.texParameteri(gl.TEXTURE_2D, gl.TEXTURE_MIN_FILTER, gl.NEAREST);
    gl.texParameteri(gl.TEXTURE_2D, gl.TEXTURE_MAG_FILTER, gl.NEAREST);
    gl.enable(gl.BLEND);
    gl.blendFunc(gl.ONE, gl.ONE_MINUS_SRC_ALPHA);
  }

  // set replaces the points: two numbers each. With glide, points of the same number move to their new places.
  set(at: Float32Array<ArrayBuffer>, kinds: Uint8Array<ArrayBuffer>, glide = false): void {
    const was = glide && at.length === this.at.length ? this.at : at;
    this.at = at; this.kinds = kinds; this.count = at.length / 2;
    this.index();
    this.upload(was);
    this.began = was === at ? 0 : performance.now();
    this.paint();
  }

  private upload(was = this.at): void {
    const gl = this.gl;
    if (!gl) return;
    [this.at, was, this.kinds].forEach((data, i) => { gl.bindBuffer(gl.ARRAY_BUFFER, this.buffers[i]!); gl.bufferData(gl.ARRAY_BUFFER, data, gl.STATIC_DRAW); });
    gl.texImage2D(gl.TEXTURE_2D, 0, gl.RGBA, 256, 1, 0, gl.RGBA, gl.UNSIGNED_BYTE, this.colors);
  }

  // color sets the colours of the kinds, and which of them are shown.
  color(colors: [number, number, number][], shown: (kind: number) => boolean): void {
    for (let k = 0; k < 256; k++) {
      const c = colors[Math.min(k, colors.length - 1)] ?? [128, 128, 128];
      this.shown[k] = shown(k) ? 1 : 0;
      this.colors.set([c[0], c[1], c[2], this.shown[k] ? 255 : 0], 4 * k);
    }
    this.gl?.texImage2D(this.gl.TEXTURE_2D, 0, this.gl.RGBA, 256, 1, 0, this.gl.RGBA, this.gl.UNSIGNED_BYTE, this.colors);
    this.paint();
  }

  // draw shows the points from a view at the next frame.
  draw(view: View): void {
    if (view.x !== this.view.x || view.y !== this.view.y || view.scale !== this.view.scale) {
      this.moved = performance.now();
      clearTimeout(this.rest);
      this.rest = setTimeout(() => this.paint(), 160) as unknown as number; // all points again
    }
    this.view = view;
    this.paint();
  }

  private paint(): void {
    if (!this.frame) this.frame = requestAnimationFrame((now) => {
      this.frame = 0;
      const moving = performance.now() - this.moved < 150, took = now - this.last;
      // A machine without a graphics card draws 100,000 points in 50 to 90 ms. A view that moves must not stutter: where frames
      // come late it shows one of every two, four, … points until it rests.
      this.streak = moving ? this.streak + 1 : 0;
      if (this.streak > 1 && took > 30 && this.count / this.every > 10000) this.every = Math.min(16, this.every * (took > 120 ? 8 : 2)); // WebGL strides over 255 bytes no more
      else if (this.streak > 1 && took < 18 && this.every > 1) this.every /= 2;
      this.last = now;
      this.now(now, moving ? this.every : 1);
      if (this.began && now - this.began < 400) this.paint();
    });
  }

  // now draws one of every so many points at once.
  now(time = performance.now(), every = 1): void {
    const { canvas, gl, view } = this, ratio = devicePixelRatio || 1;
    const w = Math.max(1, Math.round(canvas.clientWidth * ratio)), h = Math.max(1, Math.round(canvas.clientHeight * ratio));
    if (canvas.width !== w || canvas.height !== h) { canvas.width = w; canvas.height = h; }
    // The more points there are in a pixel, the smaller and the more transparent each is: dense places stay readable.
    const seen = Math.min(w * h, this.box.w * this.box.h * (view.scale * ratio) ** 2), cover = this.count / Math.max(1, seen) * ratio * ratio;
    const size = ratio * Math.max(2, Math.min(7, 2.2 * cover ** -.18)), alpha = Math.max(.3, Math.min(.85, .85 - .25 * Math.log10(cover / .02)));
    if (!gl) { this.plain(size, alpha, ratio); return; }
    const part = this.began ? Math.min(1, (time - this.began) / 400) : 1;
    gl.viewport(0, 0, w, h);
    gl.clearColor(0, 0, 0, 0); gl.clear(gl.COLOR_BUFFER_BIT);
    gl.uniform2f(this.where["middle"]!, view.x, view.y);
    gl.uniform2f(this.where["zoom"]!, 2 * view.scale * ratio / w, 2 * view.scale * ratio / h);
    gl.uniform1f(this.where["size"]!, size); gl.uniform1f(this.where["alpha"]!, alpha);
    gl.uniform1f(this.where["part"]!, part * (2 - part));
    this.buffers.forEach((b, i) => {
      gl.bindBuffer(gl.ARRAY_BUFFER, b);
      gl.vertexAttribPointer(i, i < 2 ? 2 : 1, i < 2 ? gl.FLOAT : gl.UNSIGNED_BYTE, false, every * (i < 2 ? 8 : 1), 0);
    });
    if (this.count) gl.drawArrays(gl.POINTS, 0, Math.ceil(this.count / every));
  }

  private plain(size: number, alpha: number, ratio: number): void {
    const { canvas, view } = this, c = canvas.getContext("2d"), every = Math.ceil(this.count / 20000);
    if (!c) return;
    c.clearRect(0, 0, canvas.width, canvas.height);
    c.globalAlpha = alpha;
    for (let i = 0; i < this.count; i += every) {
      const k = this.kinds[i]!;
      if (!this.shown[k]) continue;
      c.fillStyle = `rgb(${this.colors[4 * k]} ${this.colors[4 * k + 1]} ${this.colors[4 * k + 2]})`;
      c.fillRect(canvas.width / 2 + (this.at[2 * i]! - view.x) * view.scale * ratio - size / 2, canvas.height / 2 - (this.at[2 * i + 1]! - view.y) * view.scale * ratio - size / 2, size, size);
    }
  }

  // index puts the points into the cells of the grid.
  private index(): void {
    const { at, count } = this;
    let x0 = Infinity, x1 = -Infinity, y0 = Infinity, y1 = -Infinity;
    for (let i = 0; i < at.length; i += 2) {
      const x = at[i]!, y = at[i + 1]!;
      if (x < x0) x0 = x; if (x > x1) x1 = x; if (y < y0) y0 = y; if (y > y1) y1 = y;
    }
    this.box = count ? { x: x0, y: y0, w: x1 - x0 || 1, h: y1 - y0 || 1 } : { x: 0, y: 0, w: 1, h: 1 };
    this.starts = new Int32Array(side * side + 1); this.order = new Int32Array(count);
    const cells = new Uint16Array(count);
    for (let i = 0; i < count; i++) this.starts[(cells[i] = this.cell(at[2 * i]!, at[2 * i + 1]!)) + 1]!++;
    for (let c = 0; c < side * side; c++) this.starts[c + 1]! += this.starts[c]!;
    const next = this.starts.slice();
    for (let i = 0; i < count; i++) this.order[next[cells[i]!]!++] = i;
  }

  private column(v: number, from: number, size: number): number { return Math.max(0, Math.min(side - 1, Math.floor((v - from) / size * side))); }
  private cell(x: number, y: number): number { return this.column(y, this.box.y, this.box.h) * side + this.column(x, this.box.x, this.box.w); }

  // nearest returns the shown points nearest to a place, the nearest first, none farther than the radius.
  nearest(x: number, y: number, radius: number, most = 1): number[] {
    const { box, at } = this, found: [number, number][] = [];
    const i0 = this.column(y - radius, box.y, box.h), i1 = this.column(y + radius, box.y, box.h), j0 = this.column(x - radius, box.x, box.w), j1 = this.column(x + radius, box.x, box.w);
    let worst = radius * radius;
    for (let i = i0; i <= i1; i++) for (let k = this.starts[i * side + j0] ?? 0; k < (this.starts[i * side + j1 + 1] ?? 0); k++) {
      const p = this.order[k]!, dx = at[2 * p]! - x, dy = at[2 * p + 1]! - y, d = dx * dx + dy * dy;
      if (d > worst || !this.shown[this.kinds[p]!]) continue;
      found.push([d, p]);
      found.sort((a, b) => a[0] - b[0]);
      if (found.length > most) { found.pop(); worst = found[most - 1]![0]; }
    }
    return found.map((f) => f[1]);
  }

  // within returns the shown points in a polygon.
  within(polygon: [number, number][]): number[] {
    const xs = polygon.map((p) => p[0]), ys = polygon.map((p) => p[1]);
    const x0 = Math.min(...xs), x1 = Math.max(...xs), y0 = Math.min(...ys), y1 = Math.max(...ys), found: number[] = [];
    for (let p = 0; p < this.count; p++) {
      const x = this.at[2 * p]!, y = this.at[2 * p + 1]!;
      if (x < x0 || x > x1 || y < y0 || y > y1 || !this.shown[this.kinds[p]!]) continue;
      let inside = false;
      for (let i = 0, j = polygon.length - 1; i < polygon.length; j = i++) {
        const [ax, ay] = polygon[i]!, [bx, by] = polygon[j]!;
        if (ay > y !== by > y && x < (bx - ax) * (y - ay) / (by - ay) + ax) inside = !inside;
      }
      if (inside) found.push(p);
    }
    return found;
  }

  place(p: number): [number, number] { return [this.at[2 * p]!, this.at[2 * p + 1]!]; }
  get bounds(): { x: number; y: number; w: number; h: number } { return this.box; }

  close(): void {
    cancelAnimationFrame(this.frame);
    this.gl?.getExtension("WEBGL_lose_context")?.loseContext();
  }
}
