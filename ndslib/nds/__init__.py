"""Neural Data Server (NDS, CVPR 2020): which subset of huge datasets is worth pretraining on for my data?

A dataserver partitions its datasets (`gating`), trains one expert a part (`experts`) and keeps both in an `index`. A
client rates the experts on its private images (`client`); its K scores become a list of images (`selection`,
`recommend`), on which it pretrains before it fine-tunes (`downstream`).
"""

from ndslib.nds.client import fast_adapt, rotation_accuracy
from ndslib.nds.index import Index
from ndslib.nds.recommend import recommend
from ndslib.nds.selection import importance_weights, sample_rows

__all__ = ["Index", "fast_adapt", "importance_weights", "recommend", "rotation_accuracy", "sample_rows"]
