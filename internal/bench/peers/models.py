"""The published models, and one step of training each, as PyTorch programs.

B images, H x W x C pixels, Z latent units; tensors are (B, C, H, W) as PyTorch has them. A case is built by
CASES[name](setting) and has

    step()      one training step on a batch of random images; returns its loss
    decode(z)   images from codes (VAEs)
    latent      Z

What "tuned" changes is in tuned.py; "plain" is these classes with PyTorch's own layers.
"""
import torch
import torch.nn as nn
import torch.nn.functional as F

from tuned import FlatAdam, TransposedConv


class Setting:
    """How a case is run: channels-last activations, one Adam over a flat tensor, and which transposed convolutions go
    through oneDNN (those of at least so many output channels; 0 all, None none)."""

    def __init__(self, channels_last=False, flat_adam=False, onednn_from=None):
        self.format = torch.channels_last if channels_last else torch.contiguous_format
        self.flat_adam, self.onednn_from = flat_adam, onednn_from

    def up(self, cin, cout, kernel, stride, pad, extra=0, bias=True):
        """A transposed convolution."""
        tuned = self.onednn_from is not None and cout >= self.onednn_from
        return (TransposedConv if tuned else nn.ConvTranspose2d)(cin, cout, kernel, stride, pad, extra, bias=bias)

    def adam(self, module, lr, betas=(0.9, 0.999)):
        params = list(module.parameters())
        return FlatAdam(params, lr, betas) if self.flat_adam else torch.optim.Adam(params, lr=lr, betas=betas)


def mse(logits, x):
    return F.mse_loss(torch.sigmoid(logits), x, reduction="sum")


def bce(logits, x):
    return F.binary_cross_entropy_with_logits(logits, x, reduction="sum")


class VAE(nn.Module):
    """Kingma & Welling, arXiv:1312.6114: an encoder to 2 Z numbers, mean and log-variance, and a decoder to logits.
    The loss is the reconstruction, summed over pixels, plus the KL divergence, a mean over the batch."""

    def __init__(self, encoder, decoder, latent, reconstruction):
        super().__init__()
        self.encoder, self.decoder, self.latent, self.reconstruction = encoder, decoder, latent, reconstruction

    def loss(self, x):
        mean, logvar = self.encoder(x).chunk(2, 1)
        z = mean + torch.exp(0.5 * logvar) * torch.randn_like(mean)
        kl = -0.5 * torch.sum(1 + logvar - mean * mean - logvar.exp())
        return (self.reconstruction(self.decoder(z), x) + kl) / x.shape[0]

    def decode(self, z):
        return torch.sigmoid(self.decoder(z))


class VAECase:
    def __init__(self, setting, model, shape, batch):
        self.model, self.latent = model.to(memory_format=setting.format) if len(shape) == 3 else model, model.latent
        self.optimizer = setting.adam(model, 1e-3)
        self.images = torch.rand((batch,) + shape)
        if len(shape) == 3:
            self.images = self.images.contiguous(memory_format=setting.format)

    def train(self, x):
        loss = self.model.loss(x)
        self.optimizer.zero_grad(set_to_none=True)
        loss.backward()
        self.optimizer.step()
        return loss.item()

    def step(self):
        return self.train(self.images)

    def decode(self, z):
        return self.model.decode(z)


class ToImage(nn.Module):
    """(B, C*H*W) as images, without a copy in either layout."""

    def __init__(self, c, h, w, memory_format):
        super().__init__()
        self.c, self.h, self.w, self.last = c, h, w, memory_format == torch.channels_last

    def forward(self, x):
        if self.last:
            return x.view(-1, self.h, self.w, self.c).permute(0, 3, 1, 2)
        return x.view(-1, self.c, self.h, self.w)


class FromImage(nn.Module):
    """The inverse of ToImage."""

    def __init__(self, memory_format):
        super().__init__()
        self.last = memory_format == torch.channels_last

    def forward(self, x):
        return (x.permute(0, 2, 3, 1) if self.last else x).flatten(1)


def mlp_vae(s):
    """784 - 256 - 2 - 256 - 784."""
    relu = lambda: nn.ReLU(inplace=True)
    model = VAE(nn.Sequential(nn.Linear(784, 256), relu(), nn.Linear(256, 4)),
                nn.Sequential(nn.Linear(2, 256), relu(), nn.Linear(256, 784)), 2, bce)
    return VAECase(s, model, (784,), 128)


def cnn_vae(s):
    """The Keras example: convolutions of 32 and 64 filters, 3x3 stride 2, a dense layer of 16, and back."""
    relu = lambda: nn.ReLU(inplace=True)
    encoder = nn.Sequential(nn.Conv2d(1, 32, 3, 2, 1), relu(), nn.Conv2d(32, 64, 3, 2, 1), relu(),
                            FromImage(s.format), nn.Linear(3136, 16), relu(), nn.Linear(16, 4))
    decoder = nn.Sequential(nn.Linear(2, 3136), relu(), ToImage(64, 7, 7, s.format),
                            s.up(64, 64, 3, 2, 1, 1), relu(), s.up(64, 32, 3, 2, 1, 1), relu(), s.up(32, 1, 3, 1, 1))
    return VAECase(s, VAE(encoder, decoder, 2, mse), (1, 28, 28), 128)


def face_vae(s):
    """64x64x3: convolutions of 32, 64, 128, 256 filters, 4x4 stride 2; Z = 128; the decoder mirrored."""
    filters, encoder, decoder = [3, 32, 64, 128, 256], [], []
    for cin, cout in zip(filters, filters[1:]):
        encoder += [nn.Conv2d(cin, cout, 4, 2, 1), nn.ReLU(inplace=True)]
    for cin, cout in zip(filters[:0:-1], filters[-2::-1]):
        decoder += [s.up(cin, cout, 4, 2, 1), nn.ReLU(inplace=True)]
    encoder += [FromImage(s.format), nn.Linear(4096, 256)]
    decoder = [nn.Linear(128, 4096), ToImage(256, 4, 4, s.format)] + decoder[:-1]
    return VAECase(s, VAE(nn.Sequential(*encoder), nn.Sequential(*decoder), 128, mse), (3, 64, 64), 64)


class GANCase:
    """Goodfellow et al., arXiv:1406.2661, with the loss for G that does not saturate. One iteration is D on real images,
    D on images of G, then G; apart says that D is updated after each of its two batches, as Keras programs do, and not
    once for both, as the DCGAN does, which also keeps G's images for G's own step. D's weights get no gradient in the
    step of G, whose result does not need it."""

    def __init__(self, setting, g, d, shape, noise, batch, apart, lr, betas):
        as_asked = lambda m: m.to(memory_format=setting.format) if len(shape) == 3 else m
        self.g, self.d = as_asked(g), as_asked(d)
        self.opt_g, self.opt_d = setting.adam(g, lr, betas), setting.adam(d, lr, betas)
        self.apart, self.noise = apart, (batch,) + noise
        self.images = torch.rand((batch,) + shape) * 2 - 1
        if len(shape) == 3:
            self.images = self.images.contiguous(memory_format=setting.format)
        out = (batch, 1) if apart else (batch,)
        self.real, self.fake = torch.ones(out), torch.zeros(out)

    def step(self):
        judge = F.binary_cross_entropy_with_logits
        with torch.set_grad_enabled(not self.apart):
            made = self.g(torch.randn(self.noise))
        self.opt_d.zero_grad(set_to_none=True)
        on_real = self.d(self.images)
        loss_real = judge(on_real, self.real)
        loss_real.backward()
        if self.apart:
            self.opt_d.step()
            self.opt_d.zero_grad(set_to_none=True)
        on_fake = self.d(made.detach())
        loss_fake = judge(on_fake, self.fake)
        loss_fake.backward()
        self.opt_d.step()

        if self.apart:
            made = self.g(torch.randn(self.noise))
        self.opt_g.zero_grad(set_to_none=True)
        self.d.requires_grad_(False)
        loss_g = judge(self.d(made), self.real)
        loss_g.backward()
        self.d.requires_grad_(True)
        self.opt_g.step()
        self.on_real, self.on_fake = on_real.detach(), on_fake.detach()
        return loss_real.item() + loss_fake.item(), loss_g.item()

    def accuracy(self):
        """Of D in the last step."""
        return ((self.on_real > 0).float().mean() + (self.on_fake < 0).float().mean()).item() / 2


def dense_gan(s):
    """100 - 128 - 784 against 784 - 128 - 1."""
    g = nn.Sequential(nn.Linear(100, 128), nn.LeakyReLU(0.01, True), nn.Linear(128, 784), nn.Tanh())
    d = nn.Sequential(nn.Linear(784, 128), nn.LeakyReLU(0.01, True), nn.Linear(128, 1))
    return GANCase(s, g, d, (784,), (100,), 128, True, 1e-3, (0.9, 0.999))


def dcgan(s):
    """Radford et al., arXiv:1511.06434, for 64x64x3 with 64 filters at the picture's end."""
    g, d = [], []
    for cin, cout, stride, pad in [(100, 512, 1, 0), (512, 256, 2, 1), (256, 128, 2, 1), (128, 64, 2, 1)]:
        g += [s.up(cin, cout, 4, stride, pad, bias=False), nn.BatchNorm2d(cout), nn.ReLU(True)]
    g += [s.up(64, 3, 4, 2, 1, bias=False), nn.Tanh()]
    for cin, cout in [(3, 64), (64, 128), (128, 256), (256, 512)]:
        d += [nn.Conv2d(cin, cout, 4, 2, 1, bias=False)] + ([nn.BatchNorm2d(cout)] if cin > 3 else []) + [nn.LeakyReLU(0.2, True)]
    d += [nn.Conv2d(512, 1, 4, 1, 0, bias=False), nn.Flatten(0)]
    for m in g + d:
        if isinstance(m, (nn.Conv2d, nn.ConvTranspose2d)):
            nn.init.normal_(m.weight, 0.0, 0.02)
        elif isinstance(m, nn.BatchNorm2d):
            nn.init.normal_(m.weight, 1.0, 0.02)
    return GANCase(s, nn.Sequential(*g), nn.Sequential(*d), (3, 64, 64), (100, 1, 1), 64, False, 2e-4, (0.5, 0.999))


# The builder of a case, and the settings that are fastest for it.
CASES = {
    "mlp-vae": (mlp_vae, dict(flat_adam=True)),
    "cnn-vae": (cnn_vae, dict(channels_last=True, onednn_from=0)),
    "face-vae": (face_vae, dict(channels_last=True, onednn_from=0)),
    "dense-gan": (dense_gan, dict(flat_adam=True)),
    "dcgan": (dcgan, dict(onednn_from=8)),
}


def build(case, setting):
    builder, tuned = CASES[case]
    return builder(Setting(**tuned) if setting == "tuned" else Setting())
