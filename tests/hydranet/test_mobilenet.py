import pytest
import torch

from ndslib.core.cost import Cost, count
from ndslib.core.errors import InputError
from ndslib.core.models import to_float
from ndslib.hydranet.mobilenet import MobileNet


def test_the_published_cost():
    """Howard et al. 2017, Table 8: 4.2 M parameters, 569 M multiply-adds."""
    with torch.device("meta"):
        assert count(MobileNet().eval(), torch.empty(1, 3, 224, 224)) == Cost(4_231_976, 568_740_352)


@pytest.mark.parametrize(("size", "seen"), [(224, 7), (64, 2), (32, 1)])
def test_the_image_plane_shrinks_32_times(size, seen):
    with torch.device("meta"):
        assert MobileNet().features(torch.empty(2, 3, size, size)).shape == (2, 1024, seen, seen)


def test_bytes_are_normalised_and_classes_scored():
    torch.manual_seed(0)
    network = MobileNet(classes=7)  # in training mode: before training, normalisation has no means to go by
    images = torch.randint(256, (2, 3, 32, 32), dtype=torch.uint8)
    scores = network(images)
    assert scores.shape == (2, 7)
    torch.testing.assert_close(scores, network(to_float(images)))
    assert not torch.allclose(scores[0], scores[1])


def test_without_a_class_there_is_nothing_to_tell():
    with pytest.raises(InputError, match="classes is 0"):
        MobileNet(classes=0)
