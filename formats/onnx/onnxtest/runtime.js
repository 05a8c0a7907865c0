// Runs ONNX models for tests. Each line of standard input is a request in JSON, each line of standard output the answer:
//
//   {"load": file}                    → {"session": n, "inputs": [names], "outputs": [names]}
//   {"run": n, "inputs": {name: {"shape": [...], "data": base64 of float32}}, "times": k}
//                                     → {"outputs": {name: {shape, data}}, "ms": [of each of k further runs]}
//   {"free": n}                       → {}
//
// An error is {"error": text}. The argument is the folder whose node_modules has onnxruntime-node.
'use strict';
const path = require('node:path');
const readline = require('node:readline');
const ort = require(require.resolve('onnxruntime-node', {paths: [path.resolve(process.argv[2])]}));

const sessions = [];

function decode(array) {
  const b = Buffer.from(array.data, 'base64');
  return new ort.Tensor('float32', new Float32Array(new Uint8Array(b).buffer), array.shape);
}

function encode(tensor) {
  const d = tensor.data;
  return {shape: Array.from(tensor.dims), data: Buffer.from(d.buffer, d.byteOffset, d.byteLength).toString('base64')};
}

async function answer(request) {
  if (request.load !== undefined) {
    const s = await ort.InferenceSession.create(request.load, {intraOpNumThreads: 1, interOpNumThreads: 1, logSeverityLevel: 3});
    sessions.push(s);
    return {session: sessions.length - 1, inputs: s.inputNames, outputs: s.outputNames};
  }
  if (request.free !== undefined) {
    await sessions[request.free].release();
    sessions[request.free] = null;
    return {};
  }
  const feeds = {};
  for (const [name, array] of Object.entries(request.inputs || {})) feeds[name] = decode(array);
  const s = sessions[request.run];
  const out = await s.run(feeds);
  const ms = [];
  for (let k = 0; k < (request.times || 0); k++) {
    const t = process.hrtime.bigint();
    await s.run(feeds);
    ms.push(Number(process.hrtime.bigint() - t) / 1e6);
  }
  const outputs = {};
  for (const name of s.outputNames) outputs[name] = encode(out[name]);
  return {outputs, ms};
}

(async () => {
  for await (const line of readline.createInterface({input: process.stdin})) {
    let reply;
    try {
      reply = await answer(JSON.parse(line));
    } catch (e) {
      reply = {error: String(e && e.message || e)};
    }
    process.stdout.write(JSON.stringify(reply) + '\n');
  }
})();
