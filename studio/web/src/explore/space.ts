// A model that is explored: the code under the pointer and the picture that it decodes to. What is shown follows it by events,
// once a frame; the picture itself takes no detour.
import { paint, type Decoder } from "../decoder";

type Event = "code" | "picture" | "labels";

// Measured is what a test reads of each picture, in milliseconds of the clock of the page: when the pointer asked for it, when
// its pixels were on the canvas, and when the page had made the frame that shows them.
interface Measured { since: number; drawn: number; framed: number }
const measured: Measured[] = [];
let measuring = false;
(globalThis as unknown as Record<string, unknown>)["imagoMeasure"] = { start: () => { measured.length = 0; measuring = true; }, stop: () => { measuring = false; return measured; } };

export class Space {
  z: Float32Array; labels: Float32Array; values: Float32Array | null = null;
  readonly canvases = new Set<HTMLCanvasElement>(); // each shows the picture
  fault = "";
  private heard: Record<Event, Set<() => void>> = { code: new Set(), picture: new Set(), labels: new Set() };
  private frame = 0; private framing = false; private late = -1; // when the pointer asked for what is to be decoded at the frame

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
      this.tell("code");
    });
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
    const frame = (): void => { // its message comes after what this frame paints
      const after = new MessageChannel();
      after.port1.onmessage = () => { measured.push({ since, drawn, framed: performance.now() }); after.port1.close(); };
      after.port2.postMessage(0);
    };
    if (this.framing) frame();
    else requestAnimationFrame(frame);
  }

  close(): void { cancelAnimationFrame(this.frame); this.decoder.close(); }
}
