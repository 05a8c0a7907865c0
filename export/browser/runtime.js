// The runtime of programs that imago exports: it draws random numbers, fills a memory with weights, and runs the steps of a
// program by WebAssembly where it can and in plain JavaScript elsewhere. It asks the network for nothing.
const imago = (() => {
  "use strict";

  // --- Random numbers: Philox4x32-10 (Salmon et al. 2011). A key is four words: the key of Philox, the upper half of its
  // counter. What is drawn depends on the key alone.

  function high(a, b) { // the upper 32 bits of a product
    const al = a & 0xffff, ah = a >>> 16, bl = b & 0xffff, bh = b >>> 16;
    const lh = al * bh, hl = ah * bl;
    const middle = ((al * bl) >>> 16) + (lh & 0xffff) + (hl & 0xffff);
    return (ah * bh + (lh >>> 16) + (hl >>> 16) + (middle >>> 16)) >>> 0;
  }

  function philox(c0, c1, c2, c3, k0, k1) {
    for (let round = 0; round < 10; round++) {
      const h0 = high(0xD2511F53, c0), l0 = Math.imul(0xD2511F53, c0) >>> 0;
      const h1 = high(0xCD9E8D57, c2), l1 = Math.imul(0xCD9E8D57, c2) >>> 0;
      c0 = (h1 ^ c1 ^ k0) >>> 0; c1 = l1;
      c2 = (h0 ^ c3 ^ k1) >>> 0; c3 = l0;
      k0 = (k0 + 0x9E3779B9) >>> 0; k1 = (k1 + 0xBB67AE85) >>> 0;
    }
    return [c0, c1, c2, c3];
  }

  const derive = (k, low, high, salt) =>
    philox(low >>> 0, high >>> 0, k[2], k[3], (k[0] ^ Math.imul(salt, 0x85EBCA6B)) >>> 0, (k[1] ^ Math.imul(salt, 0xC2B2AE35)) >>> 0);

  function split(k, name) { // by FNV-1a of the name
    let h = 14695981039346656037n;
    for (const b of new TextEncoder().encode(name)) h = BigInt.asUintN(64, (h ^ BigInt(b)) * 1099511628211n);
    return derive(k, Number(h & 0xffffffffn), Number(h >> 32n), 1);
  }

  const at = (k, i) => derive(k, i % 4294967296, Math.floor(i / 4294967296), 2);

  function seeded(seed) { // a whole number from 0 to 2⁶⁴−1
    const s = BigInt.asUintN(64, BigInt(seed));
    return split([Number(s & 0xffffffffn), Number(s >> 32n), 0, 0], "imago");
  }

  // draw fills to with the numbers of a key from index on. fill turns four words into four numbers.
  function draw(k, from, to, fill) {
    const four = [0, 0, 0, 0];
    for (let i = 0; i < to.length;) {
      const block = Math.floor((from + i) / 4);
      fill(philox(block >>> 0, Math.floor(block / 4294967296), k[2], k[3], k[0], k[1]), four);
      for (let j = (from + i) % 4; j < 4 && i < to.length; j++) to[i++] = four[j];
    }
    return to;
  }

  const uniform = (k, from, to) => draw(k, from, to, (w, v) => { for (let j = 0; j < 4; j++) v[j] = (w[j] >>> 8) / 16777216; });

  const normal = (k, from, to) => draw(k, from, to, (w, v) => { // Box and Muller
    for (let j = 0; j < 4; j += 2) {
      const r = Math.sqrt(-2 * Math.log((w[j] + 0.5) / 4294967296)), angle = 2 * Math.PI * (w[j + 1] / 4294967296);
      v[j] = r * Math.cos(angle); v[j + 1] = r * Math.sin(angle);
    }
  });

  // --- Weights.

  function bytesOf(base64) {
    const text = atob(base64), b = new Uint8Array(text.length);
    for (let i = 0; i < b.length; i++) b[i] = text.charCodeAt(i);
    return b;
  }

  function fromHalf(h) {
    const sign = h & 0x8000 ? -1 : 1, exponent = h >> 10 & 31, fraction = h & 1023;
    return exponent ? sign * (1024 + fraction) * 2 ** (exponent - 25) : sign * fraction * 2 ** -24;
  }

  // arraysOf returns the arrays of a program, of the given lengths: float32, or float16 from 512 elements on if half.
  function arraysOf(bytes, lengths, half) {
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    let from = 0;
    return lengths.map((n) => {
      const a = new Float32Array(n), small = !half || n < 512;
      for (let i = 0; i < n; i++, from += small ? 4 : 2) a[i] = small ? view.getFloat32(from, true) : fromHalf(view.getUint16(from, true));
      return a;
    });
  }

  const loads = [
    (F, array, to) => F.set(array, to),
    // Blocks of lanes channels of the result; of each the taps; of each the channels of x; of each the lanes.
    (F, array, to, outs, ins, outStride, inStride, lanes, ...taps) => {
      for (let block = 0; block < outs; block += lanes) {
        for (const tap of taps) {
          for (let d = 0; d < ins; d++, to += lanes) {
            for (let c = block; c < Math.min(block + lanes, outs); c++) F[to + c - block] = array[tap + c * outStride + d * inStride];
          }
        }
      }
    },
  ];

  // --- Steps. Each is a function of the machine m and the arguments of the step; addresses are in numbers.

  // plainKernel is what a kernel of WebAssembly computes, with addresses in bytes as it has them.
  function plainKernel(m, [pixels, vectors, xCol, act]) {
    const lanes = 4 * vectors;
    return (x, w, bias, y, rows, tiles, blocks, channels, taps, count, xRow, yRow, yCol, slopeBits) => {
      const F = m.F, I = m.I;
      m.bits.setInt32(0, slopeBits);
      const slope = act === 2 ? m.bits.getFloat32(0) : act === 1 ? 0 : 1;
      for (let i = 0; i < rows; i++) {
        for (let j = 0; j < tiles * pixels; j++) {
          const from = (x + i * xRow + j * xCol) >> 2, to = (y + i * yRow + j * yCol) >> 2;
          for (let c = 0; c < blocks * lanes; c += 4) {
            let a = F[(bias >> 2) + c], b = F[(bias >> 2) + c + 1], e = F[(bias >> 2) + c + 2], f = F[(bias >> 2) + c + 3];
            let at = (w >> 2) + Math.floor(c / lanes) * count * channels * lanes + c % lanes;
            for (let t = 0; t < count; t++) {
              const tap = from + (I[(taps >> 2) + t] >> 2);
              for (let d = 0; d < channels; d++, at += lanes) {
                const v = F[tap + d];
                a += v * F[at]; b += v * F[at + 1]; e += v * F[at + 2]; f += v * F[at + 3];
              }
            }
            F[to + c] = a > 0 ? a : a * slope; F[to + c + 1] = b > 0 ? b : b * slope;
            F[to + c + 2] = e > 0 ? e : e * slope; F[to + c + 3] = f > 0 ? f : f * slope;
          }
        }
      }
    };
  }

  function move(m, from, to, rank, ...rest) {
    const F = m.F, last = rank - 1, n = rest.slice(0, rank), a = rest.slice(rank, 2 * rank), b = rest.slice(2 * rank);
    const copy = (axis, from, to) => {
      const count = n[axis], p = a[axis], q = b[axis];
      if (axis < last) for (let i = 0; i < count; i++) copy(axis + 1, from + i * p, to + i * q);
      else if (p === 1 && q === 1) F.copyWithin(to, from, from + count);
      else for (let i = 0; i < count; i++) F[to + i * q] = F[from + i * p];
    };
    copy(0, from, to);
  }

  const unaries = [
    (x) => -x, Math.exp, Math.log, Math.tanh,
    (x) => x < 0 ? Math.exp(x) / (1 + Math.exp(x)) : 1 / (1 + Math.exp(-x)),
    (x) => Math.max(x, 0) + Math.log1p(Math.exp(-Math.abs(x))),
    Math.sqrt, Math.abs, Math.sign,
  ];

  // loop returns a function of numbers as a loop over arrays, made for it alone, so that the engine compiles it for it.
  const unaryLoop = (f) => (F, x, y, n) => { for (let i = 0; i < n; i++) F[y + i] = f(F[x + i]); };
  const unaryLoops = unaries.map((f) => unaryLoop(f));

  // Element i of the result reads element ⌊i/inner⌋ mod period of each operand.
  const binaryLoops = [
    (a, b) => a + b, (a, b) => a - b, (a, b) => a * b, (a, b) => a / b, Math.max, Math.min, (a, b) => a > b ? 1 : 0, (a, b) => a === b ? 1 : 0,
  ].map((f) => (F, a, aInner, aPeriod, b, bInner, bPeriod, y, n) => {
    if (aPeriod === n && bPeriod === n) for (let i = 0; i < n; i++) F[y + i] = f(F[a + i], F[b + i]);
    else if (aPeriod === n && bInner === 1) for (let i = 0; i < n;) for (let j = 0; j < bPeriod; j++, i++) F[y + i] = f(F[a + i], F[b + j]);
    else if (aPeriod === n) for (let i = 0; i < n;) for (let j = 0; j < bPeriod; j++) for (let k = 0, v = F[b + j]; k < bInner; k++, i++) F[y + i] = f(F[a + i], v);
    else for (let i = 0; i < n; i++) F[y + i] = f(F[a + Math.floor(i / aInner) % aPeriod], F[b + Math.floor(i / bInner) % bPeriod]);
  });

  const steps = [
    (m, kernel, ...args) => m.kernels[kernel](...args),
    move,
    (m, code, x, y, n) => unaryLoops[code](m.F, x, y, n),
    (m, code, ...args) => binaryLoops[code](m.F, ...args),
    ({ F }, c, cInner, cPeriod, a, aInner, aPeriod, b, bInner, bPeriod, y, n) => {
      for (let i = 0; i < n; i++) {
        F[y + i] = F[c + Math.floor(i / cInner) % cPeriod] !== 0 ? F[a + Math.floor(i / aInner) % aPeriod] : F[b + Math.floor(i / bInner) % bPeriod];
      }
    },
    ({ F }, code, x, y, size, rank, ...rest) => { // a sum, or the largest
      const sums = new Float64Array(size).fill(code ? -Infinity : 0);
      const walk = (axis, to) => {
        if (axis === rank) {
          const v = F[x++];
          sums[to] = code ? Math.max(sums[to], v) : sums[to] + v;
          return;
        }
        for (let i = 0; i < rest[axis]; i++) walk(axis + 1, to + i * rest[rank + axis]);
      };
      walk(0, 0);
      F.set(sums, y);
    },
    ({ F }, a, b, y, rows, depth, cols, ai, ak, bk, bj) => {
      for (let i = 0; i < rows; i++) {
        for (let j = 0; j < cols; j++) {
          let sum = 0;
          for (let k = 0; k < depth; k++) sum += F[a + i * ai + k * ak] * F[b + k * bk + j * bj];
          F[y++] = sum;
        }
      }
    },
    (m, code, key, stream, y, n, own) => {
      const k = split(Array.from(m.I.subarray(key, key + 4), (v) => v >>> 0), m.program.streams[stream]);
      (code ? normal : uniform)(k, own ? m.item * n : 0, m.F.subarray(y, y + n));
    },
    ({ F }, code, x, y, w, N, H, W, Ci, Kh, Kw, Ho, Wo, Co, s0, s1, lo0, lo1) => { // y, x or w of y = x ⋆ w
      const size = [N * Ho * Wo * Co, N * H * W * Ci, Kh * Kw * Ci * Co][code], to = [y, x, w][code], sums = new Float64Array(size);
      for (let n = 0; n < N; n++) for (let i = 0; i < Ho; i++) for (let j = 0; j < Wo; j++) for (let p = 0; p < Kh; p++) for (let q = 0; q < Kw; q++) {
        const a = i * s0 + p - lo0, b = j * s1 + q - lo1;
        if (a < 0 || a >= H || b < 0 || b >= W) continue;
        const xAt = ((n * H + a) * W + b) * Ci, yAt = ((n * Ho + i) * Wo + j) * Co, wAt = (p * Kw + q) * Ci * Co;
        for (let c = 0; c < Ci; c++) for (let o = 0; o < Co; o++) {
          if (code === 0) sums[yAt + o] += F[x + xAt + c] * F[w + wAt + c * Co + o];
          else if (code === 1) sums[xAt + c] += F[y + yAt + o] * F[w + wAt + c * Co + o];
          else sums[wAt + c * Co + o] += F[x + xAt + c] * F[y + yAt + o];
        }
      }
      F.set(sums, to);
    },
    ({ F }, table, ids, y, n, rows, width) => {
      for (let i = 0; i < n; i++, y += width) {
        const id = F[ids + i];
        if (Number.isInteger(id) && id >= 0 && id < rows) F.copyWithin(y, table + id * width, table + (id + 1) * width);
        else F.fill(0, y, y + width);
      }
    },
    ({ F }, x, ids, y, n, rows, width) => {
      const sums = new Float64Array(rows * width);
      for (let i = 0; i < n; i++, x += width) {
        const id = F[ids + i];
        if (Number.isInteger(id) && id >= 0 && id < rows) for (let j = 0; j < width; j++) sums[id * width + j] += F[x + j];
      }
      F.set(sums, y);
    },
  ];

  // --- Machines.

  // load returns a machine that runs a program, with its weights in bytes. kernels chooses what computes: "relaxed", "simd" or
  // "plain"; without it, the first that works.
  async function load(program, bytes, half, kernels) {
    const floats = program.memory, m = { program, item: 0, bits: new DataView(new ArrayBuffer(4)), kernels: [] };
    const wanted = kernels ? [kernels] : ["relaxed", "simd", "plain"];
    for (m.kind of wanted) {
      if (m.kind === "plain") break;
      try {
        const code = bytesOf(program[m.kind]);
        if (!WebAssembly.validate(code)) continue;
        const memory = new WebAssembly.Memory({ initial: Math.ceil(floats / 16384) });
        const { instance } = await WebAssembly.instantiate(code, { imago: { memory } });
        m.kernels = program.kernels.map((_, i) => instance.exports["k" + i]);
        m.buffer = memory.buffer;
        break;
      } catch { /* there is no WebAssembly here, or it may not be used: the next kind */ }
    }
    if (!m.buffer) {
      m.kind = "plain";
      m.buffer = new ArrayBuffer(4 * floats);
      m.kernels = program.kernels.map((k) => plainKernel(m, k));
    }
    m.F = new Float32Array(m.buffer); m.I = new Int32Array(m.buffer);
    // fill takes the weights of the program out of bytes. It may be called again: other weights of the same program need no
    // compilation.
    m.fill = (bytes, half) => {
      const arrays = arraysOf(bytes, program.arrays, half);
      for (const [kind, array, ...args] of program.loads) loads[kind](m.F, arrays[array], ...args);
    };
    m.fill(bytes, half);
    m.I.set(program.words.slice(1), program.words[0]);
    const functions = new Map(program.functions.map((f) => [f.name, f]));
    m.has = (name) => functions.has(name);
    m.operands = (name) => functions.get(name);
    // run computes a function of operands by name, 0 where one is not given, as item of a batch whose random numbers are drawn together. It returns
    // the results by name: views of the memory, which the next run changes.
    m.run = (name, operands, item = 0) => {
      const f = functions.get(name), results = {};
      m.item = item;
      for (const { name, at, shape, words } of f.inputs) {
        const to = (words ? m.I : m.F).subarray(at, at + shape.reduce((a, b) => a * b, 1));
        if (operands[name]) to.set(operands[name]);
        else to.fill(0);
      }
      for (const s of f.steps) steps[s[0]](m, ...s.slice(1));
      for (const { name, at, shape } of f.outputs) results[name] = m.F.subarray(at, at + shape.reduce((a, b) => a * b, 1));
      return results;
    };
    return m;
  }

  return { seeded, split, at, uniform, normal, load, bytesOf };
})();
