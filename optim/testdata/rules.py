#!/usr/bin/env python3
"""Twenty steps of each update rule on three numbers, by PyTorch in float64.

    python3 rules.py > rules.json

writes the numbers that TestRulesAgainstPyTorch compares with. The gradients and
the learning rate of step n are those of gradient and rate in rules_test.go.
Last run with torch 1.13.0.
"""
import json
import math

import torch

F32 = lambda x: float(torch.tensor(x, dtype=torch.float32))  # constants of a graph are float32


def rules(p):
    o = torch.optim
    return {
        "sgd": o.SGD([p], lr=1),
        "sgd momentum": o.SGD([p], lr=1, momentum=F32(0.9)),
        "sgd nesterov": o.SGD([p], lr=1, momentum=F32(0.9), nesterov=True),
        "rmsprop": o.RMSprop([p], lr=1, alpha=F32(0.99), eps=F32(1e-8)),
        "rmsprop momentum": o.RMSprop([p], lr=1, alpha=F32(0.99), eps=F32(1e-8), momentum=F32(0.9)),
        "rmsprop centered": o.RMSprop([p], lr=1, alpha=F32(0.9), eps=F32(1e-3), centered=True),
        "adam": o.Adam([p], lr=1, betas=(F32(0.9), F32(0.999)), eps=F32(1e-7)),
        "adamw": o.AdamW([p], lr=1, betas=(F32(0.9), F32(0.999)), eps=F32(1e-8), weight_decay=F32(0.01)),
    }


out = {"torch": torch.__version__, "after": {}}
for name in rules(torch.zeros(3, dtype=torch.float64, requires_grad=True)):
    p = torch.tensor([1.0, -2.0, 0.5], dtype=torch.float64, requires_grad=True)
    rule = rules(p)[name]
    for n in range(1, 21):
        for group in rule.param_groups:
            group["lr"] = 0.01 / n
        p.grad = torch.tensor([math.sin(n), 1e-3 * math.cos(n), 40.0], dtype=torch.float64)
        rule.step()
    out["after"][name] = p.tolist()
print(json.dumps(out, indent="\t"))
