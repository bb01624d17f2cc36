"""HydraNet (thesis chapter 3): a gate picks k of n branches specialised to similar classes.

`architectures` holds the static networks, `template` turns one into a `network.HydraNet`, `partition` groups the
classes into subtasks, `gating` chooses branches, `execution` runs the chosen ones, `training` learns all parts jointly.
"""

from ndslib.hydranet.architectures import densenet_cifar, resnet_cifar, ressep
from ndslib.hydranet.network import HydraNet
from ndslib.hydranet.template import hydra_densenet, hydra_resnet, hydra_ressep, hydranet

__all__ = [
    "HydraNet",
    "densenet_cifar",
    "hydra_densenet",
    "hydra_resnet",
    "hydra_ressep",
    "hydranet",
    "resnet_cifar",
    "ressep",
]
