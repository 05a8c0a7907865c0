#!/usr/bin/env python3
"""Ten steps of training of small adversarial models, from their papers, by PyTorch in
float64:

    python3 oracles.py

writes dense-gan.json and the others, which oracle_test.go reads (last run with torch
1.13.0 and numpy 1.24). oracle.py of models/model/modeltest lists what is shared with imago.
"""
import math
import os
import sys

import torch
import torch.nn.functional as F
from torch.distributions import Bernoulli

here = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(here, "../../model/modeltest"))
from oracle import Oracle, adam, conv, conv_t, dense, f32, length, nchw, nhwc, normal, uniform

UNITS = 3  # of noise


def options(**changed):
    return {"latent": UNITS, "loss": "non-saturating", "gp": 0, "r1": 0, "d_steps": 1, "d_rate": 1, "beta1": 0.5, "beta2": 0.999, "ema": 0,
            "augment": "none", **changed}


def nll(logit, real):
    """-ln of the probability that the discriminator gives to the label: -ln D or -ln(1 - D), mean over the images."""
    return -Bernoulli(logits=logit).log_prob(torch.full_like(logit, float(real))).mean()


def accuracy(logit, real):
    return ((logit > 0) == real).double().mean()


def update(opt, loss, learned):
    """A step of opt on loss; returns the norm of the gradient."""
    opt.zero_grad()
    loss.backward()
    norm = length(learned)
    opt.step()
    return norm


def dense_gan():
    """Goodfellow et al. 2014, algorithm 1 with k = 1 and the generator's loss of the end of
    section 3, in the order of Keras' examples: the discriminator is updated on real images,
    then on generated ones, then the generator on noise of its own."""
    d = 16
    o = Oracle("dense-gan", options(hidden=5, beta1=0.9), (4, 4, 1), [
        ("generator/dense/kernel", (UNITS, 5)), ("generator/dense/bias", (5,)), ("generator/dense_1/kernel", (5, d)), ("generator/dense_1/bias", (d,)),
        ("discriminator/dense_2/kernel", (d, 5)), ("discriminator/dense_2/bias", (5,)), ("discriminator/dense_3/kernel", (5, 1)), ("discriminator/dense_3/bias", (1,)),
    ])
    gs, ds = o.learned("generator"), o.learned("discriminator")
    d_opt, g_opt = adam(ds, o.lr, 0.9), adam(gs, o.lr, 0.9)

    def generate(b, stream):
        z = normal(b.key, stream, o.batch, UNITS)
        return torch.tanh(dense(o.p, "generator/dense_1", F.leaky_relu(dense(o.p, "generator/dense", z), f32(0.01))))

    def discriminate(x):
        return dense(o.p, "discriminator/dense_3", F.leaky_relu(dense(o.p, "discriminator/dense_2", x), f32(0.01)))[:, 0]

    def step(b):
        losses, norms, right = [], [], []
        for x, real in [(2 * b.x.flatten(1) - 1, True), (generate(b, "noise").detach(), False)]:
            logit = discriminate(x)
            losses.append(nll(logit, real))
            right.append(accuracy(logit, real))
            norms.append(update(d_opt, losses[-1], ds))
        g_loss = nll(discriminate(generate(b, "noise of the generator's turn")), True)
        return {"d_loss": sum(losses) / 2, "d_accuracy": sum(right) / 2, "g_loss": g_loss, "d_grad_norm": sum(norms) / 2,
                "g_grad_norm": update(g_opt, g_loss, gs)}

    o.train(step)
    o.write(here, "dense-gan")


def batch_norm(p, name, x, running):
    """Ioffe & Szegedy 2015, algorithm 1, x (B,C,H,W). With running it updates the running statistics."""
    n = x.numel() // x.shape[1]
    if running:
        variance, mean = torch.var_mean(x.detach(), (0, 2, 3), unbiased=False)
        for what, s in [("mean", mean), ("variance", f32(n / (n - 1)) * variance)]:
            p[name + "/moving_" + what].lerp_(s, 1 - f32(0.9))
    return F.batch_norm(x, None, None, p[name + "/gamma"], p[name + "/beta"], True, eps=f32(1e-5))


def norm_shapes(name, c):
    return [(name + "/" + what, (c,)) for what in ("gamma", "beta", "moving_mean", "moving_variance")]


class Convolutional(Oracle):
    """DCGAN for images of 8x8 with two layers of 3 and 4 filters (Radford et al. 2015), the first
    and last layer of a place dense. With bn the discriminator has batch norm, otherwise biases."""

    def __init__(self, config, bn, **more):
        bias = lambda name, n: [] if bn else [("discriminator/" + name + "/bias", (n,))]
        super().__init__("dcgan", config, (8, 8, 1), [("generator/dense/kernel", (UNITS, 16))] + norm_shapes("generator/batch_normalization", 4)
                         + [("generator/conv2d_transpose/kernel", (4, 4, 3, 4))] + norm_shapes("generator/batch_normalization_1", 3)
                         + [("generator/conv2d_transpose_1/kernel", (4, 4, 1, 3)), ("discriminator/conv2d/kernel", (4, 4, 1, 3))] + bias("conv2d", 3)
                         + [("discriminator/conv2d_1/kernel", (4, 4, 3, 4))] + bias("conv2d_1", 4)
                         + (norm_shapes("discriminator/batch_normalization_2", 4) if bn else [])
                         + [("discriminator/dense_1/kernel", (16, 1))] + bias("dense_1", 1), **more)
        self.bn = bn

    def generate(self, z):
        """(B,Z) -> (B,1,8,8) in [-1, 1]."""
        h = nchw(dense(self.p, "generator/dense", z).view(len(z), 2, 2, 4))
        h = F.relu(batch_norm(self.p, "generator/batch_normalization", h, True))
        h = conv_t(self.p, "generator/conv2d_transpose", h)
        h = F.relu(batch_norm(self.p, "generator/batch_normalization_1", h, True))
        return torch.tanh(conv_t(self.p, "generator/conv2d_transpose_1", h))

    def discriminate(self, x, running=True):
        """(B,1,8,8) -> (B)."""
        h = conv(self.p, "discriminator/conv2d_1", F.leaky_relu(conv(self.p, "discriminator/conv2d", x, 2), f32(0.2)), 2)
        if self.bn:
            h = batch_norm(self.p, "discriminator/batch_normalization_2", h, running)
        return dense(self.p, "discriminator/dense_1", nhwc(F.leaky_relu(h, f32(0.2))).flatten(1))[:, 0]


def dcgan():
    """Radford, Metz & Chintala 2015 in the order of PyTorch's example: one update of the
    discriminator on real and generated images, each a batch of its own for batch norm, then
    one of the generator on the same noise. The running statistics of the discriminator are
    those of its own update."""
    o = Convolutional(options(filters=[3, 4], kernel=4, d_norm="batch", g_norm="batch"), True)
    gs, ds = o.learned("generator"), o.learned("discriminator")
    d_opt, g_opt = adam(ds, o.lr, 0.5, eps=1e-8), adam(gs, o.lr, 0.5, eps=1e-8)

    def step(b):
        x, made = nchw(2 * b.x - 1), o.generate(normal(b.key, "noise", o.batch, UNITS))
        on_real, on_made = o.discriminate(x), o.discriminate(made.detach())
        d_loss = nll(on_real, True) + nll(on_made, False)
        d_norm = update(d_opt, d_loss, ds)
        g_loss = nll(o.discriminate(made, False), True)
        return {"d_loss": d_loss / 2, "d_accuracy": (accuracy(on_real, True) + accuracy(on_made, False)) / 2, "g_loss": g_loss,
                "d_grad_norm": d_norm, "g_grad_norm": update(g_opt, g_loss, gs)}

    o.train(step)
    o.write(here, "dcgan")


def wgan_gp():
    """Gulrajani et al. 2017, algorithm 1 with two updates of the critic and lambda = 10. An update
    has every second image of the batch and noise of its own; the generator's has the noise of the
    last of them in place of a third draw. d_loss is the mean over real and generated images,
    half of the paper's difference; the penalty is a metric of its own."""
    critics, penalty_weight = 2, 10
    o = Convolutional(options(filters=[3, 4], kernel=4, d_norm="none", g_norm="batch", loss="wasserstein", gp=penalty_weight, d_steps=critics,
                              beta1=0, beta2=0.9), False, batch=8)
    gs, ds = o.learned("generator"), o.learned("discriminator")
    d_opt, g_opt = adam(ds, o.lr, 0, 0.9, 1e-8), adam(gs, o.lr, 0, 0.9, 1e-8)

    def step(b):
        sums = {"d_loss": 0, "d_penalty": 0, "d_input_grad": 0, "d_grad_norm": 0}
        for t in range(critics):
            stream = lambda name: name if t == 0 else "%s %d" % (name, t + 1)
            x = nchw(2 * b.x[t::critics] - 1)
            fake = o.generate(normal(b.key, stream("noise"), len(x), UNITS))
            e = uniform(b.key, stream("between"), len(x), 1, 1, 1)
            between = (e * x + (1 - e) * fake.detach()).requires_grad_()
            slope = torch.autograd.grad(o.discriminate(between).sum(), between, create_graph=True)[0]
            slope = slope.flatten(1).norm(dim=1)
            critic = o.discriminate(fake.detach()).mean() - o.discriminate(x).mean()
            penalty = penalty_weight * (slope - 1).square().mean()
            norm = update(d_opt, critic + penalty, ds)
            for name, v in [("d_loss", critic / 2), ("d_penalty", penalty), ("d_input_grad", slope.mean()), ("d_grad_norm", norm)]:
                sums[name] += float(v) / critics
        g_loss = -o.discriminate(fake).mean()
        return {**sums, "g_loss": g_loss, "g_grad_norm": update(g_opt, g_loss, gs)}

    o.train(step)
    o.write(here, "wgan-gp")


dense_gan()
dcgan()
wgan_gp()
