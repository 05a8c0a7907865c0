// A model that is explored: the code under the pointer and the picture that it decodes to. What is shown follows it by events; the
// picture itself takes no detour.
import { paint, type Decoder } from "../decoder";

// Events: "move" comes with each frame in which the code has changed, "code" when the rest of the page is to follow it.
type Event = "move" | "code" | "picture" | "labels";

// Measured is what a test reads of each picture, in milliseconds of the clock of the page: when the pointer asked for it, when
// its pixels were on the canvas, and when the page had made the frame that shows them.
interface Measured { since: number; drawn: number; framed: number }
const measured: Measured[] = [];
let measuring = false;
(globalThis as unknown as Record<string, unknown>)["imagoMeasure"] = { start: () => { measured.length = 0; measuring = true; }, stop: () => { measuring = false; return measured; } };

// painted calls f when the page has made the frame of which it is called. framed does so for the next frame.
function painted(f: () => void): void {
  const after = new MessageChannel(); // its message comes after what the frame paints
  after.port1.onmessage = () => { after.port1.close(); f(); };
  after.port2.postMessage(0);
}
const framed = (f: () => void): void => { requestAnimationFrame(() => painted(f)); };

export class Space {
  z: Float32Array; labels: Float32Array; values: Float32Array | null = null;
  readonly canvases = new Set<HTMLCanvasElement>(); // each shows the picture
  fault = "";
  private heard: Record<Event, Set<() => void>> = { move: new Set(), code: new Set(), picture: new Set(), labels: new Set() };
  private frame = 0; private framing = false; private late = -1; // when the pointer asked for what is to be decoded at the frame
  private moving = true; private following = 0; private free = 0; // whether only the pointer moved it; the timer; when the page may follow again

  constructor(readonly decoder: Decoder) {
    this.z = new Float32Array(decoder.model.latent);
    this.labels = new Float32Array(decoder.model.labels.length);
    if (this.labels.length && !decoder.model.attributes) this.labels[0] = 1;
  }

  on(event: Event, f: () => void): () => void { this.heard[event].add(f); return () => { this.heard[event].delete(f); }; }
  tell(event: Event): void { for (const f of [...this.heard[event]]) f(); }

  // set makes another code the one that is shown. since is when the pointer asked for it.
  set(z: Float32Array, since = 0): void {
    this.z = z;
    if (!since) this.moving = false;
    this.decode(since);
    this.turn();
  }

  setLabels(labels: Float32Array): void { this.labels = labels; this.tell("labels"); this.decode(); }

  // turn runs at the next frame: it decodes what came since the last, and tells the rest of the page.
  private turn(): void {
    if (!this.frame) this.frame = requestAnimationFrame(() => {
      this.frame = 0;
      const late = this.late;
      this.late = -1;
      this.framing = true;
      if (late >= 0) this.decode(late);
      this.framing = false;
      this.tell("move");
      if (!this.moving) this.follow();
      else {
        clearTimeout(this.following);
        this.following = setTimeout(() => this.follow(), Math.min(100, this.free - performance.now())) as unknown as number;
      }
      this.moving = true;
    });
  }

  // follow lets the rest of the page follow the code. Its numbers and sliders are laid out anew for it, and a picture that the
  // pointer asks for meanwhile waits. So they follow a pointer when it rests, and once a second while it moves.
  private follow(): void {
    clearTimeout(this.following);
    this.free = performance.now() + 1000;
    this.tell("code");
  }

  // decode decodes the code. A quick model does so at once, but once between two frames: what the pointer says more often waits
  // for the frame.
  decode(since = 0): void {
    const { decoder } = this, { now } = decoder;
    if (!decoder.can("decode")) return;
    if (now) {
      if (this.frame) { this.late = since; return; }
      this.show(now(this.z, this.labels), since);
      if (!this.framing) this.turn(); // a frame that asks for the next one keeps the pointer waiting for it
      return;
    }
    decoder.decode(this.z, this.labels).then((values) => {
      if (values) this.show(values, since);
    }, (e: unknown) => { this.fault = (e as Error).message; this.tell("picture"); });
  }

  private show(values: Float32Array, since: number): void {
    this.values = values.slice(); this.fault = "";
    for (const c of this.canvases) paint(c, values, this.decoder.model.shape);
    this.tell("picture");
    if (!measuring || !since) return;
    const drawn = performance.now();
    const note = (): void => { measured.push({ since, drawn, framed: performance.now() }); };
    if (this.framing) painted(note);
    else framed(note);
  }

  close(): void { cancelAnimationFrame(this.frame); clearTimeout(this.following); this.decoder.close(); }
}
