"""Training steps of VAEs of sequences, with PyTorch: the shapes of BenchmarkSequenceStep of engine/cpu.

    python3 sequences.py [sentence molecule melody]

prints the least and the median of 12 steps in ms, on two threads: forward, backward, clipping, Adam."""
import sys
import time

import torch
import torch.nn as nn
import torch.nn.functional as F

SHAPES = {  # batch, steps, words, embedding, units of the encoder and of the decoder, codes, layer, bidirectional
    "sentence": (32, 23, 9877, 300, 256, 256, 16, nn.GRU, False),
    "molecule": (128, 22, 23, 32, 128, 256, 56, nn.GRU, True),
    "melody": (128, 32, 90, 90, 256, 256, 256, nn.LSTM, True),
}


class Model(nn.Module):
    def __init__(self, words, embedding, encoder, units, codes, layer, both):
        super().__init__()
        self.lstm, self.both = layer is nn.LSTM, both
        self.words = nn.Embedding(words, embedding)
        self.encoder = layer(embedding, encoder, batch_first=True, bidirectional=both)
        self.decoder = layer(embedding + (codes if both else 0), units, batch_first=True)  # the two-sided ones read the code at each step
        self.mean, self.log_variance = (nn.Linear(encoder * (1 + both), codes) for _ in range(2))
        self.initial, self.logits = nn.Linear(codes, units), nn.Linear(units, words)

    def forward(self, ids):
        read = self.words(ids[:, :-1])
        last = self.encoder(read)[1]
        h = (last[0] if self.lstm else last).transpose(0, 1).reshape(len(ids), -1)
        mean, log_variance = self.mean(h), self.log_variance(h)
        z = mean + torch.randn_like(mean) * (log_variance / 2).exp()
        if self.both:
            read = torch.cat([read, z[:, None].expand(-1, read.shape[1], -1)], 2)
        h = self.initial(z).tanh()[None]
        logits = self.logits(self.decoder(read, (h, torch.zeros_like(h)) if self.lstm else h)[0])
        nll = F.cross_entropy(logits.flatten(0, 1), ids[:, 1:].flatten(), reduction="sum") / len(ids)
        return nll + 0.5 * (mean * mean + log_variance.exp() - log_variance - 1).sum(1).mean()


def main():
    torch.set_num_threads(2)
    for name in sys.argv[1:] or SHAPES:
        batch, steps, words, *rest = SHAPES[name]
        torch.manual_seed(0)
        model = Model(words, *rest)
        adam = torch.optim.Adam(model.parameters(), 1e-3)
        ids = torch.randint(0, words, (batch, steps + 1))
        times = []
        for _ in range(12):
            start = time.perf_counter()
            adam.zero_grad()
            model(ids).backward()
            nn.utils.clip_grad_norm_(model.parameters(), 5)
            adam.step()
            times.append(1e3 * (time.perf_counter() - start))
        times.sort()
        print("%s: least %.1f ms, median %.1f ms" % (name, times[0], times[6]), flush=True)


main()
