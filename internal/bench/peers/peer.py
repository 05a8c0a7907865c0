"""Times a case in PyTorch and prints one line of JSON.

    python3 peer.py cnn-vae tuned                  a training step
    python3 peer.py cnn-vae plain --do decode      900 codes in one batch
    python3 peer.py cnn-vae plain --do decode --images 1
    python3 peer.py cnn-vae tuned --do epoch --data images.idx
    python3 peer.py dense-gan plain --do job --data train-images-idx3-ubyte.gz

Cases are in models.py. A time is the median of as many runs as take two seconds (5 at least), after half a second of
them that are not counted, as in imago bench. An epoch trains on the first tenth of the images of an IDX file, all of
which stay in memory as bytes, and evaluates on the rest; it is there to see how much memory that takes. A job is what
the tutorial of the dense GAN does: --steps iterations on images drawn at random, a line and two sheets every thousand.
"""
import argparse
import gzip
import json
import os
import statistics
import sys
import tempfile
import time

parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
parser.add_argument("case")
parser.add_argument("setting", choices=["plain", "tuned"])
parser.add_argument("--do", choices=["train", "decode", "epoch", "job"], default="train")
parser.add_argument("--threads", type=int, default=os.cpu_count())
parser.add_argument("--images", type=int, default=900, help="codes to decode in one batch")
parser.add_argument("--steps", type=int, default=0, help="runs that are timed")
parser.add_argument("--data", help="IDX file of the images of an epoch")
parser.add_argument("--since", type=int, help="when the process was started, in nanoseconds since 1970")
args = parser.parse_args()
since = args.since or time.time_ns()

# The C library reads its settings when a process starts, so the process starts itself again with them: OpenBLAS with
# OpenMP in the place of any other BLAS and, tuned, an allocator that keeps its pages.
environment = {"LD_LIBRARY_PATH": "/usr/lib/%s-linux-gnu/openblas-openmp" % os.uname().machine}
if args.setting == "tuned":
    environment.update(MALLOC_MMAP_THRESHOLD_=str(1 << 30), MALLOC_TRIM_THRESHOLD_=str(1 << 32), MALLOC_TOP_PAD_=str(1 << 26))
if any(os.environ.get(k) != v for k, v in environment.items()):
    again = [sys.executable] + sys.argv + ([] if args.since else ["--since", str(since)])
    os.execve(sys.executable, again, {**os.environ, **environment})

import torch

import models

WARM_UP, TIMED_FOR, LEAST, MOST = 0.5, 2.0, 5, 1000


def timed(run):
    """Runs until enough is known; the times of all, in ms, and from the process's start to the end of the first."""
    run()
    first = (time.time_ns() - since) / 1e6
    start = time.perf_counter()
    while time.perf_counter() - start < WARM_UP:
        run()
    took, start = [], time.perf_counter()
    most = args.steps or MOST
    while len(took) < most and (args.steps or len(took) < LEAST or time.perf_counter() - start < TIMED_FOR):
        t = time.perf_counter()
        run()
        took.append((time.perf_counter() - t) * 1e3)
    return {"runs": len(took), "first_ms": first, "median_ms": statistics.median(took), "least_ms": min(took)}


def read(path):
    with (gzip.open if path.endswith(".gz") else open)(path, "rb") as f:
        n, h, w = (int.from_bytes(b, "big") for b in (f.read(8)[4:], f.read(4), f.read(4)))
        return torch.frombuffer(bytearray(f.read()), dtype=torch.uint8).view(n, 1, h, w)


def sheet(path, images):
    """Sixteen made images, 4x4, as a PGM file."""
    x = ((images * 0.5 + 0.5) * 255).byte().view(4, 4, 28, 28).permute(0, 2, 1, 3).contiguous()
    with open(path, "wb") as f:
        f.write(b"P5 112 112 255\n" + bytes(x.flatten().tolist()))


def job(case, path, iterations):
    images = read(path).flatten(1).float() / 127.5 - 1
    batch = len(case.images)
    fixed = torch.randn((16,) + case.noise[1:])
    for i in range(1, iterations + 1):
        case.images = images[torch.randint(len(images), (batch,))]
        loss_d, loss_g = case.step()
        if i % 1000 == 0:
            with torch.no_grad(), tempfile.TemporaryDirectory() as folder:
                sheet(os.path.join(folder, "fixed.pgm"), case.g(fixed))
                sheet(os.path.join(folder, "fresh.pgm"), case.g(torch.randn(fixed.shape)))
            print("%d [D loss: %.3f, acc.: %.1f%%] [G loss: %.2f]" % (i, loss_d / 2, 100 * case.accuracy(), loss_g), file=sys.stderr)
    return {"seconds": (time.time_ns() - since) / 1e9}


def epoch(case, path, batch=128):
    images = read(path)
    n = len(images)
    order = torch.randperm(n)
    train, test = order[:n // 10], order[n // 10:]
    for ix in train.split(batch):
        case.train(images[ix].float() / 255)
    with torch.no_grad():
        loss = sum(case.model.loss(images[ix].float() / 255).item() * len(ix) for ix in test.split(batch)) / len(test)
    return {"test_loss": loss}


torch.set_num_threads(args.threads)
torch.manual_seed(1)
case = models.build(args.case, args.setting)
result = {"torch": torch.__version__, "case": args.case, "setting": args.setting, "threads": args.threads}
if args.do == "train":
    result.update(timed(case.step))
elif args.do == "job":
    result.update(job(case, args.data, args.steps))
elif args.do == "epoch":
    result.update(epoch(case, args.data))
else:
    with torch.inference_mode():
        z = torch.randn(args.images, case.latent)
        result.update(timed(lambda: case.decode(z)))
print(json.dumps(result))
