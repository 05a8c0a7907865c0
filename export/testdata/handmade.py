"""Writes a decoder by hand as an ONNX model in the layout (N,C,H,W), from weights in safetensors.

handmade.py cnn-vae|dcgan WEIGHTS OUT

The graph is what one would write who knows ONNX: Gemm, Reshape, ConvTranspose with bias, and batch norm, where there is
one, in kernels and biases. Input z (batch,Z), output image (batch,C,H,W).
"""
import json
import sys

import numpy as np
from onnx import TensorProto, helper, numpy_helper, save

recipe, source, out = sys.argv[1:]
raw = open(source, "rb").read()
n = int.from_bytes(raw[:8], "little")
w = {
    name: np.frombuffer(raw, "<f4", count=(d["data_offsets"][1] - d["data_offsets"][0]) // 4, offset=8 + n + d["data_offsets"][0]).reshape(d["shape"])
    for name, d in json.loads(raw[8 : 8 + n]).items()
    if name != "__metadata__"
}
net = {"cnn-vae": "decoder", "dcgan": "generator"}[recipe] + "/"
nodes, weights = [], []


def add(op, inputs, **attrs):
    name = f"t{len(nodes)}"
    nodes.append(helper.make_node(op, inputs, [name], **attrs))
    return name


def array(a, dtype=np.float32):
    name = f"w{len(weights)}"
    weights.append(numpy_helper.from_array(np.ascontiguousarray(a, dtype), name))
    return name


def norm(name, channels):
    """The scale and the shift of a batch norm."""
    if net + name + "/gamma" not in w:
        return np.ones(channels, "f4"), np.zeros(channels, "f4")
    p = lambda s: w[net + name + "/" + s].astype("f8")
    a = p("gamma") / np.sqrt(p("moving_variance") + 1e-5)
    return a, p("beta") - a * p("moving_mean")


def layer(i, base):
    return base if i == 0 else f"{base}_{i}"


first = next(k for k in w if k.startswith(net + "dense") and k.endswith("/kernel"))[len(net) : -len("/kernel")]
kernels = []
while net + layer(len(kernels), "conv2d_transpose") + "/kernel" in w:
    kernels.append(w[net + layer(len(kernels), "conv2d_transpose") + "/kernel"])
dense = w[net + first + "/kernel"]
channels = kernels[0].shape[3]
side = int((dense.shape[1] // channels) ** 0.5)
a, b = norm("batch_normalization", channels)
bias = w.get(net + first + "/bias", np.zeros(dense.shape[1]))
k = (dense.reshape(-1, side, side, channels) * a).transpose(0, 3, 1, 2).reshape(dense.shape)
c = (bias.reshape(side, side, channels) * a + b).transpose(2, 0, 1).reshape(-1)
h = add("Relu", [add("Gemm", ["z", array(k), array(c)])])
h = add("Reshape", [h, array([-1, channels, side, side], np.int64)])
last = len(kernels) - 1
for i, k in enumerate(kernels):
    size, filters = k.shape[0], k.shape[2]
    stride = 1 if recipe == "cnn-vae" and i == last else 2
    a, b = norm(f"batch_normalization_{i + 1}", filters)
    bias = w.get(net + layer(i, "conv2d_transpose") + "/bias", np.zeros(filters)) * a + b
    pad = size - stride  # of output in all: the rest is output_padding
    lo = max(pad, 0) // 2
    h = add(
        "ConvTranspose",
        [h, array((k * a[None, None, :, None]).transpose(3, 2, 0, 1)), array(bias)],
        strides=[stride] * 2,
        kernel_shape=[size] * 2,
        pads=[lo, lo, pad - lo, pad - lo],
    )
    h = add({True: "Relu"}.get(i < last, "Sigmoid" if recipe == "cnn-vae" else "Tanh"), [h])
if recipe == "dcgan":
    h = add("Add", [add("Mul", [h, array(0.5)]), array(0.5)])
nodes[-1].output[0] = "image"
value = lambda name, shape: helper.make_tensor_value_info(name, TensorProto.FLOAT, shape)
graph = helper.make_graph(nodes, "handmade", [value("z", ["batch", dense.shape[0]])], [value("image", ["batch", None, None, None])], weights)
save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), out)
