#!/usr/bin/env python3
"""The first ten losses of three small models, by PyTorch in float64.

    python3 ten_steps.py

prints the literals of ten_steps_test.go (last run with torch 1.13.0 and numpy
1.24). Parameters and images are sines; the noise of a step is that of
models/model/modeltest/oracle.py.
"""
import os
import sys

import numpy as np
import torch
import torch.nn.functional as F

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../model/modeltest"))
from oracle import derive, f32, normal, split


def conv(x, w, b):
    """TensorFlow's same padding of a 3x3 kernel with stride 2 on even sides: 0 before, 1 after."""
    return F.conv2d(F.pad(x, (0, 1, 0, 1)), w.permute(3, 2, 0, 1), b, 2)


def conv_t(x, w, b, stride):
    w = w.permute(3, 2, 0, 1)
    if stride == 1:
        return F.conv_transpose2d(x, w, b, 1, 1)
    return F.conv_transpose2d(x, w, b, 2)[:, :, :-1, :-1]


B, H, W, Z = 4, 4, 8, 2
D = H * W


def mlp(p, z=None, x=None):
    if z is None:
        return F.relu(x.flatten(1) @ p[0] + p[1])
    return F.relu(z @ p[0] + p[1]) @ p[2] + p[3]


def cnn(p, z=None, x=None):
    if z is None:
        h = F.relu(conv(F.relu(conv(x.permute(0, 3, 1, 2), p[0], p[1])), p[2], p[3]))
        return F.relu(h.permute(0, 2, 3, 1).flatten(1) @ p[4] + p[5])
    h = F.relu(z @ p[0] + p[1]).view(B, 1, 2, 4).permute(0, 3, 1, 2)
    h = F.relu(conv_t(h, p[2], p[3], 2))
    h = F.relu(conv_t(h, p[4], p[5], 2))
    return conv_t(h, p[6], p[7], 1).permute(0, 2, 3, 1).flatten(1)


heads = [(5, Z), (Z,)]
mlp_enc, mlp_dec = [(D, 5), (5,)], [(Z, 5), (5,), (5, D), (D,)]
cnn_enc = [(3, 3, 1, 3), (3,), (3, 3, 3, 4), (4,), (8, 5), (5,)]
cnn_dec = [(Z, 8), (8,), (3, 3, 4, 4), (4,), (3, 3, 3, 4), (3,), (3, 3, 1, 3), (1,)]


def run(name, net, enc, dec, loss, beta):
    shapes = enc + heads + (heads if beta is not None else []) + dec
    p = []
    for k, s in enumerate(shapes):
        i = torch.arange(int(np.prod(s)), dtype=torch.float64)
        p.append((0.4 * torch.sin(1.7 * i + 0.9 * k + 0.5)).view(s).requires_grad_())
    x = (0.5 + 0.5 * torch.sin(0.37 * torch.arange(B * D, dtype=torch.float64))).view(B, H, W, 1)
    opt = torch.optim.Adam(p, lr=0.01, betas=(f32(0.9), f32(0.999)), eps=f32(1e-7))
    key, out, e = split([7, 0], "imago"), [], len(enc)
    for step in range(10):
        h = net(p[:e], x=x)
        mu = h @ p[e] + p[e + 1]
        z, pen, d = mu, 0, e + 2
        if beta is not None:
            logvar = h @ p[e + 2] + p[e + 3]
            eps = normal(derive(key, step, 2), "posterior", B, Z)
            z = mu + torch.exp(logvar / 2) * eps
            pen = beta * torch.distributions.kl_divergence(
                torch.distributions.Normal(mu, torch.exp(logvar / 2)), torch.distributions.Normal(0.0, 1.0)).sum(1)
            d = e + 4
        y, t = net(p[d:], z=z), x.flatten(1)
        if loss == "bce":
            rec = F.binary_cross_entropy(torch.sigmoid(y), t, reduction="none").sum(1)
        elif loss == "mse":
            rec = D * (torch.sigmoid(y) - t).square().mean(1)
        else:
            rec = D * (torch.sigmoid(y) - t).abs().mean(1)
        total = (rec + pen).mean()
        opt.zero_grad()
        total.backward()
        opt.step()
        out.append("%.9f" % total.item())
    print('"%s": {%s},' % (name, ", ".join(out)))


run("mlp-vae bce", mlp, mlp_enc, mlp_dec, "bce", 1)
run("cnn-vae mse beta 0.5", cnn, cnn_enc, cnn_dec, "mse", 0.5)
run("cnn-ae mae", cnn, cnn_enc, cnn_dec, "mae", None)
