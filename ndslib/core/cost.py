"""Cost of a module, measured by running it: parameters and multiply-adds (MADDs)."""

import copy
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from torch.utils import _pytree as pytree
from torch.utils._python_dispatch import TorchDispatchMode

from ndslib.core.seeding import preserved

aten = torch.ops.aten
CONVOLUTIONS = {aten.conv1d, aten.conv2d, aten.conv3d}
TRANSPOSED = {aten.conv_transpose1d, aten.conv_transpose2d, aten.conv_transpose3d}
GENERAL = {aten.convolution, aten._convolution}


class Cost(NamedTuple):
    """`params`: trainable parameters, shared ones once. `madds`: multiply-adds of one run."""

    params: int
    madds: int


def count(module: nn.Module, *inputs: Any) -> Cost:
    """Run a copy of `module` on copies of `inputs` and count what it did.

    Counted are the multiply-adds of convolutions (transposed, grouped and dilated ones too) and linear layers, whether
    called as modules or as functions, in whatever branch ran; a layer that ran twice counts twice. Biases,
    normalisation, activations, pooling and products of two activations (matmul, attention) are not counted.
    As usual, products with padded zeros count.

    `madds` is for the inputs as given, so it grows with the batch: give one sample for the cost per sample. The module
    runs in the mode (training or evaluation) it is in; it, the inputs and the global generators stay as they were.

    Raises:
        Whatever the module raises on these inputs; a forward pass that takes gradients itself cannot be counted.
    """
    module = _copy(module)
    inputs = pytree.tree_map_only(Tensor, lambda tensor: tensor.detach().clone(), inputs)
    # In inference mode `linear` reaches the counter whole; under no_grad it arrives as a product like any other.
    with preserved(), torch.inference_mode(), _plain_attention(), _Counter() as counter:
        module(*inputs)
    params = sum(parameter.numel() for parameter in module.parameters() if parameter.requires_grad)
    return Cost(params, counter.madds)


def _copy(module: nn.Module) -> nn.Module:
    # Tensors with a history (kept activations, weights of the old weight_norm) refuse deepcopy: hand it their values.
    kept = (leaf for part in module.modules() for leaf in pytree.tree_leaves(vars(part)) if isinstance(leaf, Tensor))
    return copy.deepcopy(module, {id(tensor): tensor.detach().clone() for tensor in kept if not tensor.is_leaf})


class _Counter(TorchDispatchMode):
    def __init__(self) -> None:
        super().__init__()
        self.madds = 0

    def __torch_dispatch__(self, func: Any, types: Any, args: tuple = (), kwargs: dict | None = None) -> Any:
        kwargs = kwargs or {}
        out = func(*args, **kwargs)
        self.madds += _madds(func, args, kwargs, out)
        return out


def _madds(func: Any, args: tuple, kwargs: dict, out: Any) -> int:
    packet = func.overloadpacket
    if packet is aten.linear:
        weight = _argument(func, args, kwargs, "weight")
        return out.numel() * weight.shape[-1]
    if packet not in CONVOLUTIONS | TRANSPOSED | GENERAL:
        return 0
    # A weight is [out, in / groups, *kernel], transposed [in, out / groups, *kernel]: each output (transposed: each
    # input) value takes part in weight[0].numel() products.
    per_value = _argument(func, args, kwargs, "weight")[0].numel()
    transposed = packet in TRANSPOSED or (packet in GENERAL and _argument(func, args, kwargs, "transposed"))
    return per_value * (_argument(func, args, kwargs, "input") if transposed else out).numel()


def _argument(func: Any, args: tuple, kwargs: dict, name: str) -> Any:
    if name in kwargs:
        return kwargs[name]
    return args[[argument.name for argument in func._schema.arguments].index(name)]


@contextmanager
def _plain_attention() -> Iterator[None]:
    """Without the fused attention of evaluation mode, which hides its linear layers."""
    enabled = torch.backends.mha.get_fastpath_enabled()
    torch.backends.mha.set_fastpath_enabled(False)
    try:
        yield
    finally:
        torch.backends.mha.set_fastpath_enabled(enabled)
