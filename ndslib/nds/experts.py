"""Experts: one small network a part of the dataserver's images, trained on its part alone (NDS section 3.2.2)."""

import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import load_file
from torch import Tensor, nn
from torch.nn import functional

from ndslib.core import paths, weights
from ndslib.core.classification import classification_loss
from ndslib.core.errors import InputError
from ndslib.core.files import digest
from ndslib.core.models import ResNet18
from ndslib.core.parallel import one_thread, run_jobs
from ndslib.core.seeding import derive_seed, generator
from ndslib.core.training import ShuffledIndices, TrainConfig, fit
from ndslib.data.augment import crop_and_flip

EXPERT_VERSION = 3  # raise it when training changes, so that no cached expert of the old kind is taken
ROTATIONS = 4
FORMAT = "ndslib-expert-1"
_ENTRY = "ndslib-expert"  # of the safetensors metadata


@dataclass(frozen=True)
class ExpertConfig:
    """How experts are trained.

    Attributes:
        task: `rotation` (self-supervised, NDS eq. 4) or `classification` (task-specific, needs labels).
        width: channels of the ResNet-18's first stage; 64 in the paper.
        stem: `cifar` for 32 x 32 images, `imagenet` for large ones.
        train: optimizer, schedule, steps; its `batch_size` counts images (each seen at four rotations).
    """

    train: TrainConfig
    task: str = "rotation"
    width: int = 64
    stem: str = "cifar"

    def __post_init__(self) -> None:
        if self.task not in ("rotation", "classification"):
            raise InputError(f"expert task is {self.task!r}; choose 'rotation' or 'classification'")


@dataclass(frozen=True)
class ExpertJob:
    """The data of one expert: a file of decoded images, the rows of its part, and labels for the task-specific kind.

    Attributes:
        pixels: path of a uint8[N, 3, S, S] `.npy` (opened as a memory map, so jobs are cheap to send to processes).
        rows: int64[n], this expert's images.
        labels: int64[n] in 0..len(classes)-1, or None.
        classes: class names, in label order; empty for rotation. Of one class nothing can be learnt: the loss is 0.
        name: dataset and part, for progress and error messages.
        metadata: text values to store with the weights, beside the package's own (`read_metadata`).
    """

    pixels: Path
    rows: np.ndarray
    name: str
    labels: np.ndarray | None = None
    classes: tuple[str, ...] = ()
    metadata: tuple[tuple[str, str], ...] = ()


def rotate_four(images: Tensor) -> tuple[Tensor, Tensor]:
    """All four rotations r(x, j) of each image, j x 90 degrees counter-clockwise (NDS section 3.2.2).

    Args:
        images: [B, 3, S, S], any dtype.

    Returns:
        images [4B, 3, S, S], all at 0 degrees first; targets int64[4B], the j of each.
    """
    if images.shape[-1] != images.shape[-2]:
        raise InputError(f"rotation needs square images, got {images.shape[-2]} x {images.shape[-1]}")
    turned = torch.cat([torch.rot90(images, j, (2, 3)) for j in range(ROTATIONS)])
    return turned, torch.arange(ROTATIONS, device=images.device).repeat_interleave(len(images))


def rotation_loss(model: nn.Module, images: Tensor) -> Tensor:
    """Mean of NDS eq. 4 over a batch: cross-entropy of the rotation of [B, 3, S, S] images, all four in one batch."""
    turned, targets = rotate_four(images)
    return functional.cross_entropy(model(turned), targets)


def train_expert(job: ExpertJob, config: ExpertConfig, checkpoint_every: int = 50) -> Path:
    """Train one expert, or take it from the cache; resumes from its own checkpoint after an interruption.

    Returns:
        The safetensors file in the cache, named by all that its content depends on (images, labels, configuration,
        metadata). On a CPU its bytes are the same whether training was interrupted or not; it uses one thread.

    Raises:
        InputError: no images; no label, or a wrong one, for an image of a task-specific expert.
        NonFiniteLoss: training diverged.
    """
    check_job(job, config)
    place = paths.cache_root() / "experts" / f"{_key(job, config)}.safetensors"
    if place.exists():
        return place
    model = new_expert(job, config)
    identity = place.stem
    checkpoint = place.with_suffix(".checkpoint")
    loss_of = rotation_loss if config.task == "rotation" else classification_loss
    # Sums over several threads depend on their number, and the file's name does not tell it.
    with one_thread():
        losses = fit(
            model, loss_of, _batches(job, config), config.train, checkpoint, checkpoint_every, identity=identity
        )
    save_expert(place, model, _metadata(job, config, losses))
    checkpoint.unlink(missing_ok=True)
    return place


def train_experts(
    jobs: Sequence[ExpertJob],
    config: ExpertConfig,
    workers: int = 1,
    engine: str = "processes",
    description: str = "experts",
) -> list[Path]:
    """Train independent experts, `workers` at a time (`engine`: `processes`, `serial` or `ray`); files in job order.

    Every expert trains on one thread, so the weights do not depend on `workers` or `engine`.

    Raises:
        InputError: as `train_expert`, before any expert is trained.
        ExceptionGroup: some experts failed in training; the others are in the cache.
    """
    for job in jobs:
        check_job(job, config)
    arguments = [(job, config) for job in jobs]
    return run_jobs(_train_one, arguments, workers=workers, engine=engine, description=description)


def _train_one(arguments: tuple[ExpertJob, ExpertConfig]) -> Path:
    return train_expert(*arguments)


def new_expert(job: ExpertJob, config: ExpertConfig) -> ResNet18:
    """An untrained expert for a job, initialised from the configuration's seed alone (same start for every part)."""
    check_job(job, config)
    classes = ROTATIONS if config.task == "rotation" else len(job.classes)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(derive_seed("expert", config.train.seed))
        return ResNet18(classes, config.width, config.stem)


def check_job(job: ExpertJob, config: ExpertConfig) -> None:
    """Refuse a job that cannot be trained.

    Raises:
        InputError: no images; for a task-specific expert, labels that are absent, too few or outside the classes.
    """
    if len(job.rows) == 0:
        raise InputError(f"expert {job.name}: there are no images to train on; choose fewer parts or add images")
    if config.task == "rotation":
        return
    if job.labels is None or len(job.labels) != len(job.rows) or (job.labels < 0).any():
        raise InputError(f"expert {job.name}: task-specific experts need a label for every image; use task='rotation'")
    if job.labels.max() >= len(job.classes):
        raise InputError(
            f"expert {job.name}: label {job.labels.max()} for the {len(job.classes)} classes {job.classes}"
        )


def _batches(job: ExpertJob, config: ExpertConfig) -> Callable[[int], Tensor | tuple[Tensor, Tensor]]:
    pixels = np.load(job.pixels, mmap_mode="r", allow_pickle=False)
    train = config.train
    indices = ShuffledIndices(len(job.rows), train.batch_size, train.seed)

    def batch_at(step: int) -> Tensor | tuple[Tensor, Tensor]:
        chosen = indices(step).numpy()
        images = torch.from_numpy(pixels[job.rows[chosen]])
        images = crop_and_flip(images, generator("augment", train.seed, step), pad=images.shape[-1] // 8)
        return images if config.task == "rotation" else (images, torch.from_numpy(job.labels[chosen]))

    return batch_at


def _key(job: ExpertJob, config: ExpertConfig) -> str:
    """Name an expert by its content: pixels of its images, labels, classes, metadata, configuration."""
    pixels = np.load(job.pixels, mmap_mode="r", allow_pickle=False)
    state = hashlib.sha256()
    for start in range(0, len(job.rows), 4096):
        state.update(np.ascontiguousarray(pixels[job.rows[start : start + 4096]]))
    if job.labels is not None and config.task == "classification":
        state.update(np.ascontiguousarray(job.labels))
    return digest(state.hexdigest(), pixels.shape[1:], job.classes, job.metadata, asdict(config), EXPERT_VERSION)


def _metadata(job: ExpertJob, config: ExpertConfig, losses: list[float]) -> dict[str, str]:
    """All that is needed to build the network again and to know where it came from; no time of day, no host."""
    last = losses[-20:]
    return dict(job.metadata) | {
        "format": FORMAT,
        "task": config.task,
        "width": str(config.width),
        "stem": config.stem,
        "classes": json.dumps(list(job.classes)),
        "images": str(len(job.rows)),
        "train": json.dumps(asdict(config.train), sort_keys=True),
        "final_loss": f"{sum(last) / len(last):.4f}" if last else "untrained",
    }


def save_expert(path: Path, model: ResNet18, metadata: dict[str, str]) -> None:
    """Write weights and metadata as safetensors, atomically; the same content gives the same bytes."""
    weights.save(path, model, _ENTRY, metadata)


def read_metadata(path: Path | str) -> dict[str, str]:
    """The text metadata of an expert file.

    Keys: format, task, width, stem, classes (JSON list), images (number trained on), train (JSON, `TrainConfig`),
    final_loss (mean of the last 20 steps), and those of the job, such as dataset and cluster.

    Raises:
        InputError: the file is absent or is not an expert of this package.
    """
    return weights.read_metadata(path, _ENTRY, FORMAT, "an expert", "download or train the expert again")


def load_expert(path: Path | str, device: str = "cpu") -> ResNet18:
    """An expert in evaluation mode.

    Raises:
        InputError: the file is absent, damaged, or its weights do not fit the network that its metadata describes.
    """
    metadata = read_metadata(path)
    try:
        classes = ROTATIONS if metadata["task"] == "rotation" else len(json.loads(metadata["classes"]))
        model = ResNet18(classes, int(metadata["width"]), metadata["stem"])
        model.load_state_dict(load_file(path))
    except (KeyError, ValueError, RuntimeError) as error:
        raise InputError(f"{path}: the weights do not fit the ResNet-18 of its metadata {metadata}: {error}") from error
    return model.to(device).eval()
