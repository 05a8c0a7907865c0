#!/usr/bin/env python3
"""The first ten losses of small models of sequences, by PyTorch in float64, from their papers.

    python3 sequence.py

prints the literals of sequence_test.go (last run with torch 1.13.1 and numpy 1.24). Parameters are sines in the order in
which imago declares them; the noise of a step is that of models/model/modeltest/oracle.py.
"""
import math
import os
import sys

import torch
import torch.nn.functional as F
from torch.distributions import Bernoulli, Normal, kl_divergence

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../model/modeltest"))
from oracle import derive, f32, normal, split

T, D, V, END = 5, 3, 6, 5
LENGTHS = [5, 3, 1, 4]
B = len(LENGTHS)
MASK = torch.tensor([[1.0 if t < n else 0.0 for t in range(T)] for n in LENGTHS], dtype=torch.float64)
# A key is down by a pattern, and up after the end.
ROLL = torch.tensor([[[float((i + 2 * t + 3 * d) % 4 < 2 and t < n) for d in range(D)] for t in range(T)] for i, n in enumerate(LENGTHS)],
                    dtype=torch.float64)
IDS = torch.tensor([[(3 * i + 2 * t) % 5 if t < n else END for t in range(T)] for i, n in enumerate(LENGTHS)])


def sines(shapes):
    p = []
    for k, s in enumerate(shapes):
        i = torch.arange(math.prod(s), dtype=torch.float64)
        p.append((0.4 * torch.sin(1.7 * i + 0.9 * k + 0.5)).view(s).requires_grad_())
    return p


def train(name, shapes, losses):
    """Ten steps of Adam on losses(p, key of the step)[0]; prints all the losses of each step."""
    p = sines(shapes)
    opt = torch.optim.Adam(p, lr=0.01, betas=(f32(0.9), f32(0.999)), eps=f32(1e-7))
    key, out = split([7, 0], "imago"), []
    for step in range(10):
        q = list(p)
        terms = losses(lambda n: [q.pop(0) for _ in range(n)], derive(key, step, 2))
        assert not q
        opt.zero_grad()
        terms[0].backward()
        opt.step()
        out.append("{" + ", ".join("%.9f" % t.item() for t in terms) + "}")
    print('"%s": {\n%s,\n},' % (name, ",\n".join(out)))


def gru(x, h, w, b, u, c):
    p, q = x @ w + b, h @ u + c
    n = h.shape[1]
    r, z = torch.sigmoid(p[:, :n] + q[:, :n]), torch.sigmoid(p[:, n:2 * n] + q[:, n:2 * n])
    return (1 - z) * torch.tanh(p[:, 2 * n:] + r * q[:, 2 * n:]) + z * h


def lstm(x, h, c, w, b, u):
    i, f, g, o = (x @ w + b + h @ u).chunk(4, 1)
    c = torch.sigmoid(f) * c + torch.sigmoid(i) * torch.tanh(g)
    return torch.sigmoid(o) * torch.tanh(c), c


def layer(cell, d, n):
    g = 3 if cell == "gru" else 4
    return [(d, g * n), (g * n,), (n, g * n)] + ([(g * n,)] if cell == "gru" else [])


def zeros(n):
    return torch.zeros(B, n, dtype=torch.float64)


def language(name, cell, units, embedding):
    tokens = embedding is not None
    d = embedding if tokens else D
    shapes = [(V, embedding)] if tokens else []
    width = d
    for n in units:
        shapes += layer(cell, width, n)
        width = n
    shapes += [(width, V if tokens else D), (V if tokens else D,)]

    def losses(take, key):
        table = take(1)[0] if tokens else None
        weights = [take(3 if cell == "lstm" else 4) for _ in units]
        w, b = take(2)
        state = [(zeros(n), zeros(n)) for n in units]
        nll = torch.zeros(B, dtype=torch.float64)
        for t in range(T):
            x = zeros(d) if t == 0 else (table[IDS[:, t - 1]] if tokens else ROLL[:, t - 1])
            for i in range(len(units)):
                h, c = state[i]
                if cell == "lstm":
                    h, c = lstm(x, h, c, *weights[i])
                else:
                    h = gru(x, h, *weights[i])
                x, state[i] = h, (h, c)
            logits = x @ w + b
            if tokens:  # the token that ends a sequence counts
                counts = torch.tensor([1.0 if t <= n else 0.0 for n in LENGTHS], dtype=torch.float64)
                nll = nll + counts * F.cross_entropy(logits, IDS[:, t], reduction="none")
            else:
                nll = nll - MASK[:, t] * Bernoulli(logits=logits).log_prob(ROLL[:, t]).sum(1)
        return [nll.mean()]

    train(name, shapes, losses)


def dmm():
    z, tr, em, r, floor = 2, 4, 3, 4, f32(1e-6)
    dense = lambda a, b: [(a, b), (b,)]
    shapes = layer("gru", D, r) + [(z,)] + dense(z, r) + dense(r, z) + dense(r, z)
    shapes += [(z,)] + dense(z, tr) + dense(tr, z) + dense(z, tr) + dense(tr, z) + dense(z, z) + dense(z, z)
    shapes += dense(z, em) + dense(em, em) + dense(em, D)

    def losses(take, key):
        cell = take(4)
        first_q = take(1)[0]
        state, mean, variance = take(2), take(2), take(2)
        first_p = take(1)[0]
        gate_hidden, gate, proposal_hidden, proposal, linear, prior_variance = (take(2) for _ in range(6))
        emitter = [take(2) for _ in range(3)]
        at = lambda x, l: x @ l[0] + l[1]
        backward = [None] * T
        h = zeros(r)
        for t in reversed(range(T)):
            m = MASK[:, t:t + 1]
            h = m * gru(ROLL[:, t], h, *cell) + (1 - m) * h
            backward[t] = h
        zq, zp = first_q.expand(B, z), first_p.expand(B, z)
        nll, kl = torch.zeros(B, dtype=torch.float64), torch.zeros(B, dtype=torch.float64)
        for t in range(T):
            h = 0.5 * (torch.tanh(at(zq, state)) + backward[t])
            q = Normal(at(h, mean), torch.sqrt(F.softplus(at(h, variance)) + floor))
            zq = q.mean + q.stddev * normal(key, "posterior %d" % t, B, z)
            g = torch.sigmoid(at(torch.relu(at(zp, gate_hidden)), gate))
            c = at(torch.relu(at(zp, proposal_hidden)), proposal)
            p = Normal((1 - g) * at(zp, linear) + g * c, torch.sqrt(F.softplus(at(torch.relu(c), prior_variance)) + floor))
            kl = kl + MASK[:, t] * kl_divergence(q, p).sum(1)
            y = at(torch.relu(at(torch.relu(at(zq, emitter[0])), emitter[1])), emitter[2])
            nll = nll - MASK[:, t] * Bernoulli(logits=y).log_prob(ROLL[:, t]).sum(1)
            zp = zq
        return [nll.mean() + 0.5 * kl.mean(), nll.mean(), kl.mean()]  # the epoch is 1 of a warm-up of 2

    train("dmm", shapes, losses)


language("lstm of vectors", "lstm", [4, 3], None)
language("gru of tokens", "gru", [4], 3)
dmm()
