"""Features of images from any extractor (a module that returns [N, D]), cached on disk by content."""

import contextlib
import hashlib
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn
from torchvision import models
from torchvision.transforms.v2 import functional as transforms

from ndslib.core.cache import cached
from ndslib.core.errors import InputError
from ndslib.core.files import digest, sha256_file
from ndslib.core.models import IMAGE_MEAN, IMAGE_STD, evaluating


@dataclass(frozen=True)
class Preprocessing:
    """uint8 [N, 3, S, S] to the float32 images that an extractor expects: scaled to 0..1, resized, normalised.

    `size` is the side in pixels to resize to (bilinear, anti-aliased); None keeps the images' own.
    """

    mean: tuple[float, float, float] = IMAGE_MEAN
    std: tuple[float, float, float] = IMAGE_STD
    size: int | None = None

    def __call__(self, images: Tensor) -> Tensor:
        scaled = images.float() / 255
        if self.size is not None and scaled.shape[-2:] != (self.size, self.size):
            scaled = transforms.resize(scaled, [self.size, self.size], antialias=True)
        return transforms.normalize(scaled, list(self.mean), list(self.std))


IMAGENET = Preprocessing(size=224)


class FeaturesOf(nn.Module):
    """A network with a method `features` as an extractor: its output is these features."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, images: Tensor) -> Tensor:
        """Features [N, D] of images [N, 3, S, S], in the type and range that the network's method takes."""
        return self.network.features(images)


def extract(
    model: nn.Module,
    images: Tensor,
    preprocessing: Callable[[Tensor], Tensor] | None = None,
    batch_size: int = 256,
    device: str | torch.device = "cpu",
) -> Tensor:
    """Run `model` in evaluation mode over `images`.

    Args:
        model: returns [n, D]; it comes back in the mode and on the device it was in.
        images: uint8 [N, 3, S, S]; N may be 0 only when the model can run on an empty batch.
        preprocessing: of a batch; `Preprocessing()` (at their own size) when left out, `nn.Identity()` for a model that
            takes uint8.

    Returns:
        float32 [N, D] on the CPU.

    Raises:
        InputError: images of another type or shape, a batch size below 1, features that are not [n, D] or not finite.
    """
    _check_images(images)
    if batch_size < 1:
        raise InputError(f"batch_size={batch_size} must be at least 1")
    preprocessing = preprocessing or Preprocessing()
    with _moved(model, device), evaluating(model), torch.no_grad():
        batches = [
            _features(model, preprocessing(batch.to(device)), position * batch_size)
            for position, batch in enumerate(images.split(batch_size))
        ]
    return torch.cat(batches)


def cached_features(
    model: nn.Module,
    images: Tensor,
    preprocessing: Preprocessing | None = None,
    batch_size: int = 256,
    device: str | torch.device = "cpu",
) -> Tensor:
    """`extract`, computed once for the same model (structure and weights), images, preprocessing and device class.

    Raises:
        InputError: as for `extract`.
    """
    _check_images(images)
    preprocessing = preprocessing or Preprocessing()
    pixels = hashlib.sha256(images.cpu().contiguous().numpy()).hexdigest()
    device_class = torch.device(device).type
    key = digest(fingerprint(model), repr(model), pixels, list(images.shape), asdict(preprocessing), device_class)

    def build(path: Path) -> None:
        np.save(path, extract(model, images, preprocessing, batch_size, device).numpy(), allow_pickle=False)

    return torch.from_numpy(np.load(cached("features", key, build, ".npy"), allow_pickle=False))


def fingerprint(module: nn.Module) -> str:
    """Hex SHA-256 over the names, types, shapes and bytes of a module's parameters and buffers.

    It does not see what has no weights (an activation, say): add `repr(module)` where that may differ.
    """
    hashed = hashlib.sha256()
    for name, tensor in sorted(module.state_dict().items()):
        hashed.update(f"{name} {tensor.dtype} {tuple(tensor.shape)}\n".encode())
        hashed.update(tensor.detach().cpu().contiguous().reshape(-1).view(torch.uint8).numpy())
    return hashed.hexdigest()


def imagenet_extractor(name: str = "resnet18") -> nn.Module:
    """A torchvision classifier with its default ImageNet weights and without its last linear layer.

    The weights come from torch hub's local cache; nothing is downloaded. Use with the preprocessing `IMAGENET`.

    Raises:
        InputError: torchvision has no classifier of this name, its weights are not there, or the file is damaged.
    """
    if name not in models.list_models(module=models):
        raise InputError(f"torchvision has no classifier {name!r}; e.g. resnet18, resnet50, mobilenet_v2")
    weights = models.get_model_weights(name).DEFAULT
    path = Path(torch.hub.get_dir()) / "checkpoints" / weights.url.rpartition("/")[2]
    if not path.is_file():
        raise InputError(
            f"the ImageNet weights of {name} are not at {path}; put them there with: "
            f"curl --create-dirs -Lo {path} {weights.url}"
        )
    _check_hash(path)
    model = models.get_model(name)
    # torchvision publishes .pth only; weights_only admits tensors and no code.
    model.load_state_dict(torch.load(path, map_location="cpu", weights_only=True))
    _drop_last_linear(model)
    return model.eval()


def _check_hash(path: Path) -> None:
    expected = path.stem.rpartition("-")[2]  # torchvision ends the name with the first digits of the SHA-256
    actual = sha256_file(path)
    if not actual.startswith(expected):
        raise InputError(
            f"{path}: SHA-256 {actual[: len(expected)]}... is not {expected}; delete it and fetch it again"
        )


def _drop_last_linear(model: nn.Module) -> None:
    last = [name for name, part in model.named_modules() if isinstance(part, nn.Linear)][-1]
    parent, _, leaf = last.rpartition(".")
    setattr(model.get_submodule(parent), leaf, nn.Identity())


@contextlib.contextmanager
def _moved(model: nn.Module, device: str | torch.device) -> Iterator[None]:
    """The model on a device for the length of a block."""
    home = next((tensor.device for tensor in model.state_dict().values()), torch.device(device))
    model.to(device)
    try:
        yield
    finally:
        model.to(home)


def _features(model: nn.Module, batch: Tensor, start: int) -> Tensor:
    features = model(batch)
    if not isinstance(features, Tensor) or features.ndim != 2 or len(features) != len(batch):
        found = tuple(features.shape) if isinstance(features, Tensor) else type(features).__name__
        raise InputError(f"the extractor returned {found} for {len(batch)} images: expected [{len(batch)}, D]")
    finite = torch.isfinite(features).all(dim=1)
    if not finite.all():
        raise InputError(f"the features of image {start + int((~finite).nonzero()[0])} are not finite")
    return features.float().cpu()


def _check_images(images: Tensor) -> None:
    if not isinstance(images, Tensor) or images.dtype != torch.uint8 or images.ndim != 4 or images.shape[1] != 3:
        found = f"{images.dtype} {tuple(images.shape)}" if isinstance(images, Tensor) else type(images).__name__
        raise InputError(f"images are {found}: expected a uint8 tensor [N, 3, S, S]")
