// A GAN of points in the plane, small enough to train in a page: two networks of dense layers, their gradients by hand.

export type Random = () => number;
// mulberry returns uniform numbers of a seed.
export function mulberry(seed: number): Random {
  return () => {
    seed = seed + 0x6d2b79f5 | 0;
    let t = Math.imul(seed ^ seed >>> 15, 1 | seed);
    t = t + Math.imul(t ^ t >>> 7, 61 | t) ^ t;
    return ((t ^ t >>> 14) >>> 0) / 4294967296;
  };
}
export const gauss = (r: Random): number => Math.sqrt(-2 * Math.log(1 - r())) * Math.cos(2 * Math.PI * r());

// A Net has layers of widths; between them leaky rectifiers.
export class Net {
  readonly w: Float64Array[] = []; readonly b: Float64Array[] = []; readonly dw: Float64Array[] = []; readonly db: Float64Array[] = [];
  private acts: Float64Array[] = []; private n = 0; private t = 0; private moments: [Float64Array, Float64Array][] = [];

  constructor(readonly widths: number[], random: Random) {
    for (let l = 0; l + 1 < widths.length; l++) {
      const i = widths[l]!, o = widths[l + 1]!;
      this.w.push(Float64Array.from({ length: i * o }, () => gauss(random) * Math.sqrt(2 / i)));
      this.b.push(new Float64Array(o)); this.dw.push(new Float64Array(i * o)); this.db.push(new Float64Array(o));
    }
    for (const p of [...this.w, ...this.b]) this.moments.push([new Float64Array(p.length), new Float64Array(p.length)]);
  }

  // forward returns the outputs of n inputs, and notes what backward needs.
  forward(x: Float64Array, n: number): Float64Array {
    this.n = n; this.acts = [x];
    this.w.forEach((w, l) => {
      const I = this.widths[l]!, O = this.widths[l + 1]!, from = this.acts[l]!, to = new Float64Array(n * O), last = l === this.w.length - 1;
      for (let k = 0; k < n; k++) for (let o = 0; o < O; o++) {
        let s = this.b[l]![o]!;
        for (let i = 0; i < I; i++) s += from[k * I + i]! * w[i * O + o]!;
        to[k * O + o] = last || s > 0 ? s : 0.2 * s;
      }
      this.acts.push(to);
    });
    return this.acts[this.w.length]!;
  }

  // backward adds the gradients of the weights to dw and db, and returns that of the inputs.
  backward(grad: Float64Array): Float64Array {
    for (let l = this.w.length - 1; l >= 0; l--) {
      const I = this.widths[l]!, O = this.widths[l + 1]!, from = this.acts[l]!, out = this.acts[l + 1]!, w = this.w[l]!, dw = this.dw[l]!, db = this.db[l]!, next = new Float64Array(this.n * I), last = l === this.w.length - 1;
      for (let k = 0; k < this.n; k++) for (let o = 0; o < O; o++) {
        const g = grad[k * O + o]! * (last || out[k * O + o]! > 0 ? 1 : 0.2);
        if (!g) continue;
        db[o]! += g;
        for (let i = 0; i < I; i++) { dw[i * O + o]! += g * from[k * I + i]!; next[k * I + i]! += g * w[i * O + o]!; }
      }
      grad = next;
    }
    return grad;
  }

  clear(): void { for (const d of [...this.dw, ...this.db]) d.fill(0); }

  // update is a step of Adam.
  update(lr: number, beta1 = 0.5, beta2 = 0.999): void {
    this.t++;
    const grads = [...this.dw, ...this.db], scale = lr * Math.sqrt(1 - beta2 ** this.t) / (1 - beta1 ** this.t);
    [...this.w, ...this.b].forEach((p, k) => {
      const [m, v] = this.moments[k]!, g = grads[k]!;
      for (let i = 0; i < p.length; i++) {
        m[i] = beta1 * m[i]! + (1 - beta1) * g[i]!;
        v[i] = beta2 * v[i]! + (1 - beta2) * g[i]! ** 2;
        p[i]! -= scale * m[i]! / (Math.sqrt(v[i]!) + 1e-8);
      }
    });
  }
}

const sigmoid = (v: number): number => 1 / (1 + Math.exp(-v));
const softplus = (v: number): number => Math.max(v, 0) + Math.log1p(Math.exp(-Math.abs(v)));

export type Shape = "ring" | "clusters" | "moons" | "line";
export function real(shape: Shape, n: number, r: Random): Float64Array {
  const x = new Float64Array(2 * n);
  for (let i = 0; i < n; i++) {
    const a = 2 * Math.PI * r();
    let p: [number, number], noise = 0.05;
    if (shape === "ring") p = [Math.cos(a), Math.sin(a)];
    else if (shape === "clusters") { const k = Math.floor(r() * 5) * 2 * Math.PI / 5; p = [Math.cos(k), Math.sin(k)]; noise = 0.09; }
    else if (shape === "moons") p = r() < .5 ? [Math.cos(a / 2) - .5, Math.sin(a / 2) - .25] : [.5 - Math.cos(a / 2), .25 - Math.sin(a / 2)];
    else { const t = 2 * r() - 1; p = [t, .7 * t]; }
    x[2 * i] = p[0] + noise * gauss(r); x[2 * i + 1] = p[1] + noise * gauss(r);
  }
  return x;
}

// A Game is a generator that turns noise into points against a discriminator that tells them from real ones.
export class Game {
  readonly G: Net; readonly D: Net; private random: Random; steps = 0; lossD = NaN; lossG = NaN; accuracy = NaN;
  readonly batch = 64; readonly noise: Float64Array; // fixed noise, to be looked at
  constructor(readonly shape: Shape, seed: number) {
    this.random = mulberry(seed);
    this.G = new Net([2, 24, 24, 2], this.random); this.D = new Net([2, 24, 24, 1], this.random);
    this.noise = this.draw(160);
  }
  draw(n: number): Float64Array { return Float64Array.from({ length: 2 * n }, () => gauss(this.random)); }

  // stepD moves the discriminator: real points should have a logit above 0, generated ones below.
  stepD(lr: number): void {
    const n = this.batch, x = new Float64Array(4 * n);
    x.set(real(this.shape, n, this.random)); x.set(this.G.forward(this.draw(n), n), 2 * n);
    const logits = this.D.forward(x, 2 * n), grad = new Float64Array(2 * n);
    let loss = 0, right = 0;
    for (let i = 0; i < 2 * n; i++) {
      const v = logits[i]!, y = i < n ? 1 : 0;
      loss += softplus(y ? -v : v) / (2 * n); grad[i] = (sigmoid(v) - y) / (2 * n); right += (v > 0) === !!y ? 1 : 0;
    }
    this.D.clear(); this.D.backward(grad); this.D.update(lr);
    this.lossD = loss; this.accuracy = right / (2 * n);
  }

  // stepG moves the generator so that the discriminator takes its points for real ones (the loss that does not saturate).
  stepG(lr: number): void {
    const n = this.batch, x = this.G.forward(this.draw(n), n), logits = this.D.forward(x, n), grad = new Float64Array(n);
    let loss = 0;
    for (let i = 0; i < n; i++) { loss += softplus(-logits[i]!) / n; grad[i] = (sigmoid(logits[i]!) - 1) / n; }
    this.D.clear(); this.G.clear();
    this.G.backward(this.D.backward(grad)); this.G.update(lr);
    this.lossG = loss; this.steps++;
  }

  // wishes returns generated points, and where the discriminator would have each go.
  wishes(): { x: Float64Array; to: Float64Array } {
    const n = this.noise.length / 2, x = this.G.forward(this.noise, n), logits = this.D.forward(x, n);
    this.D.clear();
    const g = this.D.backward(Float64Array.from(logits, (v) => sigmoid(v) - 1));
    return { x, to: g.map((v) => -v) };
  }
  chance(x: Float64Array): Float64Array { return this.D.forward(x, x.length / 2).map(sigmoid); }
}
