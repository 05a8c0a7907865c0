// The plane on the screen: decoded pictures at the back, points over them, and on top what is marked. It moves with the pointer,
// the wheel, two fingers and the keys.
import { imageOf } from "../decoder";
import { color } from "../parts/color";
import type { Plane } from "./codes";
import { Scatter, type View } from "./scatter";
import type { Space } from "./space";

export type Tool = "look" | "lasso" | "path";
export interface Heard {
  item(p: number | null, x: number, y: number): void;    // the point under the pointer
  pin(p: number | null): void;                           // it was clicked, or the plane beside all points
  lasso(points: number[], polygon: [number, number][]): void;
  stop(z: Float32Array): void;                           // a stop of the path
  view(v: View): void;                                   // it has moved
}

export class Stage {
  readonly scatter: Scatter;
  view: View = { x: 0, y: 0, scale: 100 };
  plane: Plane | null = null;
  tool: Tool = "look"; pinned = false; stops: Float32Array[] = []; selected: number | null = null;
  private mosaic: { canvas: HTMLCanvasElement; x: number; y: number; step: number; n: [number, number] } | null = null;
  private wanted = false; private making: AbortController | null = null; private later = 0; private over = 0; private resting = 0;
  private guided = 0; // the timer while a mouse moves the code
  private polygon: [number, number][] = []; private fingers = new Map<number, { x: number; y: number }>();
  private drag: { x: number; y: number; moved: boolean } | null = null; private hovered: number | null = null;
  private ends: (() => void)[] = [];

  private rings: Record<"at" | "hovered" | "selected", HTMLElement>;

  constructor(readonly box: HTMLElement, private back: HTMLCanvasElement, points: HTMLCanvasElement, private top: HTMLCanvasElement, readonly space: Space, private heard: Heard) {
    this.scatter = new Scatter(points);
    // What moves with the pointer are elements of their own: nothing else of the plane is painted anew.
    const ring = (name: string): HTMLElement => { const e = document.createElement("i"); e.className = `x-ring ${name}`; e.hidden = true; box.append(e); this.ends.push(() => e.remove()); return e; };
    this.rings = { hovered: ring("hovered"), selected: ring("selected"), at: ring("at") };
    const on = <K extends keyof HTMLElementEventMap>(type: K, f: (e: HTMLElementEventMap[K]) => void): void => {
      box.addEventListener(type, f, type === "wheel" ? { passive: false } : {});
      this.ends.push(() => box.removeEventListener(type, f));
    };
    on("pointerdown", (e) => this.down(e));
    on("pointermove", (e) => this.move(e));
    for (const end of ["pointerup", "pointercancel"] as const) on(end, (e) => this.up(e));
    on("pointerleave", () => this.hover(null, 0, 0));
    on("wheel", (e) => {
      e.preventDefault();
      const [x, y] = this.local(e);
      this.zoom(Math.exp(-e.deltaY * (e.deltaMode ? 0.05 : e.ctrlKey ? 0.01 : 0.0016)), x, y);
    });
    on("keydown", (e) => this.key(e));
    // Raw events come at once; pointermove waits for the next frame.
    const raw = (e: Event): void => this.follow(e as PointerEvent);
    const name = "onpointerrawupdate" in box ? "pointerrawupdate" : "pointermove";
    box.addEventListener(name, raw);
    this.ends.push(() => box.removeEventListener(name, raw));
    const resized = new ResizeObserver(() => { this.draw(); this.remake(); });
    resized.observe(box);
    this.ends.push(() => resized.disconnect(), space.on("move", () => { if (!this.guided) this.place(); }), space.on("labels", () => this.remake(0)));
  }

  close(): void {
    this.making?.abort();
    clearTimeout(this.later); clearTimeout(this.resting); clearTimeout(this.guided); cancelAnimationFrame(this.over);
    for (const f of this.ends) f();
    this.scatter.close();
  }

  // fit shows all that the plane reaches.
  fit(): void {
    const { plane, box } = this;
    if (!plane) return;
    this.look({ x: 0, y: 0, scale: Math.max(1, Math.min(box.clientWidth, box.clientHeight)) / (2 * plane.reach) });
  }

  look(v: View): void {
    const { plane } = this, reach = plane?.reach ?? 3;
    const least = Math.min(this.box.clientWidth, this.box.clientHeight) / (8 * reach);
    this.view = { x: Math.max(-4 * reach, Math.min(4 * reach, v.x)), y: Math.max(-4 * reach, Math.min(4 * reach, v.y)), scale: Math.max(least, Math.min(least * 4000, v.scale)) };
    this.draw();
    this.remake();
    this.heard.view(this.view);
  }

  zoom(by: number, x = this.box.clientWidth / 2, y = this.box.clientHeight / 2): void {
    const [px, py] = this.toPlane(x, y), scale = this.view.scale * by;
    this.look({ scale, x: px - (x - this.box.clientWidth / 2) / scale, y: py + (y - this.box.clientHeight / 2) / scale });
  }

  toPlane(x: number, y: number): [number, number] { return [this.view.x + (x - this.box.clientWidth / 2) / this.view.scale, this.view.y - (y - this.box.clientHeight / 2) / this.view.scale]; }
  toScreen(x: number, y: number): [number, number] { return [this.box.clientWidth / 2 + (x - this.view.x) * this.view.scale, this.box.clientHeight / 2 - (y - this.view.y) * this.view.scale]; }
  private local(e: { clientX: number; clientY: number }): [number, number] { const b = this.box.getBoundingClientRect(); return [e.clientX - b.left, e.clientY - b.top]; }

  // go moves the code to a place of the plane.
  go(x: number, y: number, since = 0): void { if (this.plane) this.space.set(this.plane.code(x, y, this.space.z), since); }

  // --- The pointer.

  private follow(e: PointerEvent): void {
    if (this.pinned || this.fingers.size > 1 || e.pointerType !== "touch" && e.buttons || !this.plane) return;
    if (e.pointerType === "touch" && (this.tool === "lasso" || !this.fingers.size)) return;
    if (e.pointerType === "mouse") { // its cross is where the code is: rings below it would be one more part of each frame
      const first = !this.guided;
      clearTimeout(this.guided);
      this.guided = setTimeout(() => { this.guided = 0; this.place(); }, 100) as unknown as number;
      if (first) this.place();
    }
    const [x, y] = this.toPlane(...this.local(e));
    this.go(x, y, e.timeStamp);
  }

  private down(e: PointerEvent): void {
    if ((e.target as Element).closest("button, a, select, input, label")) return;
    this.box.focus({ preventScroll: true });
    const [x, y] = this.local(e);
    this.fingers.set(e.pointerId, { x, y });
    this.box.setPointerCapture(e.pointerId);
    this.drag = { x, y, moved: false };
    if (this.tool === "lasso" && this.fingers.size === 1) this.polygon = [this.toPlane(x, y)];
  }

  private move(e: PointerEvent): void {
    const [x, y] = this.local(e), finger = this.fingers.get(e.pointerId);
    if (!finger) {
      if (e.pointerType === "mouse" || e.pointerType === "pen") this.hover(this.pick(x, y), x, y);
      return;
    }
    const { drag } = this;
    if (drag && Math.hypot(x - drag.x, y - drag.y) > 4) drag.moved = true;
    if (this.fingers.size === 2) { // two fingers: the plane goes with them
      const other = [...this.fingers].find(([id]) => id !== e.pointerId)![1];
      const was = Math.hypot(finger.x - other.x, finger.y - other.y), is = Math.hypot(x - other.x, y - other.y);
      this.view.x -= (x - finger.x) / 2 / this.view.scale; this.view.y += (y - finger.y) / 2 / this.view.scale;
      this.zoom(is / Math.max(1, was), (x + other.x) / 2, (y + other.y) / 2);
    } else if (this.tool === "lasso" && this.polygon.length) {
      this.polygon.push(this.toPlane(x, y));
      this.mark();
    } else if (drag?.moved && e.pointerType !== "touch") {
      this.look({ ...this.view, x: this.view.x - (x - finger.x) / this.view.scale, y: this.view.y + (y - finger.y) / this.view.scale });
    } else if (e.pointerType === "touch") this.hover(this.pick(x, y), x, y);
    finger.x = x; finger.y = y;
  }

  private up(e: PointerEvent): void {
    if (!this.fingers.delete(e.pointerId)) return;
    const [x, y] = this.local(e), { drag } = this;
    this.drag = null;
    if (this.tool === "lasso" && this.polygon.length) {
      if (this.polygon.length > 3) this.heard.lasso(this.scatter.within(this.polygon), this.polygon);
      if (this.polygon.length <= 3) this.polygon = [];
      this.mark();
      return;
    }
    if (!drag || drag.moved || e.type === "pointercancel") return;
    this.press(x, y);
  }

  private press(x: number, y: number): void {
    const [px, py] = this.toPlane(x, y), p = this.pick(x, y);
    this.go(px, py);
    if (this.tool === "path") this.heard.stop(Float32Array.from(this.space.z));
    else this.heard.pin(p);
    this.mark();
  }

  private pick(x: number, y: number): number | null {
    if (!this.plane?.points || this.scatter.canvas.hidden) return null;
    return this.scatter.nearest(...this.toPlane(x, y), 9 / this.view.scale)[0] ?? null;
  }

  private hover(p: number | null, x: number, y: number): void {
    if (p === this.hovered) return;
    this.hovered = p;
    if (!this.guided) this.place();
    // The item is shown when the pointer rests on it: one that is passed by would be fetched for nobody, and its frames keep the
    // picture of the code waiting.
    clearTimeout(this.resting);
    this.resting = setTimeout(() => this.heard.item(p, x, y), 60) as unknown as number;
  }

  // lassoed marks a region that was chosen by other means, or none.
  lassoed(polygon: [number, number][]): void { this.polygon = polygon; this.mark(); }

  private key(e: KeyboardEvent): void {
    if (e.target !== this.box || e.ctrlKey || e.metaKey || e.altKey || !this.plane) return;
    const step = (e.shiftKey ? 48 : 10) / this.view.scale, at = this.plane.at(this.space.z);
    const moves: Record<string, [number, number]> = { ArrowLeft: [-step, 0], ArrowRight: [step, 0], ArrowUp: [0, step], ArrowDown: [0, -step] }, m = moves[e.key];
    if (m) {
      const x = at[0] + m[0], y = at[1] + m[1];
      this.go(x, y, e.timeStamp);
      const [sx, sy] = this.toScreen(x, y), w = this.box.clientWidth, h = this.box.clientHeight;
      if (sx < 20 || sx > w - 20 || sy < 20 || sy > h - 20) this.look({ ...this.view, x: this.view.x + m[0], y: this.view.y + m[1] });
      this.hover(this.pick(sx, sy), sx, sy);
    } else if (e.key === "+" || e.key === "=") this.zoom(1.25);
    else if (e.key === "-") this.zoom(0.8);
    else if (e.key === "0") this.fit();
    else if (e.key === "Enter") {
      if (this.tool === "lasso") { // corners, until the first is met again
        const first = this.polygon[0], near = first && Math.hypot(first[0] - at[0], first[1] - at[1]) < step * 1.5;
        if (near && this.polygon.length > 2) this.heard.lasso(this.scatter.within(this.polygon), this.polygon);
        else this.polygon = [...this.polygon, at];
        this.mark();
      } else this.press(...this.toScreen(...at));
    } else if (e.key === "Escape" && (this.polygon.length || this.pinned)) { this.polygon = []; this.heard.pin(null); this.mark(); }
    else return;
    e.preventDefault();
    e.stopPropagation();
  }

  // --- Drawing.

  draw(): void { this.scatter.draw(this.view); this.drawBack(); this.mark(); }

  private sized(canvas: HTMLCanvasElement): CanvasRenderingContext2D {
    const ratio = devicePixelRatio || 1, w = Math.max(1, Math.round(this.box.clientWidth * ratio)), h = Math.max(1, Math.round(this.box.clientHeight * ratio));
    if (canvas.width !== w || canvas.height !== h) { canvas.width = w; canvas.height = h; }
    const c = canvas.getContext("2d")!;
    c.setTransform(ratio, 0, 0, ratio, 0, 0);
    c.clearRect(0, 0, w, h);
    return c;
  }

  private drawBack(): void {
    const c = this.sized(this.back), { view, box, plane, mosaic } = this, w = box.clientWidth, h = box.clientHeight;
    if (this.wanted && mosaic) {
      const [x, y] = this.toScreen(mosaic.x, mosaic.y), size = mosaic.step * view.scale;
      c.imageSmoothingEnabled = size / this.space.decoder.model.shape[0]! < 1.5;
      c.drawImage(mosaic.canvas, x, y, size * mosaic.n[0], size * mosaic.n[1]);
      return;
    }
    if (!plane) return;
    const step = [0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 50].find((s) => s * view.scale > 42) ?? 100;
    const [x0, y1] = this.toPlane(0, 0), [x1, y0] = this.toPlane(w, h);
    c.lineWidth = 1;
    c.font = `11px ${getComputedStyle(box).fontFamily}`;
    c.fillStyle = color("--ink3");
    for (const [vertical, from, to] of [[true, x0, x1], [false, y0, y1]] as const) for (let i = Math.ceil(from / step); i * step <= to; i++) {
      const v = i * step, at = Math.round(vertical ? this.toScreen(v, 0)[0] : this.toScreen(0, v)[1]) + .5;
      c.strokeStyle = color(i === 0 ? "--line2" : "--line");
      c.beginPath();
      if (vertical) { c.moveTo(at, 0); c.lineTo(at, h); } else { c.moveTo(0, at); c.lineTo(w, at); }
      c.stroke();
      if (plane.x && i % 2 === 0) c.fillText(String(Math.round(v * 10) / 10).replace("-", "−"), vertical ? at + 4 : 5, vertical ? h - 6 : at - 4);
    }
  }

  mark(): void { if (!this.over) this.over = requestAnimationFrame(() => { this.over = 0; this.drawTop(); }); }

  private drawTop(): void {
    const { plane } = this;
    this.top.hidden = !plane || !this.polygon.length && !this.stops.length; // an empty layer over the whole plane is blended with each frame
    this.place();
    if (!plane || this.top.hidden) return;
    const c = this.sized(this.top);
    const card = color("--card"), accent = color("--accent"), ink = color("--ink");
    const ring = (x: number, y: number, r: number, stroke: string, fill = ""): void => {
      c.beginPath(); c.arc(x, y, r, 0, 7);
      if (fill) { c.fillStyle = fill; c.fill(); }
      c.strokeStyle = card; c.lineWidth = 5; c.stroke();
      c.strokeStyle = stroke; c.lineWidth = 2; c.stroke();
    };
    if (this.polygon.length) {
      c.beginPath();
      this.polygon.forEach((p, i) => { const [x, y] = this.toScreen(...p); if (i) c.lineTo(x, y); else c.moveTo(x, y); });
      c.closePath();
      c.globalAlpha = .12; c.fillStyle = accent; c.fill();
      c.globalAlpha = 1; c.strokeStyle = accent; c.lineWidth = 1.5; c.setLineDash([5, 4]); c.stroke(); c.setLineDash([]);
      if (this.polygon.length < 3) for (const p of this.polygon) ring(...this.toScreen(...p), 3, accent, accent);
    }
    if (this.stops.length) {
      const places = this.stops.map((z) => this.toScreen(...plane.at(z)));
      c.beginPath();
      places.forEach(([x, y], i) => { if (i) c.lineTo(x, y); else c.moveTo(x, y); });
      c.strokeStyle = card; c.lineWidth = 5; c.stroke();
      c.strokeStyle = ink; c.lineWidth = 2; c.stroke();
      places.forEach(([x, y], i) => {
        ring(x, y, 9, ink, ink);
        c.fillStyle = card; c.font = "600 11px sans-serif"; c.textAlign = "center"; c.textBaseline = "middle";
        c.fillText(String(i + 1), x, y + .5);
        c.textAlign = "start"; c.textBaseline = "alphabetic";
      });
    }
  }

  // place moves the rings to where the code, the point under the pointer and the chosen one are.
  private place(): void {
    const { plane, rings, scatter } = this, put = (e: HTMLElement, at: [number, number] | null): void => {
      e.hidden = !at;
      if (!at) return;
      const [x, y] = this.toScreen(...at);
      e.style.transform = `translate(${x.toFixed(1)}px, ${y.toFixed(1)}px)`;
    };
    const point = (p: number | null): [number, number] | null => p !== null && p < scatter.count ? scatter.place(p) : null;
    put(rings.hovered, this.guided ? null : point(this.hovered)); put(rings.selected, point(this.selected)); put(rings.at, plane && !this.guided ? plane.at(this.space.z) : null);
    rings.at.classList.toggle("pinned", this.pinned);
  }

  // pictures shows a grid of decoded pictures at the back, or not.
  pictures(on: boolean): void {
    this.wanted = on;
    if (on) this.remake(0); else { this.making?.abort(); this.mosaic = null; }
    this.drawBack();
  }

  // remake decodes the grid anew, for what is seen now, when it has not moved for a while.
  remake(after = 180): void {
    clearTimeout(this.later);
    if (this.wanted) this.later = setTimeout(() => void this.make(), after) as unknown as number;
  }

  private async make(): Promise<void> {
    const { plane, box, view, space } = this, { shape, latent } = space.decoder.model, w = box.clientWidth, h = box.clientHeight;
    if (!plane || !w || !space.decoder.can("decode")) return;
    this.making?.abort();
    const stop = this.making = new AbortController();
    const most = shape[0]! * shape[1]! > 2500 ? 16 : 30, step = Math.max(w, h) / most / view.scale;
    const [left, upper] = this.toPlane(0, 0), x0 = Math.floor(left / step) * step, y0 = Math.ceil(upper / step) * step;
    const cols = Math.ceil((left + w / view.scale - x0) / step), rows = Math.ceil((y0 - upper + h / view.scale) / step), H = shape[0]!, W = shape[1]!;
    const cells = Array.from({ length: rows * cols }, (_, i) => i);
    const far = (i: number): number => (i % cols - cols / 2) ** 2 + (Math.floor(i / cols) - rows / 2) ** 2;
    cells.sort((a, b) => far(a) - far(b)); // from the middle outwards
    const codes = new Float32Array(cells.length * latent), base = Float32Array.from(space.z);
    cells.forEach((cell, i) => codes.set(plane.code(x0 + (cell % cols + .5) * step, y0 - (Math.floor(cell / cols) + .5) * step, base), i * latent));
    const canvas = document.createElement("canvas");
    canvas.width = cols * W; canvas.height = rows * H;
    const c = canvas.getContext("2d")!, old = this.mosaic;
    if (old) { // what was there stays until it is replaced
      const s = old.step / step;
      c.drawImage(old.canvas, (old.x - x0) / step * W, (y0 - old.y) / step * H, old.n[0] * s * W, old.n[1] * s * H);
    }
    this.mosaic = { canvas, x: x0, y: y0, step, n: [cols, rows] };
    let drawn = 0;
    await space.decoder.decodeMany(codes, space.labels, (from, values) => {
      if (stop.signal.aborted) return;
      const size = H * W * shape[2]!;
      for (let i = 0; i < values.length / size; i++) {
        const cell = cells[from + i]!;
        c.putImageData(imageOf(values, i * size, shape), cell % cols * W, Math.floor(cell / cols) * H);
      }
      if (!drawn) drawn = requestAnimationFrame(() => { drawn = 0; if (!stop.signal.aborted) this.drawBack(); });
    }, stop.signal).catch(() => { /* the model has been closed */ });
  }
}
