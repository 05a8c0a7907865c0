#!/usr/bin/env python3
"""Ten steps of training of small models of the VAE family, from their papers, by PyTorch
in float64:

    python3 oracles.py

writes iwae.json and the others, which oracle_test.go reads (last run with torch 1.13.0
and numpy 1.24). oracle.py of models/model/modeltest lists what is shared with imago.
"""
import math
import os
import sys

import torch
import torch.nn.functional as F
from torch.distributions import Bernoulli, Categorical, Independent, MultivariateNormal, Normal, kl_divergence

here = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(here, "../../model/modeltest"))
from oracle import Oracle, conv, conv_t, dense, f32, nchw, nhwc, normal, rounding, uniform


def layer(name, *shape, bias=None):
    """The parameters of a layer: its kernel and its biases, as many as the last axis has."""
    return [(name + "/kernel", shape), (name + "/bias", shape[-1:] if bias is None else (bias,))]


def gaussian(p, name, h):
    """N(mean, diag exp(log_var)) of the two heads name_mean and name_log_var."""
    return Normal(dense(p, name + "_mean", h), torch.exp(dense(p, name + "_log_var", h) / 2))


def bernoulli_nll(x, logits):
    """-ln p(x), x (B, D) in [0, 1]: the cross-entropy."""
    return -Bernoulli(logits=logits, validate_args=False).log_prob(x).sum(-1)


STANDARD = Normal(0.0, 1.0)


def iwae():
    """Burda, Grosse & Salakhutdinov 2015, eq. 8, on binarised pixels; Adam's epsilon is 1e-4 (sec. 5)."""
    k, units, d = 4, 2, 16
    o = Oracle("iwae", {"latent": units, "samples": k, "loss": "bce", "sigma": 0.1, "binarize": True, "hidden": [5], "activation": "tanh"},
               (4, 4, 1), layer("encoder/dense", d, 5) + layer("encoder/z_mean", 5, units) + layer("encoder/z_log_var", 5, units)
               + layer("decoder/dense_1", units, 5) + layer("decoder/dense_2", 5, d))

    def losses(b):
        x = (b.x > uniform(b.key, "pixels", *b.x.shape)).double().flatten(1)
        q = gaussian(o.p, "encoder/z", torch.tanh(dense(o.p, "encoder/dense", x)))
        z = q.mean + q.stddev * normal(b.key, "posterior", len(x), k, units).transpose(0, 1)  # (k,B,Z)
        nll = bernoulli_nll(x, dense(o.p, "decoder/dense_2", torch.tanh(dense(o.p, "decoder/dense_1", z))))
        log_w = -nll + STANDARD.log_prob(z).sum(-1) - q.log_prob(z).sum(-1)
        bound = torch.logsumexp(log_w, 0) - math.log(k)
        return {"loss": -bound.mean() + rounding(math.log(k)), "reconstruction": nll.mean(), "kl": kl_divergence(q, STANDARD).sum(1).mean()}

    o.minimise(losses, eps=1e-4)
    o.write(here, "iwae")


def ladder(name, warmup, free):
    """Sønderby et al. 2016, eq. 11 to 18, with two layers of codes. The weight of the KL rises
    over warmup epochs (sec. 2.3); each unit has a KL of free nats for free (Kingma et al. 2016, eq. 15)."""
    hidden, latents, d = [5, 4], [3, 2], 16
    shapes = []
    for i, (above, units) in enumerate([(d, 5), (5, 4)], 1):
        shapes += layer("encoder/dense_%d_1" % i, above, units) + layer("encoder/dense_%d_2" % i, units, units)
        shapes += layer("encoder/z%d_mean" % i, units, latents[i - 1]) + layer("encoder/z%d_log_var" % i, units, latents[i - 1])
    for i in (2, 1):
        shapes += layer("decoder/dense_%d_1" % i, latents[i - 1], hidden[i - 1]) + layer("decoder/dense_%d_2" % i, hidden[i - 1], hidden[i - 1])
    shapes += layer("decoder/z1_mean", 4, 3) + layer("decoder/z1_log_var", 4, 3) + layer("decoder/logits", 5, d)
    o = Oracle("ladder-vae", {"latents": latents, "hidden": hidden, "loss": "bce", "beta": 1, "sigma": 0.1, "binarize": False,
                              "warmup": warmup, "free_bits": free}, (4, 4, 1), shapes)

    def two(name, h):
        for part in "12":
            h = F.leaky_relu(dense(o.p, name + part, h), f32(0.1))
        return h

    def losses(b):
        x = b.x.flatten(1)
        d1 = two("encoder/dense_1_", x)
        up1 = gaussian(o.p, "encoder/z1", d1)
        q2 = gaussian(o.p, "encoder/z2", two("encoder/dense_2_", d1))
        z2 = q2.mean + q2.stddev * normal(b.key, "posterior 2", *q2.mean.shape)
        p1 = gaussian(o.p, "decoder/z1", two("decoder/dense_2_", z2))
        variance = 1 / (up1.variance**-1 + p1.variance**-1)  # eq. 17
        q1 = Normal((up1.mean / up1.variance + p1.mean / p1.variance) * variance, variance.sqrt())  # eq. 18
        z1 = q1.mean + q1.stddev * normal(b.key, "posterior 1", *q1.mean.shape)
        nll = bernoulli_nll(x, dense(o.p, "decoder/logits", two("decoder/dense_1_", z1))).mean()
        units = [kl_divergence(q1, p1), kl_divergence(q2, STANDARD)]
        kl = [u.sum(1).mean() for u in units]
        penalty = sum(torch.clamp(u.mean(0), min=f32(free)).sum() for u in units)
        weight = min(1.0, b.epoch / warmup) if warmup else 1.0
        return {"loss": nll + weight * penalty, "reconstruction": nll, "kl": sum(kl), "kl_1": kl[0], "kl_2": kl[1]}

    o.minimise(losses)
    o.write(here, name)


def vq_vae():
    """Van den Oord, Vinyals & Kavukcuoglu 2017: eq. 1 to 3 with sums over the places, networks
    of sec. 4.1, then a PixelCNN over the codes (van den Oord et al. 2016, masks of sec. 3.4)."""
    k, d, f, commitment = 6, 2, 4, 0.25
    o = Oracle("vq-vae", {"codebook": k, "dim": d, "width": f, "blocks": 1, "commitment": commitment, "loss": "bce", "sigma": 0.1, "binarize": False,
                          "pretrain": 2, "prior_width": 3, "prior_layers": 1}, (8, 8, 1),
               layer("encoder/conv2d", 4, 4, 1, 2) + layer("encoder/conv2d_1", 4, 4, 2, f) + layer("encoder/conv2d_2", 3, 3, f, f)
               + layer("encoder/residual_3x3", 3, 3, f, 2) + layer("encoder/residual_1x1", 1, 1, 2, f) + layer("encoder/code", 1, 1, f, d)
               + [("codebook/codes/vectors", (k, d))]
               + layer("decoder/conv2d", 3, 3, d, f) + layer("decoder/residual_3x3", 3, 3, f, 2) + layer("decoder/residual_1x1", 1, 1, 2, f)
               + layer("decoder/conv2d_transpose", 4, 4, 2, f, bias=2) + layer("decoder/conv2d_transpose_1", 4, 4, 1, 2, bias=1)
               + [("prior/embedding/kernel", (k, 3))] + layer("prior/first", 12 * 3, 3) + layer("prior/masked", 5 * 3, 3) + layer("prior/logits", 3, k))
    p = o.p

    def residual(net, h):
        y = F.relu(conv(p, net + "/residual_3x3", F.relu(h)))
        return F.relu(h + conv(p, net + "/residual_1x1", y))

    def encode(x):
        h = F.relu(conv(p, "encoder/conv2d", nchw(x), 2))
        h = conv(p, "encoder/conv2d_2", F.relu(conv(p, "encoder/conv2d_1", h, 2)))
        return nhwc(conv(p, "encoder/code", residual("encoder", h)))  # (B,h,w,D)

    def nearest(ze):
        return torch.cdist(ze.flatten(0, 2), p["codebook/codes/vectors"]).argmin(1).view(ze.shape[:3])

    def decode(z):
        h = residual("decoder", conv(p, "decoder/conv2d", nchw(z)))
        h = F.relu(conv_t(p, "decoder/conv2d_transpose", h))
        return nhwc(conv_t(p, "decoder/conv2d_transpose_1", h)).flatten(1)

    def square(a):
        return a.square().flatten(1).sum(1).mean()

    def codebook(b):
        ze = encode(b.x)
        codes = nearest(ze)
        e = p["codebook/codes/vectors"][codes]
        nll = bernoulli_nll(b.x.flatten(1), decode(ze + (e - ze).detach())).mean()
        book = square(ze.detach() - e)
        entropy = Categorical(probs=torch.bincount(codes.flatten(), minlength=k).double()).entropy()
        return {"loss": nll + book + commitment * square(ze - e.detach()), "reconstruction": nll, "quantization": book, "perplexity": entropy.exp()}

    def masked(name, h, side, middle):
        """Convolution whose kernel is 0 from the middle on, or from after it."""
        w = torch.zeros(side * side, 3, 3)
        taps = side * side // 2 + middle
        w = torch.cat([p[name + "/kernel"].view(taps, 3, 3), w[taps:]]).view(side, side, 3, 3)
        return F.conv2d(h, w.permute(3, 2, 0, 1), p[name + "/bias"], 1, side // 2)

    def prior(b):
        ze = encode(b.x)
        codes = nearest(ze)
        e = p["codebook/codes/vectors"][codes]
        nll = bernoulli_nll(b.x.flatten(1), decode(e)).mean()
        h = F.relu(masked("prior/first", nchw(F.embedding(codes, p["prior/embedding/kernel"])), 5, 0))
        h = h + F.relu(masked("prior/masked", h, 3, 1))
        logits = dense(p, "prior/logits", nhwc(F.relu(h)))
        kl = F.cross_entropy(logits.permute(0, 3, 1, 2), codes, reduction="none").flatten(1).sum(1).mean()
        return {"loss": nll + kl, "reconstruction": nll, "kl": kl, "quantization": square(ze - e)}

    o.minimise(codebook, "codebook", ["encoder", "codebook", "decoder"])
    o.minimise(prior, "prior", ["prior"])
    o.write(here, "vq-vae")


def m2():
    """Kingma, Rezende, Mohamed & Welling 2014, eq. 6, 7 and 9, with the noise of an image the
    same for every class."""
    k, units, d, alpha, weight = 3, 2, 16, 0.3, 0.5
    hidden = [5, 4]
    o = Oracle("m2", {"latent": units, "labelled": 6, "labelled_batch": 2, "labelled_seed": 0, "alpha": alpha, "labelled_weight": weight, "class_hidden": hidden},
               (4, 4, 1), layer("classifier/dense", d, 5) + layer("classifier/dense_1", 5, 4) + layer("classifier/class", 4, k)
               + layer("inference/dense", d, 5) + [("inference/dense/class", (k, 5))] + layer("inference/dense_1", 5, 4)
               + layer("inference/z_mean", 4, units) + layer("inference/z_log_var", 4, units)
               + layer("generator/dense", units, 5) + [("generator/dense/class", (k, 5))] + layer("generator/dense_1", 5, 4) + layer("generator/logits", 4, d),
               labels=k, labelled=2)

    def joined(net, v, y):
        """Two softplus layers of (v, y): the rows of the class are rows of the kernel of both."""
        w = torch.cat([o.p[net + "/dense/kernel"], o.p[net + "/dense/class"]])
        h = F.softplus(torch.cat([v, y], 1) @ w + o.p[net + "/dense/bias"])
        return F.softplus(dense(o.p, net + "/dense_1", h))

    def classify(x):
        h = F.softplus(dense(o.p, "classifier/dense_1", F.softplus(dense(o.p, "classifier/dense", x))))
        return Categorical(logits=dense(o.p, "classifier/class", h))

    def bound(x, y, eps):
        q = gaussian(o.p, "inference/z", joined("inference", x, y))
        nll = bernoulli_nll(x, dense(o.p, "generator/logits", joined("generator", q.mean + q.stddev * eps, y)))
        kl = kl_divergence(q, STANDARD).sum(1)
        return nll + math.log(k) + kl, kl  # eq. 6, p(y) = 1/K

    def losses(b):
        x, lx, ly = b.x.flatten(1), b.labelled_x.flatten(1), b.labelled_y
        q, eps = classify(x), normal(b.key, "style", len(x), units)
        each = torch.stack([bound(x, F.one_hot(torch.tensor([c] * len(x)), k).double(), eps)[0] for c in range(k)], 1)
        u = ((q.probs * each).sum(1) - q.entropy()).mean() + rounding(math.log(k))  # eq. 7
        labelled, kl = bound(lx, ly, normal(b.key, "labelled style", len(lx), units))
        labelled = labelled.mean() + rounding(math.log(k))
        cross = -classify(lx).log_prob(ly.argmax(1)).mean()
        return {"loss": u + weight * labelled + f32(alpha) * cross, "unlabelled": u, "labelled": labelled, "classification": cross, "style_kl": kl.mean()}

    o.minimise(losses, "m2")
    o.write(here, "m2")


def vade(covariance):
    """Jiang et al. 2016, eq. 12: KL(q(z,c|x) || p(z,c)) with q(c|x) = p(c|z), eq. 16, after some
    steps of a VAE. With full covariances a cluster is the Gaussian of z for which
    y_j = z_j + sum over i < j of z_i t_ij is N(m, diag s^2)."""
    k, units, d = 3, 2, 16
    chain = [("prior/clusters/chain", (units, k * units))] if covariance == "full" else []
    o = Oracle("vade", {"latent": units, "clusters": k, "covariance": covariance, "loss": "bce", "sigma": 0.1, "binarize": False, "hidden": [5],
                        "activation": "relu", "pretrain": 2, "pretrain_beta": 0.5},
               (4, 4, 1), layer("encoder/dense", d, 5) + layer("encoder/z_mean", 5, units) + layer("encoder/z_log_var", 5, units)
               + [("prior/clusters/logits", (k,)), ("prior/clusters/mean", (k, units)), ("prior/clusters/log_var", (k, units))] + chain
               + layer("decoder/dense_1", units, 5) + layer("decoder/dense_2", 5, d))
    p = o.p

    def posterior(b):
        x = b.x.flatten(1)
        q = gaussian(p, "encoder/z", F.relu(dense(p, "encoder/dense", x)))
        z = q.mean + q.stddev * normal(b.key, "posterior", len(x), units)
        return q, z, bernoulli_nll(x, dense(p, "decoder/dense_2", F.relu(dense(p, "decoder/dense_1", z)))).mean()

    def alone(b):
        q, _, nll = posterior(b)
        kl = kl_divergence(q, STANDARD).sum(1).mean()
        return {"loss": nll + 0.5 * min(1.0, b.epoch) * kl, "reconstruction": nll, "kl": kl}

    def cluster(c):
        m, s = p["prior/clusters/mean"][c], torch.exp(p["prior/clusters/log_var"][c] / 2)
        if covariance == "diagonal":
            return Independent(Normal(m, s), 1)
        t = p["prior/clusters/chain"].view(units, k, units)[:, c, :]
        back = torch.linalg.inv(torch.eye(units) + torch.triu(t, 1).T)  # z = back y
        return MultivariateNormal(back @ m, back @ torch.diag(s * s) @ back.T)

    def clusters(b):
        q, z, nll = posterior(b)
        pi = Categorical(logits=p["prior/clusters/logits"])
        each = [cluster(c) for c in range(k)]
        gamma = Categorical(logits=torch.stack([pi.logits[c] + each[c].log_prob(z) for c in range(k)], 1))
        if covariance == "diagonal":
            q = Independent(q, 1)
        else:
            q = MultivariateNormal(q.mean, torch.diag_embed(q.variance))
        kl = sum(gamma.probs[:, c] * kl_divergence(q, each[c]) for c in range(k)) + kl_divergence(gamma, pi)
        return {"loss": nll + kl.mean(), "reconstruction": nll, "kl": kl.mean()}

    o.minimise(alone, "pretraining", ["encoder", "decoder"])
    o.minimise(clusters, "clusters", eps=1e-4)
    o.write(here, "vade-" + covariance)


iwae()
ladder("ladder-vae", 1, 0)
ladder("ladder-vae-free-bits", 0, 0.06)
vq_vae()
m2()
vade("diagonal")
vade("full")
