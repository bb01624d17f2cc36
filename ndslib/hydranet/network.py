"""The HydraNet: stem, gate, branches and combiner, of which an image runs k branches (thesis section 3.2, Fig. 3.1)."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import torch
from torch import Tensor, nn

from ndslib.core.errors import InputError
from ndslib.hydranet import checks, execution
from ndslib.hydranet.architectures import to_channels_last
from ndslib.hydranet.gating import GATINGS, Choice, Gating, choose, subtask_scores

PIECE_PIXELS = 64 * 32 * 32  # that go through the stem at once on a CPU: an image of ImageNet, or 64 of CIFAR


class Outputs(NamedTuple):
    """What one pass of a HydraNet gives.

    Attributes:
        logits: class scores, float [B, classes].
        gate_logits: the gate's outputs, float [B, classes] (supervised) or [B, n_b] (learned); None without a gate.
        scores: the gate's g(I) of eq. 3.1, float [B, n_b] in 0..1; None without a gate.
        chosen: the branches that counted, bool [B, n_b].
    """

    logits: Tensor
    gate_logits: Tensor | None
    scores: Tensor | None
    chosen: Tensor


class HydraNet(nn.Module):
    """A network that runs, for each image, the k branches that its gate chooses.

    In training mode `forward` runs every branch on every image and masks (section 3.2.3), or leaves out the branches
    that no image of the batch chose when `skip_idle` is set; in evaluation mode it runs each branch on the images that
    chose it and no other. `forward_masked` is the reference for both.

    `torch.export` takes it in evaluation mode at a fixed batch: the program runs a branch if an image chose it. Under
    `torch.compile` one image is one graph; a batch breaks its graph between gate and branches, because which images a
    branch gets is known at run time only. Both give the same numbers.

    Input uint8 or normalised float [B, 3, H, W], B from 0 in evaluation mode; output class scores, float [B, classes].

    Args:
        stem: images to features; shared by gate and branches.
        branches: n_b modules from features to features of one shape, float [B, C, H, W].
        gate: features to class scores [B, classes] (`supervised`), or to branch scores [B, n_b] (`learned`); None runs
            all branches (`none`).
        combiner: the sum of the branches' features to class scores.
        classes: number of classes.
        k: branches that an image runs, 1 to n_b.
        gating: `supervised` (CLUSTER and RANDOM of Table 3.8), `learned` (LEARN and LEARN-BALANCE) or `none`.
        subtasks: int [classes], the branch of each class (`partition`); left out, neighbouring classes share one. Only
            supervised gating uses it.

    Raises:
        InputError: no branch, k outside 1..n_b, more branches than classes, an unknown gating, a gate where there is
            none to be or the reverse, or subtasks that do not fit.
    """

    def __init__(
        self,
        stem: nn.Module,
        branches: Sequence[nn.Module],
        gate: nn.Module | None,
        combiner: nn.Module,
        classes: int,
        k: int,
        gating: Gating = "supervised",
        subtasks: Tensor | Sequence[int] | None = None,
    ) -> None:
        super().__init__()
        checks.branches(len(branches), classes)
        if gating not in GATINGS:
            raise InputError(f"gating is {gating!r}; choose one of {list(GATINGS)}")
        if (gate is None) != (gating == "none"):
            raise InputError(
                f"gating is {gating!r}, but the gate is {gate!r}: all but 'none' need one, 'none' has none"
            )
        self.stem, self.branches, self.gate, self.combiner = stem, nn.ModuleList(branches), gate, combiner
        self.classes, self.gating = classes, gating
        self.k = k
        self.skip_idle = False
        self.register_buffer("subtasks", torch.arange(classes) * self.n_b // classes)
        if subtasks is not None:
            self.assign(subtasks)

    @property
    def n_b(self) -> int:
        """Number of branches."""
        return len(self.branches)

    @property
    def k(self) -> int:
        """Branches that an image runs; it may be changed after training.

        Raises:
            InputError: it is set to a number outside 1..n_b.
        """
        return self._k

    @k.setter
    def k(self, k: int) -> None:
        checks.branches_that_run(k, self.n_b)
        self._k = k

    def assign(self, subtasks: Tensor | Sequence[int]) -> None:
        """Give each class its branch, int [classes] in 0..n_b-1; branches without a class are refused.

        Raises:
            InputError: another number of classes, a branch that does not exist, or one left without a class.
        """
        found = torch.as_tensor(subtasks, device=self.subtasks.device)
        if found.is_floating_point() or found.is_complex() or found.dtype == torch.bool:
            raise InputError(f"subtasks are {found.dtype}; give each class the whole number of its branch")
        if found.shape != (self.classes,):
            raise InputError(
                f"subtasks have shape {tuple(found.shape)}: give the branch of each of {self.classes} classes"
            )
        if sorted(set(found.tolist())) != list(range(self.n_b)):
            raise InputError(
                f"subtasks name the branches {sorted(set(found.tolist()))}; each of 0..{self.n_b - 1} must occur"
            )
        self.subtasks.copy_(found)

    def forward(self, images: Tensor) -> Tensor:
        return self.outputs(images).logits

    def forward_masked(self, images: Tensor) -> Tensor:
        """The reference: every branch runs on every image, and what the gate did not choose is masked out."""
        return self._run(images, execution.masked).logits

    def outputs(self, images: Tensor) -> Outputs:
        """`forward` with what the gate said, for losses and for pictures.

        Raises:
            InputError: the input is not [B, 3, H, W], or holds in training mode no image, or only one where branches
                pool (batch normalisation has nothing to compare it with).
        """
        return self._run(images, self._execution(len(images)))

    def gate_scores(self, gate_logits: Tensor) -> Tensor:
        """The gate's outputs as scores of branches, float [B, n_b] in 0..1, rows that sum to 1."""
        if self.gating == "supervised":
            return subtask_scores(gate_logits, self.subtasks, self.n_b)
        return gate_logits.softmax(dim=1)

    def _execution(self, batch: int) -> Callable[..., Tensor]:
        if self.training:
            # Which branches are idle is known at run time only: an exported program of the training mode runs all.
            skip = self.skip_idle and not torch.compiler.is_exporting()
            return execution.skipping if skip else execution.masked
        # One graph for a compiler: whole for one image, which runs its branches and no other. A compiled batch breaks
        # its graph between gate and branches instead, because one graph would run every branch on every image.
        if torch.compiler.is_exporting() or (torch.compiler.is_compiling() and batch == 1):
            return execution.traceable
        return execution.conditional

    def _run(self, images: Tensor, execute: Callable[..., Tensor]) -> Outputs:
        self._check(images)
        features = self._features(to_channels_last(images, self))
        gate_logits = None if self.gate is None else self.gate(features)
        scores = None if gate_logits is None else self.gate_scores(gate_logits)
        choice = self._choice(scores, features)
        combined = execute(self.branches, features, choice)
        if self.training and combined.numel() == combined.shape[1]:
            raise InputError("one image of one pixel of features cannot be normalised; train on batches of at least 2")
        return Outputs(self.combiner(combined), gate_logits, scores, choice.chosen)

    def _features(self, images: Tensor) -> Tensor:
        """The stem's features. A CPU computes those of a large batch in pieces, which reuse the same, cached memory.

        At 224 x 224 pixels, 64 images at once take nearly twice the time: the system hands out their memory anew for
        each layer, page by page.
        """
        if self.training or images.device.type != "cpu" or torch.compiler.is_compiling():
            return self.stem(images)
        piece = max(1, PIECE_PIXELS // (images.shape[2] * images.shape[3]))
        return torch.cat([self.stem(part) for part in images.split(piece)])

    def _choice(self, scores: Tensor | None, features: Tensor) -> Choice:
        if scores is None:
            return Choice(features.new_ones(len(features), self.n_b, dtype=torch.bool), None)
        return choose(scores, self.k, weighted=self.gating == "learned")

    def _check(self, images: Tensor) -> None:
        if images.ndim != 4 or images.shape[1] != 3 or 0 in images.shape[2:]:
            raise InputError(f"images have shape {tuple(images.shape)}; expected [B, 3, H, W]")
        if self.training and not len(images):
            raise InputError("a batch of zero images cannot be trained on; leave it out, or call eval() to predict")
