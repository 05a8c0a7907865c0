"""What the oracles of models/vae/testdata and models/gan/testdata share: the random
numbers of imago, first values, batches, layers and the file that oracle.go reads.

An oracle trains a small model in float64 with PyTorch, written from the paper, and
writes every metric of every step and the final parameters as JSON. Taken from imago
are only first values, images and noise: all three are formulas that oracle.go has too.
"""
import json
import math
import os

import numpy as np
import torch
import torch.nn.functional as F

torch.set_default_dtype(torch.float64)
M32, M64 = 2**32 - 1, 2**64 - 1
STEPS = 10


def f32(v):
    """v as imago holds a constant of a graph: rounded to float32."""
    return float(np.float32(v))


def rounding(v):
    """What that changes, to be added where a constant of a distribution is a term of a loss."""
    return f32(v) - v


# Random numbers: Philox4x32-10, keys and streams as package engine/rng defines them.


def philox(c, k0, k1):
    for _ in range(10):
        a, b = 0xD2511F53 * c[0], 0xCD9E8D57 * c[2]
        c = [(b >> 32) ^ c[1] ^ k0, b & M32, (a >> 32) ^ c[3] ^ k1, a & M32]
        k0, k1 = (k0 + 0x9E3779B9) & M32, (k1 + 0xBB67AE85) & M32
    return c


def derive(k, n, salt):
    w = philox([n & M32, n >> 32, k[1] & M32, k[1] >> 32],
               (k[0] & M32) ^ (salt * 0x85EBCA6B & M32), (k[0] >> 32) ^ (salt * 0xC2B2AE35 & M32))
    return [w[0] | w[1] << 32, w[2] | w[3] << 32]


def split(k, name):
    h = 14695981039346656037
    for b in name.encode():
        h = (h ^ b) * 1099511628211 & M64
    return derive(k, h, 1)


def words(k, n):
    out = []
    for i in range((n + 3) // 4):
        out += philox([i, 0, k[1] & M32, k[1] >> 32], k[0] & M32, k[0] >> 32)
    return out


def normal(k, stream, *shape):
    """N(0, 1) of the stream of that name, by Box and Muller, rounded to float32."""
    n, out = math.prod(shape), []
    w = words(split(k, stream), n)
    for i in range(0, len(w), 2):
        r = math.sqrt(-2 * math.log((w[i] + 0.5) / 2**32))
        t = 2 * math.pi * w[i + 1] / 2**32
        out += [r * math.cos(t), r * math.sin(t)]
    return torch.tensor(np.float64(np.float32(out[:n]))).view(shape)


def uniform(k, stream, *shape):
    """U[0, 1) of the stream of that name, multiples of 2^-24."""
    n = math.prod(shape)
    return torch.tensor([(w >> 8) / 2**24 for w in words(split(k, stream), n)[:n]]).view(shape)


# Batches.


class Batch:
    """Step number step: images x (B,H,W,C) in [0,1] and labels y (B,K), and of
    semi-supervised training labelled ones beside them."""

    def __init__(self, step, image, batch, labels, labelled):
        self.x = self.images(batch, image, 0.37, 0.11 * step)
        self.y = self.one_hot(batch, labels)
        if labelled:
            self.labelled_x = self.images(labelled, image, 0.53, 0.2 * step + 1)
            self.labelled_y = self.one_hot(labelled, labels)
        self.epoch = step / 5
        self.key = derive(split([7, 0], "imago"), step, 2)

    @staticmethod
    def images(n, image, frequency, phase):
        i = torch.arange(n * math.prod(image), dtype=torch.float64)
        return (0.5 + 0.5 * torch.sin(frequency * i + phase)).view(n, *image)

    @staticmethod
    def one_hot(n, labels):
        return F.one_hot(torch.arange(n) % labels, labels).double() if labels else None


# Layers. p are the parameters by name; images are (B,C,H,W) as PyTorch has them, kernels
# (rows, columns, in, out) as imago has them, those of transposed convolutions
# (rows, columns, out, in).


def dense(p, name, x):
    y = x @ p[name + "/kernel"]
    return y + p[name + "/bias"] if name + "/bias" in p else y


def conv(p, name, x, stride=1):
    """Convolution with as much padding before as after."""
    w = p[name + "/kernel"]
    return F.conv2d(x, w.permute(3, 2, 0, 1), p.get(name + "/bias"), stride, (w.shape[0] - stride + 1) // 2)


def conv_t(p, name, x, stride=2):
    w = p[name + "/kernel"]
    return F.conv_transpose2d(x, w.permute(3, 2, 0, 1), p.get(name + "/bias"), stride, (w.shape[0] - stride + 1) // 2)


def nchw(x):
    return x.permute(0, 3, 1, 2)


def nhwc(x):
    return x.permute(0, 2, 3, 1)


# Training.


def adam(parameters, lr, beta1=0.9, beta2=0.999, eps=1e-7):
    return torch.optim.Adam(list(parameters), lr=lr, betas=(f32(beta1), f32(beta2)), eps=f32(eps))


def length(parameters):
    """Norm of the gradients of the last backward pass, taken as one vector."""
    return math.sqrt(sum(float(q.grad.square().sum()) for q in parameters if q.grad is not None))


class Oracle:
    """A model of a kind, its parameters [(name, shape), …] at their first values:

        offset + 0.4 sin(1.7 i + 0.9 k + 0.5)

    i the element, k the place in the list; offset is 1 for a gamma, and a running
    statistic is 0 or 1 throughout."""

    def __init__(self, kind, config, image, parameters, batch=4, labels=0, labelled=0, lr=0.01):
        self.image, self.batch, self.labels, self.labelled, self.lr = image, batch, labels, labelled, lr
        self.p, self.phases, first = {}, [], []
        for k, (name, shape) in enumerate(parameters):
            what = name.split("/")[-1]
            amplitude = 0.0 if what.startswith("moving_") else 0.4
            offset = 1.0 if what in ("gamma", "moving_variance") else 0.0
            phase = 0.9 * k + 0.5
            i = torch.arange(math.prod(shape), dtype=torch.float64)
            v = (offset + amplitude * torch.sin(1.7 * i + phase)).view(shape)
            self.p[name] = v if what.startswith("moving_") else v.requires_grad_()
            first.append({"name": name, "shape": shape, "offset": offset, "amplitude": amplitude, "phase": phase})
        self.file = {
            "torch": torch.__version__, "kind": kind, "config": config, "image": image, "labels": labels, "batch": batch,
            "labelled": labelled, "learning_rate": lr, "parameters": first, "phases": self.phases,
        }

    def learned(self, *networks):
        return [v for name, v in self.p.items() if v.requires_grad and (not networks or name.split("/")[0] in networks)]

    def train(self, step, phase=""):
        """Runs step(batch), which makes the updates of a step and returns its metrics."""
        steps = []
        for i in range(STEPS):
            metrics = step(Batch(i, self.image, self.batch, self.labels, self.labelled))
            steps.append({name: number(v) for name, v in metrics.items()})
        final = {name: [number(v) for v in q.detach().flatten().tolist()] for name, q in self.p.items()}
        self.phases.append({"name": phase, "steps": steps, "final": final})

    def minimise(self, losses, phase="", networks=(), **options):
        """Trains the parameters of networks, or all, by Adam on the "loss" of losses(batch)."""
        learned = self.learned(*networks)
        opt = adam(learned, self.lr, **options)

        def step(batch):
            metrics = losses(batch)
            opt.zero_grad()
            metrics["loss"].backward()
            metrics["grad_norm"] = length(learned)
            opt.step()
            return metrics

        self.train(step, phase)

    def write(self, folder, name):
        with open(os.path.join(folder, name + ".json"), "w") as f:
            f.write(lines(self.file))


def number(v):
    return float("%.12g" % float(v))


def lines(v, depth=0):
    """JSON with a line for each parameter and each step."""
    if depth < 4 and isinstance(v, (dict, list)) and any(isinstance(w, (dict, list)) for w in (v.values() if isinstance(v, dict) else v)):
        ends, pad = ("{}" if isinstance(v, dict) else "[]"), "\n" + " " * (depth + 1)
        each = [json.dumps(k) + ": " + lines(w, depth + 1) for k, w in v.items()] if isinstance(v, dict) else [lines(w, depth + 1) for w in v]
        return ends[0] + pad + ("," + pad).join(each) + "\n" + " " * depth + ends[1] + ("\n" if depth == 0 else "")
    return json.dumps(v)
