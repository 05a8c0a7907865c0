#!/usr/bin/env python3
"""Layers of sequences and their gradients, by PyTorch in float64.

    python3 layers.py > layers.json

(last run with torch 1.13.0). Parameters, inputs and the weights of the loss, a
sum of weighted results, are sines: element i of array k of a layer is
sin(0.7*i + k) / 2, in the layout of package nn. Each entry has the results and
the gradients of the arrays in their order.
"""
import json

import torch
import torch.nn.functional as F

torch.set_default_dtype(torch.float64)
B, T, D, H = 2, 5, 3, 4
cases = {}


def sines(k, *shape):
    n = 1
    for d in shape:
        n *= d
    return (torch.sin(0.7 * torch.arange(n) + k) / 2).reshape(shape).requires_grad_()


def case(name, arrays, results):
    """Adds a case; the loss weights result i by sines(100+i)."""
    loss = sum((r * sines(100 + i, *r.shape).detach()).sum() for i, r in enumerate(results))
    grads = torch.autograd.grad(loss, arrays)
    cases[name] = {"results": [r.flatten().tolist() for r in results], "gradients": [g.flatten().tolist() for g in grads]}


x, h0, c0 = sines(0, B, T, D), sines(1, B, H), sines(2, B, H)
w, u, b, c = sines(3, D, 3 * H), sines(4, H, 3 * H), sines(5, 3 * H), sines(6, 3 * H)


def recurrent(f, x, state, *weights):
    """Calls torch.gru or torch.lstm with one layer of these weights, batch first."""
    return f(x, state, list(weights), True, 1, 0.0, False, False, True)


def gru(x, h):
    return recurrent(torch.gru, x, h, w.T, u.T, b, c)


y, last = gru(x, h0[None])
case("gru", [x, h0, w, u, b, c], [y, last[0]])
# Backward over sequences of 5 and 3 steps, one by one: the state at the first step.
first = gru(x[:1].flip(1), h0[None, :1])[0].flip(1)
second = gru(x[1:, :3].flip(1), h0[None, 1:])[0].flip(1)
case("gru backward, masked", [x, h0, w, u, b, c], [first[:, :1], second[:, :1]])

w, u, b = sines(3, D, 4 * H), sines(4, H, 4 * H), sines(5, 4 * H)
y, last, cell = recurrent(torch.lstm, x, (h0[None], c0[None]), w.T, u.T, b, torch.zeros(4 * H))
case("lstm", [x, h0, c0, w, u, b], [y, last[0], cell[0]])

table = sines(3, 7, D)
ids = torch.tensor([[0, 6, 3, 3, 1], [5, 5, 0, 2, 6]])
case("embedding", [table], [F.embedding(ids, table)])

gamma, beta = sines(3, D), sines(4, D)
case("layer norm", [x, gamma, beta], [F.layer_norm(x, [D], gamma, beta)])

E, S = 6, 5
q, m = sines(0, B, S, E), sines(1, B, S, E)
p = [sines(3 + i, E, E) if i % 2 == 0 else sines(3 + i, E) for i in range(8)]  # query, key, value, output


def attention(q, m, **masks):
    return F.multi_head_attention_forward(
        q.transpose(0, 1), m.transpose(0, 1), m.transpose(0, 1), E, 2, torch.cat([p[0].T, p[2].T, p[4].T]),
        torch.cat([p[1], p[3], p[5]]), None, None, False, 0.0, p[6].T, p[7], **masks)[0].transpose(0, 1)


later = torch.triu(torch.ones(S, S, dtype=torch.bool), 1)
hidden = torch.tensor([[False] * S, [False] * 3 + [True] * 2])
case("attention, causal", [q, *p], [attention(q, q, attn_mask=later)])
case("attention, masked", [q, m, *p], [attention(q, m, key_padding_mask=hidden)])

k, b = sines(3, 3, 1, D, H), sines(4, H)
for d in (1, 2, 4):
    y = F.conv1d(F.pad(x.transpose(1, 2), (2 * d, 0)), k[:, 0].permute(2, 1, 0), b, dilation=d).transpose(1, 2)
    case("causal convolution, dilation %d" % d, [x, k, b], [y])

print(json.dumps(cases, indent=None, separators=(",", ":")).replace("},", "},\n"))
