#!/usr/bin/env python3
"""The first ten losses of two small VAEs of sequences, by PyTorch in float64.

    python3 sequence.py

prints the literals of sequence_test.go (last run with torch 1.13.1 and numpy 1.24). Parameters are sines; the noise
of a step is that of models/model/modeltest/oracle.py.
"""
import os
import sys

import numpy as np
import torch
import torch.nn.functional as F

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../model/modeltest"))
from oracle import derive, f32, normal, split

T, V, END, E, H, Z = 5, 6, 5, 3, 4, 2
LENGTHS = [5, 3, 1, 4]
B = len(LENGTHS)
X = torch.tensor([[(3 * i + 2 * t) % 5 if t < n else END for t in range(T)] for i, n in enumerate(LENGTHS)])


def recurrent(cell, units, p):
    """torch's layer of the weights W (d, gates·units), b, U (units, gates·units) and, of a GRU, c."""
    w = [p[0].T, p[2].T, p[1], p[3] if cell == "gru" else torch.zeros(gates_of(cell) * units, dtype=torch.float64)]
    flags = (True, 1, 0.0, False, False, True)  # biases, layers, dropout, training, bidirectional, batch first

    def run(x, state=None):
        if state is None:
            state = torch.zeros(1, len(x), units, dtype=torch.float64)
            state = state if cell == "gru" else (state, state)
        if cell == "gru":
            return torch._VF.gru(x, state, w, *flags)
        y, h, c = torch._VF.lstm(x, state, w, *flags)
        return y, (h, c)

    return run


def gates_of(cell):
    return 3 if cell == "gru" else 4


def run(name, cell, layers, bidirectional, skip, beta):
    gates = gates_of(cell)

    def weights(d, units):
        s = [(d, gates * units), (gates * units,), (units, gates * units)]
        return s + [(gates * units,)] if cell == "gru" else s

    per, shapes = (4 if cell == "gru" else 3), [(V + 1, E)] + weights(E, H)
    if bidirectional:
        shapes += weights(E, H)
    f = H * (2 if bidirectional else 1)
    shapes += [(f, Z), (Z,), (f, Z), (Z,)]
    for u in layers:
        shapes += [(Z, u), (u,)] * (1 if cell == "gru" else 2)
    shapes += [(V + 1, E)]
    d = E + (Z if skip else 0)
    for u in layers:
        shapes += weights(d, u)
        d = u
    shapes += [(d, V), (V,)]
    p = []
    for k, s in enumerate(shapes):
        i = torch.arange(int(np.prod(s)), dtype=torch.float64)
        p.append((0.4 * torch.sin(1.7 * i + 0.9 * k + 0.5)).view(s).requires_grad_())
    opt = torch.optim.Adam(p, lr=0.01, betas=(f32(0.9), f32(0.999)), eps=f32(1e-7))
    key, out = split([7, 0], "imago"), []
    for step in range(10):
        q = list(p)
        take = lambda n: [q.pop(0) for _ in range(n)]
        table = take(1)[0]
        fw = take(per)
        bw = take(per) if bidirectional else None
        rows = []
        for i, n in enumerate(LENGTHS):  # one by one: no padding is read
            e = table[X[i : i + 1, :n]]
            h = call_last(cell, fw, e, H)
            rows.append(torch.cat([h, call_last(cell, bw, e.flip(1), H)], 1) if bidirectional else h)
        h = torch.cat(rows)
        a, b, c, d_ = take(4)
        mu, logvar = h @ a + b, h @ c + d_
        z = mu + torch.exp(logvar / 2) * normal(derive(key, step, 2), "posterior", B, Z)
        states = []
        for u in layers:
            a, b = take(2)
            s = z @ a + b
            if cell == "lstm":
                a, b = take(2)
                s = (s[None], (z @ a + b)[None])
            else:
                s = s[None]
            states.append(s)
        table = take(1)[0]
        before = torch.cat([torch.full((B, 1), V), X[:, :-1]], 1)
        y = table[before]
        if skip:
            y = torch.cat([y, z[:, None].expand(-1, T, -1)], 2)
        for u, s in zip(layers, states):
            y, _ = recurrent(cell, u, take(per))(y, s)
        a, b = take(2)
        logits = y @ a + b
        nll = F.cross_entropy(logits.transpose(1, 2), X, reduction="none")
        counted = torch.tensor([[1.0 if t <= n else 0.0 for t in range(T)] for n in LENGTHS], dtype=torch.float64)
        kl = 0.5 * (mu**2 + logvar.exp() - logvar - 1).sum(1)
        total = ((nll * counted).sum(1) + beta * kl).mean()
        opt.zero_grad()
        total.backward()
        opt.step()
        out.append("%.9f" % total.item())
    print('"%s": {%s},' % (name, ", ".join(out)))


def call_last(cell, w, e, units):
    state = recurrent(cell, units, w)(e)[1]
    return (state if cell == "gru" else state[0])[0]


run("gru", "gru", [5], True, True, 0.5)
run("lstm", "lstm", [4, 3], False, False, 1)
