// The codes of a set's items as the server sends them, and the planes they are looked at in.
import { get, getBytes, runPath, send, Fault, type Direction, type Model } from "../api";

export interface Codes { n: number; units: number; means: Float32Array; classes: Int32Array; attributes: string[]; names: string[]; flags: Uint8Array; index: Int32Array; set: string }

const q = (at: string): string => `?at=${encodeURIComponent(at)}`;

export async function fetchCodes(id: string, at: string): Promise<Codes> {
  const response = await getBytes(runPath(id, "/codes" + q(at)));
  if (response.status === 204) throw new Fault(409, decodeURIComponent(response.headers.get("Imago-Why") ?? "The codes are not known yet."));
  const buffer = await response.arrayBuffer();
  const [n, units, , , count] = new Uint32Array(buffer, 0, 5) as unknown as [number, number, number, number, number];
  let from = 20;
  const means = new Float32Array(buffer, from, n * units); from += 4 * n * units;
  const classes = new Int32Array(buffer, from, n); from += 4 * n;
  const flags = new Uint8Array(buffer, from, n * count); from += n * count;
  const index = new Int32Array(buffer.slice(from, from + 4 * n));
  const list = (header: string): string[] => JSON.parse(decodeURIComponent(response.headers.get(header) ?? "[]")) as string[], names = list("Imago-Attributes");
  const set = response.headers.get("Imago-Set") ?? "train";
  return { n, units, means, classes, attributes: Array.from({ length: count }, (_, i) => names[i] ?? String(i)), names: list("Imago-Classes"), flags, index, set };
}

// makeCodes asks for codes that are not yet known. They are there after the event "codes".
export const makeCodes = (id: string, at: string): Promise<unknown> => send("POST", runPath(id, "/codes" + q(at)));
export const fetchDirections = (id: string, at: string): Promise<Direction[]> => get<Direction[]>(runPath(id, "/directions" + q(at)));
export const itemAddress = (id: string, index: number, set = "train"): string => `/api/${runPath(id, `/items/${index}.png?set=${set}`)}`;
export const unknown = (e: unknown): boolean => e instanceof Fault && e.status === 409;

// A Plane says where a code is, and which code is at a place; of what the place does not say, the code stays as it is.
export interface Plane {
  key: string; title: string; x: string; y: string;
  points: Float32Array<ArrayBuffer> | null; // of the codes
  at(z: Float32Array): [number, number];
  code(x: number, y: number, z: Float32Array): Float32Array;
  reach: number;
}

export function unitPlane(model: Model, codes: Codes | null, x: number, y: number): Plane {
  let points: Float32Array<ArrayBuffer> | null = null;
  if (codes && x < codes.units && y < codes.units) {
    points = new Float32Array(2 * codes.n);
    for (let i = 0; i < codes.n; i++) { points[2 * i] = codes.means[i * codes.units + x]!; points[2 * i + 1] = y === x ? 0 : codes.means[i * codes.units + y]!; }
  }
  return {
    key: `${x},${y}`, title: `Units ${x} and ${y}`, x: `z${x}`, y: `z${y}`, points, reach: model.reach,
    at: (z) => [z[x]!, y === x ? 0 : z[y]!],
    code: (a, b, z) => { const c = Float32Array.from(z); c[x] = a; if (y !== x) c[y] = b; return c; },
  };
}

const dot = (a: ArrayLike<number>, b: ArrayLike<number>): number => { let s = 0; for (let i = 0; i < a.length; i++) s += a[i]! * b[i]!; return s; };
const farthest = (p: Float32Array): number => { let m = 1; for (let i = 0; i < p.length; i++) m = Math.max(m, Math.abs(p[i]!)); return m; };

// projected returns the plane of the first two components, or of t-SNE. The place of a code in the latter is that of the
// nearest code of an item, and its code is a mean of the codes around it.
export async function projected(kind: "pca" | "tsne", id: string, at: string, codes: Codes): Promise<Plane> {
  const response = await getBytes(runPath(id, `/projection${q(at)}&kind=${kind}`)), buffer = await response.arrayBuffer();
  const points = new Float32Array(buffer.slice(4)), n = points.length / 2, reach = farthest(points) * 1.05;
  if (kind === "pca") {
    const { mean, axes } = JSON.parse(response.headers.get("Imago-Components")!) as { mean: number[]; axes: [number[], number[]] };
    const place = (z: Float32Array): [number, number] => { const d = z.map((v, i) => v - mean[i]!); return [dot(axes[0], d), dot(axes[1], d)]; };
    return {
      key: kind, title: "Principal components", x: "component 1", y: "component 2", points, reach, at: place,
      code: (x, y, z) => { const p = place(z), a = x - p[0], b = y - p[1]; return z.map((v, i) => v + a * axes[0][i]! + b * axes[1][i]!); },
    };
  }
  const Z = codes.units, code = (i: number): Float32Array => codes.means.subarray(i * Z, (i + 1) * Z);
  return {
    key: kind, title: "t-SNE", x: "", y: "", points, reach,
    at: (z) => {
      let best = 0, least = Infinity;
      for (let i = 0; i < n; i++) {
        const c = code(i);
        let d = 0;
        for (let u = 0; u < Z && d < least; u++) d += (c[u]! - z[u]!) ** 2;
        if (d < least) { least = d; best = i; }
      }
      return [points[2 * best]!, points[2 * best + 1]!];
    },
    code: (x, y, z) => {
      const near: [number, number][] = [];
      for (let i = 0; i < n; i++) {
        const d = (points[2 * i]! - x) ** 2 + (points[2 * i + 1]! - y) ** 2;
        if (near.length < 4 || d < near[3]![0]) { near.push([d, i]); near.sort((a, b) => a[0] - b[0]); near.length = Math.min(near.length, 4); }
      }
      const to = new Float32Array(z.length);
      let sum = 0;
      for (const [d, i] of near) { const w = 1 / (d + 1e-6 * reach * reach); sum += w; const c = code(i); for (let u = 0; u < to.length; u++) to[u]! += w * c[u]!; }
      return to.map((v) => v / sum);
    },
  };
}
