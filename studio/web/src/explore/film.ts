// Films of decoded pictures: APNG and WebM are made here, GIF by the server.
import { imageOf, type Decoder } from "../decoder";

// between returns the code at a part of the way through stops: a smooth curve through all of them (Catmull and Rom), or straight.
export function between(stops: Float32Array[], t: number, closed: boolean): Float32Array {
  const legs = closed ? stops.length : stops.length - 1, at = Math.min(t * legs, legs - 1e-9), i = Math.floor(at), u = at - i;
  const stop = (k: number): Float32Array => closed ? stops[(k + stops.length) % stops.length]! : stops[Math.max(0, Math.min(stops.length - 1, k))]!;
  const [a, b, c, d] = [stop(i - 1), stop(i), stop(i + 1), stop(i + 2)];
  return b.map((v, k) => v + u / 2 * (c[k]! - a[k]! + u * (2 * a[k]! - 5 * v + 4 * c[k]! - d[k]! + u * (3 * (v - c[k]!) + d[k]! - a[k]!))));
}

// frames decodes the frames of a film.
export async function frames(decoder: Decoder, codes: Float32Array[], labels: Float32Array, done: (share: number) => void, signal: AbortSignal): Promise<ImageData[]> {
  const { shape, latent } = decoder.model, size = shape.reduce((a, b) => a * b, 1), all = new Float32Array(codes.length * latent), images: ImageData[] = [];
  codes.forEach((c, i) => all.set(c, i * latent));
  await decoder.decodeMany(all, labels, (from, values) => {
    for (let i = 0; i < values.length / size; i++) images[from + i] = imageOf(values, i * size, shape);
    done((from + values.length / size) / codes.length);
  }, signal);
  return images;
}

const table = Uint32Array.from({ length: 256 }, (_, n) => { for (let k = 0; k < 8; k++) n = n & 1 ? n >>> 1 ^ 0xedb88320 : n >>> 1; return n; });

function chunk(name: string, data: Uint8Array): Uint8Array<ArrayBuffer> {
  const b = new Uint8Array(data.length + 12), view = new DataView(b.buffer);
  view.setUint32(0, data.length);
  for (let i = 0; i < 4; i++) b[4 + i] = name.charCodeAt(i);
  b.set(data, 8);
  let crc = ~0;
  for (let i = 4; i < data.length + 8; i++) crc = crc >>> 8 ^ table[(crc ^ b[i]!) & 255]!;
  view.setUint32(data.length + 8, ~crc);
  return b;
}

const words = (...parts: [bytes: 1 | 2 | 4, value: number][]): Uint8Array => {
  const b = new Uint8Array(parts.reduce((n, p) => n + p[0], 0)), view = new DataView(b.buffer);
  let at = 0;
  for (const [n, v] of parts) { if (n === 4) view.setUint32(at, v); else if (n === 2) view.setUint16(at, v); else view.setUint8(at, v); at += n; }
  return b;
};

// apng returns an animated PNG of frames, each pixel scale by scale.
export async function apng(images: ImageData[], fps: number, scale: number, grey: boolean): Promise<Blob> {
  const W = images[0]!.width * scale, H = images[0]!.height * scale, channels = grey ? 1 : 3;
  const parts: Uint8Array<ArrayBuffer>[] = [Uint8Array.of(137, 80, 78, 71, 13, 10, 26, 10), chunk("IHDR", words([4, W], [4, H], [1, 8], [1, grey ? 0 : 2], [1, 0], [1, 0], [1, 0])), chunk("acTL", words([4, images.length], [4, 0]))];
  let sequence = 0;
  for (const [i, { data, width, height }] of images.entries()) {
    const lines = new Uint8Array((W * channels + 1) * H);
    for (let y = 0, to = 0; y < height; y++) {
      const first = to++;
      for (let x = 0; x < width; x++) for (let s = 0; s < scale; s++) for (let c = 0; c < channels; c++) lines[to++] = data[4 * (y * width + x) + c]!;
      for (let s = 1; s < scale; s++, to += W * channels + 1) { lines.copyWithin(to + 1, first + 1, first + 1 + W * channels); lines.fill(0, to + 1, to + 1 + W * channels); lines[to] = 2; } // as the line above
    }
    const packed = new Uint8Array(await new Response(new Blob([lines]).stream().pipeThrough(new CompressionStream("deflate"))).arrayBuffer());
    parts.push(chunk("fcTL", words([4, sequence++], [4, W], [4, H], [4, 0], [4, 0], [2, 1], [2, fps], [1, 0], [1, 0])));
    if (i === 0) parts.push(chunk("IDAT", packed));
    else {
      const numbered = new Uint8Array(packed.length + 4);
      new DataView(numbered.buffer).setUint32(0, sequence++);
      numbered.set(packed, 4);
      parts.push(chunk("fdAT", numbered));
    }
  }
  return new Blob([...parts, chunk("IEND", new Uint8Array(0))], { type: "image/apng" });
}

const kinds = ["video/webm;codecs=vp9", "video/webm;codecs=vp8", "video/webm"];
export const webmKind = (): string => typeof MediaRecorder === "undefined" ? "" : kinds.find((k) => MediaRecorder.isTypeSupported(k)) ?? "";

// webm records frames as they are shown: it takes as long as the film.
export async function webm(images: ImageData[], fps: number, scale: number, done: (share: number) => void): Promise<Blob> {
  const canvas = document.createElement("canvas"), one = document.createElement("canvas"), { width, height } = images[0]!;
  one.width = width; one.height = height;
  canvas.width = width * scale; canvas.height = height * scale;
  const c = canvas.getContext("2d")!;
  c.imageSmoothingEnabled = false;
  const stream = canvas.captureStream(0), track = stream.getVideoTracks()[0] as CanvasCaptureMediaStreamTrack, pieces: Blob[] = [];
  const recorder = new MediaRecorder(stream, { mimeType: webmKind(), videoBitsPerSecond: 4_000_000 });
  recorder.ondataavailable = (e) => { if (e.data.size) pieces.push(e.data); };
  const ended = new Promise<void>((resolve) => { recorder.onstop = () => resolve(); });
  recorder.start();
  const start = performance.now();
  for (const [i, image] of images.entries()) {
    one.getContext("2d")!.putImageData(image, 0, 0);
    c.drawImage(one, 0, 0, canvas.width, canvas.height);
    track.requestFrame();
    done((i + 1) / images.length);
    await new Promise((next) => setTimeout(next, Math.max(0, start + (i + 1) * 1000 / fps - performance.now())));
  }
  recorder.stop();
  await ended;
  track.stop();
  return new Blob(pieces, { type: "video/webm" });
}

// save gives a file to the person.
export function save(blob: Blob, name: string): void {
  const a = document.createElement("a");
  a.href = URL.createObjectURL(blob);
  a.download = name;
  a.click();
  setTimeout(() => URL.revokeObjectURL(a.href), 10000);
}
