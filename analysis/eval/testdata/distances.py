"""FID, KID, precision, recall, density and coverage of two sets of features, written
from the papers with NumPy and SciPy in float64: what TestNumpy holds the package to.

distances.py FOLDER F SUBSETS: real.f32 and made.f32 are points of F features, real.i32
and made.i32 the points of each of so many subsets for the KID.
"""
import json
import sys

import numpy as np
from scipy.linalg import sqrtm
from scipy.spatial.distance import cdist

folder, dims, subsets = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
real, made = (np.fromfile(f"{folder}/{name}.f32", "<f4").reshape(-1, dims).astype(np.float64) for name in ("real", "made"))
of_real, of_made = (np.fromfile(f"{folder}/{name}.i32", "<i4").reshape(subsets, -1) for name in ("real", "made"))

c1, c2 = np.cov(real, rowvar=False), np.cov(made, rowvar=False)
fid = np.sum((real.mean(0) - made.mean(0)) ** 2) + np.trace(c1 + c2 - 2 * sqrtm(c1 @ c2).real)


def kernel(x, y):
    return (x @ y.T / dims + 1) ** 3


estimates = []
for i, j in zip(of_real, of_made):
    x, y = real[i], made[j]
    m = len(x)
    xx, yy, xy = kernel(x, x), kernel(y, y), kernel(x, y)
    estimates.append((xx.sum() - np.trace(xx) + yy.sum() - np.trace(yy)) / (m * (m - 1)) - 2 * xy.mean())


def radii(x, k):
    return np.sort(cdist(x, x), axis=1)[:, k]  # column 0 is the point itself


d = cdist(real, made)
json.dump(
    {
        "fid": fid,
        "kid": np.mean(estimates),
        "kid_std_error": np.std(estimates, ddof=1) / np.sqrt(subsets),
        "precision": (d <= radii(real, 3)[:, None]).any(0).mean(),
        "recall": (d <= radii(made, 3)[None, :]).any(1).mean(),
        "density": (d <= radii(real, 5)[:, None]).sum(0).mean() / 5,
        "coverage": (d.min(1) <= radii(real, 5)).mean(),
    },
    sys.stdout,
)
