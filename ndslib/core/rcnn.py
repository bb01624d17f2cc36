"""Networks of Faster R-CNN and Mask R-CNN on a feature pyramid, put together from torchvision's parts."""

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils import _pytree as pytree
from torchvision.models.detection import FasterRCNN, MaskRCNN
from torchvision.models.detection.anchor_utils import AnchorGenerator
from torchvision.models.detection.backbone_utils import BackboneWithFPN, resnet_fpn_backbone
from torchvision.models.detection.faster_rcnn import FastRCNNPredictor, TwoMLPHead
from torchvision.models.detection.generalized_rcnn import GeneralizedRCNN
from torchvision.models.detection.mask_rcnn import MaskRCNNHeads, MaskRCNNPredictor
from torchvision.models.detection.rpn import RPNHead
from torchvision.ops import FrozenBatchNorm2d, MultiScaleRoIAlign

from ndslib.core.errors import InputError
from ndslib.core.models import ResNet18

LONGEST = 1333 / 800  # longest side of an image over the shortest, as published
STAGES = ("layer4", "layer3", "layer2", "layer1", "conv1", "bn1")  # of a body, the last to be frozen first

# Anchors of a small detector, as fractions of `size`, at the strides 4 to 64. The published ones are eight strides
# large; objects of a small picture are not, so each stride has several and the fine ones begin at two strides.
ANCHORS = (
    (1 / 12, 1 / 7, 1 / 4),
    (1 / 3, 5 / 12, 1 / 2),
    (3 / 5, 2 / 3, 3 / 4),
    (5 / 6, 7 / 8, 9 / 10),
    (0.95, 1, 1.1),
)
RATIOS = (0.5, 1.0, 2.0)  # height over width, as published
POOLED = 7  # cells of a pooled region along each side
LEVELS = ("0", "1", "2", "3")  # of the pyramid, those that regions are pooled from

# A small picture has some ten objects: proposals kept and samples learnt from are a tenth to an eighth of the published
# ones, but half of the samples are objects, where a quarter would be too few to learn from.
FEW = {
    "rpn_pre_nms_top_n_train": 200,
    "rpn_pre_nms_top_n_test": 200,
    "rpn_post_nms_top_n_train": 100,
    "rpn_post_nms_top_n_test": 100,
    "rpn_batch_size_per_image": 64,
    "box_batch_size_per_image": 64,
    "box_positive_fraction": 0.5,
}


@dataclass(frozen=True)
class DetectorConfig:
    """What a detector is made of.

    Attributes:
        architecture: `resnet50` (ResNet50-FPN as published, NDS section 4.1) or `small` (a narrow ResNet-18 and heads
            in proportion, for pictures of some 100 pixels on a CPU).
        masks: Mask R-CNN; otherwise Faster R-CNN.
        width: channels of the first stage of a small body, a multiple of 4; `resnet50` does not use it.
        size: shortest side in pixels to which images are scaled, at least 32; the published detectors take 800.
        frozen_norm: keep the batch normalisation of the body as the backbone brings it, as is usual with ImageNet
            weights and few images a step. From scratch there is nothing worth keeping: leave it trainable.
        trainable_layers: of the body's stem and four stages, those (from the last) that train, 0 to 5; torchvision
            takes 3 with ImageNet weights.
    """

    architecture: str = "small"
    masks: bool = False
    width: int = 16
    size: int = 96
    frozen_norm: bool = False
    trainable_layers: int = 5

    def __post_init__(self) -> None:
        rules = [
            ("architecture", self.architecture in ("small", "resnet50"), "'small' or 'resnet50'"),
            ("width", self.width >= 4 and self.width % 4 == 0, "a multiple of 4"),
            ("size", self.size >= 32, "at least 32"),
            ("trainable_layers", self.trainable_layers in range(6), "0 to 5"),
        ]
        for name, holds, rule in rules:
            if not holds:
                raise InputError(f"DetectorConfig.{name} is {getattr(self, name)!r}; it must be {rule}")


def build(classes: int, config: DetectorConfig) -> GeneralizedRCNN:
    """An untrained detector of `classes` classes beside the background, initialised from the global generator.

    Its `config` is the one given.

    Raises:
        InputError: no classes.
    """
    _check_classes(classes)
    kind = MaskRCNN if config.masks else FasterRCNN
    settings = _small(classes, config) if config.architecture == "small" else _resnet50(classes, config)
    model = kind(min_size=config.size, max_size=round(config.size * LONGEST), **settings)
    for name in STAGES[config.trainable_layers :] if config.trainable_layers < len(STAGES) - 1 else ():
        model.backbone.body[name].requires_grad_(False)
    _keep_float32(model.backbone, model.rpn.head, *_predictors(model))
    model.config = config
    return model


def replace_predictors(model: GeneralizedRCNN, classes: int) -> None:
    """Put fresh predictors of `classes` classes beside the background on a detector, in place.

    Raises:
        InputError: no classes.
    """
    _check_classes(classes)
    heads, device = model.roi_heads, next(model.parameters()).device
    heads.box_predictor = FastRCNNPredictor(heads.box_predictor.cls_score.in_features, classes + 1).to(device)
    if heads.has_mask():
        channels = heads.mask_predictor.conv5_mask.in_channels
        heads.mask_predictor = MaskRCNNPredictor(channels, channels, classes + 1).to(device)
    _keep_float32(*_predictors(model))


def count_classes(model: GeneralizedRCNN) -> int:
    """The classes that a detector tells apart, beside the background."""
    return model.roi_heads.box_predictor.cls_score.out_features - 1


def _resnet50(classes: int, config: DetectorConfig) -> dict[str, Any]:
    norm = FrozenBatchNorm2d if config.frozen_norm else nn.BatchNorm2d
    backbone = resnet_fpn_backbone(backbone_name="resnet50", weights=None, norm_layer=norm, trainable_layers=5)
    return {"backbone": backbone, "num_classes": classes + 1}


def _small(classes: int, config: DetectorConfig) -> dict[str, Any]:
    """Body, pyramid and heads in the published proportions of channels, with samples and proposals for few objects."""
    channels, hidden = 2 * config.width, 8 * config.width
    body = ResNet18(1, config.width, stem="imagenet")
    # In the channels-last layout, oneDNN's backward pass of a strided 1 x 1 convolution of fewer than 16 channels
    # writes past its memory.
    body.to(memory_format=torch.contiguous_format)
    if config.frozen_norm:
        _freeze_norms(body)
    stages = {f"layer{number + 1}": name for number, name in enumerate(LEVELS)}
    widths = [config.width * 2**number for number in range(len(LEVELS))]
    anchors = AnchorGenerator(
        tuple(tuple(config.size * part for part in level) for level in ANCHORS), (RATIOS,) * len(ANCHORS)
    )
    rpn_head = RPNHead(channels, anchors.num_anchors_per_location()[0])
    # Its usual start, a deviation of 0.01, is meant for 256 channels and would all but silence these few.
    nn.init.kaiming_normal_(rpn_head.conv[0][0].weight, nonlinearity="relu")
    pool = MultiScaleRoIAlign(list(LEVELS), output_size=POOLED, sampling_ratio=1)
    settings = {
        "backbone": BackboneWithFPN(body, stages, widths, channels),
        "rpn_anchor_generator": anchors,
        "rpn_head": rpn_head,
        "box_roi_pool": pool,
        "box_head": TwoMLPHead(channels * POOLED**2, hidden),
        "box_predictor": FastRCNNPredictor(hidden, classes + 1),
    }
    if config.masks:
        settings |= {
            "mask_roi_pool": pool,
            "mask_head": MaskRCNNHeads(channels, (channels, channels), dilation=1),
            "mask_predictor": MaskRCNNPredictor(channels, channels, classes + 1),
        }
    return settings | FEW


def _freeze_norms(part: nn.Module) -> None:
    for name, child in part.named_children():
        if isinstance(child, nn.BatchNorm2d):
            setattr(part, name, FrozenBatchNorm2d(child.num_features))
        else:
            _freeze_norms(child)


def _predictors(model: GeneralizedRCNN) -> list[nn.Module]:
    heads = model.roi_heads
    return [heads.box_predictor, heads.mask_predictor] if heads.has_mask() else [heads.box_predictor]


def _keep_float32(*parts: nn.Module) -> None:
    """Hand on the outputs in float32: under autocast, coordinates of 8 significant bits would be off by pixels."""
    for part in parts:
        part.register_forward_hook(_to_float32)


def _to_float32(part: nn.Module, inputs: Any, outputs: Any) -> Any:
    return pytree.tree_map_only(Tensor, Tensor.float, outputs)


def _check_classes(classes: int) -> None:
    if classes < 1:
        raise InputError(f"a detector of {classes} classes: it needs at least 1 beside the background")
