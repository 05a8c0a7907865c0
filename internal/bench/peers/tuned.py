"""What makes PyTorch 1.13 faster on a processor than its own layers do."""
import torch
import torch.nn as nn
import torch.nn.functional as F


class _BackwardData(torch.autograd.Function):
    """A transposed convolution as what it is, the gradient of a convolution with respect to its input: so oneDNN does
    it, as PyTorch 2 has it by itself. Before, aten's own slow_conv_transpose2d is used."""

    @staticmethod
    def forward(ctx, x, weight, bias, stride, pad, extra):
        ctx.save_for_backward(x, weight)
        ctx.stride, ctx.pad = [stride] * 2, [pad] * 2
        side = lambda n: (n - 1) * stride - 2 * pad + weight.shape[2] + extra
        last = x.is_contiguous(memory_format=torch.channels_last) and not x.is_contiguous()
        image = torch.empty((x.shape[0], weight.shape[1], side(x.shape[2]), side(x.shape[3])),
                            memory_format=torch.channels_last if last else torch.contiguous_format)
        y = _gradients(x, image, weight, ctx, [True, False, False])[0]
        return y if bias is None else y.add_(bias.view(1, -1, 1, 1))

    @staticmethod
    def backward(ctx, gy):
        x, weight = ctx.saved_tensors
        gx = F.conv2d(gy, weight, None, ctx.stride, ctx.pad) if ctx.needs_input_grad[0] else None
        gw = _gradients(x, gy, weight, ctx, [False, True, False])[1] if ctx.needs_input_grad[1] else None
        gb = gy.sum((0, 2, 3)) if ctx.needs_input_grad[2] else None
        return gx, gw, gb, None, None, None


def _gradients(x, image, weight, ctx, wanted):
    """The gradients of conv2d(image, weight) where its result has the gradient x."""
    return torch.ops.aten.convolution_backward(x, image, weight, None, ctx.stride, ctx.pad, [1, 1], False, [0, 0], 1, wanted)


class TransposedConv(nn.ConvTranspose2d):
    def forward(self, x):
        return _BackwardData.apply(x, self.weight, self.bias, self.stride[0], self.padding[0], self.output_padding[0])


class FlatAdam:
    """Adam over one tensor that all parameters, and all gradients, are views of: one update a step, not one each."""

    def __init__(self, params, lr, betas):
        values, self.grads = (torch.zeros(sum(p.numel() for p in params)) for _ in range(2))
        at = 0
        for p in params:
            part = slice(at, at + p.numel())
            view = values[part].as_strided(p.shape, p.stride(), at)
            view.copy_(p.detach())
            p.data, p.grad = view, self.grads[part].as_strided(p.shape, p.stride(), at)
            at += p.numel()
        values.requires_grad_()
        values.grad = self.grads
        self.adam = torch.optim.Adam([values], lr=lr, betas=betas)

    def zero_grad(self, set_to_none):
        self.grads.zero_()  # views of it have to stay

    def step(self):
        self.adam.step()
