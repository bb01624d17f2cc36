import numpy as np
import pytest
import torch

from ndslib.core.errors import InputError
from ndslib.core.metrics import (
    DetectionScore,
    average_precisions,
    detection_ap,
    f1,
    mean_average_precision,
    top1,
)


@pytest.mark.parametrize("kind", [np.asarray, torch.as_tensor, list])
def test_top1_is_the_share_of_right_answers(kind):
    logits = kind([[0.1, 0.9], [0.8, 0.2], [0.4, 0.6], [0.5, 0.1]])
    assert top1(logits, kind([1, 0, 0, 1])) == 0.5


def test_top1_takes_bfloat16_with_gradient():
    logits = torch.tensor([[1.0, 2.0], [3.0, 0.0]], dtype=torch.bfloat16, requires_grad=True)
    assert top1(logits, torch.tensor([1, 0])) == 1.0


@pytest.mark.parametrize(
    ("logits", "targets", "problem"),
    [
        ([[0.1, 0.9]], [0, 1], "1 rows of scores for 2 labels"),
        ([0.1, 0.9], [0, 1], "shape"),
        (np.empty((0, 2)), np.empty(0, int), "at least one"),
        ([[0.1, float("nan")]], [0], "1 of 2 scores are not finite"),
        ([[0.1, 0.9]], [2], r"label 2 is outside 0\.\.1"),
        ([[0.1, 0.9]], [-1], r"label -1 is outside"),
        ([[0.1, 0.9]], [0.0], "integer"),
    ],
)
def test_top1_refuses_bad_input(logits, targets, problem):
    with pytest.raises(InputError, match=problem):
        top1(logits, targets)


def test_average_precision_by_hand():
    # Class 0 ranks its positives first and third: (1/1 + 2/3) / 2. Class 1 ranks its one last of four: 1/4.
    scores = [[0.9, 0.9], [0.8, 0.8], [0.7, 0.7], [0.1, 0.1]]
    truth = [[1, 0], [0, 0], [1, 0], [0, 1]]
    assert average_precisions(scores, truth) == pytest.approx([5 / 6, 1 / 4])
    assert mean_average_precision(scores, truth) == pytest.approx((5 / 6 + 1 / 4) / 2)
    assert average_precisions(scores, [0, -1, 0, 1]) == pytest.approx([5 / 6, 1 / 4])


def test_classes_without_positives_are_left_out():
    scores = np.eye(3)[[0, 1, 1]]
    each = average_precisions(scores, [0, 1, 1])
    assert each[:2].tolist() == [1.0, 1.0]
    assert np.isnan(each[2])
    assert mean_average_precision(scores, [0, 1, 1]) == 1.0
    with pytest.raises(InputError, match="no class has a positive"):
        mean_average_precision(scores, [-1, -1, -1])


@pytest.mark.parametrize("targets", [[[1, 0]], [[1, 2], [0, 0]], [[0.5, 0], [1, 0]], [0, 3], [-2, 0]])
def test_average_precision_refuses_bad_targets(targets):
    with pytest.raises(InputError, match=r"targets|label"):
        average_precisions([[0.1, 0.2], [0.3, 0.4]], targets)


def test_f1_by_hand():
    truth, predicted = torch.tensor([0, 0, 1, 1, 2]), torch.tensor([0, 1, 1, 1, 0])
    # class 0: P 1/2 R 1/2; class 1: P 2/3 R 1; class 2: never predicted
    assert f1(predicted, truth) == pytest.approx((0.5 + 0.8 + 0) / 3)
    assert f1(predicted, truth, labels=[1]) == pytest.approx(0.8)
    assert f1(predicted, truth, average="micro") == pytest.approx(0.6)
    with pytest.raises(InputError, match="1 predictions for 2"):
        f1([1], [1, 0])
    with pytest.raises(InputError, match="0 predictions for 0"):
        f1(np.empty(0, int), np.empty(0, int))


def boxes(*rows):
    return torch.tensor(rows, dtype=torch.float32).reshape(-1, 4)


def image(where, labels, scores=None):
    found = {"boxes": where, "labels": torch.tensor(labels, dtype=torch.int64)}
    return found if scores is None else found | {"scores": torch.tensor(scores)}


def test_perfect_boxes_score_one_and_absent_sizes_minus_one():
    box = boxes([10, 10, 50, 60])
    ap = detection_ap([image(box, [1], [0.9])], [image(box, [1])])
    assert ap["map"] == ap["map_50"] == ap["mar_100"] == pytest.approx(1)
    assert ap["map_small"] == -1
    assert all(isinstance(value, float) for value in ap.values())


def test_coco_thresholds_grade_the_overlap():
    # An IoU of 0.82 passes the thresholds 0.50, 0.55, ... 0.80: seven of ten.
    target, prediction = boxes([0, 0, 100, 100]), boxes([0, 0, 82, 100])
    ap = detection_ap([image(prediction, [1], [0.9])], [image(target, [1])])
    assert ap["map"] == pytest.approx(0.7)
    assert ap["map_75"] == pytest.approx(1)


def test_a_missed_object_and_an_image_without_predictions_lower_the_score():
    box = boxes([0, 0, 40, 40])
    ap = detection_ap([image(box, [1], [0.9]), image(boxes(), [], [])], [image(box, [1]), image(box, [1])])
    assert ap["map"] == pytest.approx(0.5, abs=0.01)  # COCO interpolates at 101 recalls: 51/101
    assert ap["mar_100"] == pytest.approx(0.5)


def test_masks():
    mask = torch.zeros(1, 20, 20, dtype=torch.bool)
    mask[:, 5:15, 5:15] = True
    half = mask.clone()
    half[:, 10:] = False
    target = {"masks": mask, "labels": torch.tensor([1])}
    scored = {"labels": torch.tensor([1]), "scores": torch.tensor([0.9])}
    assert detection_ap([scored | {"masks": mask}], [target], "segm")["map"] == pytest.approx(1)
    assert detection_ap([scored | {"masks": half}], [target], "segm")["map_75"] == 0


def test_detections_refuse_bad_input():
    good, target = image(boxes([0, 0, 5, 5]), [1], [0.5]), image(boxes([0, 0, 5, 5]), [1])
    with pytest.raises(InputError, match="2 images and targets for 1"):
        detection_ap([good, good], [target])
    with pytest.raises(InputError, match="0 images"):
        detection_ap([], [])
    with pytest.raises(InputError, match="prediction of image 0 lacks scores"):
        detection_ap([target], [target])
    masks = {"masks": torch.ones(1, 9, 9, dtype=torch.bool)}
    with pytest.raises(InputError, match="target of image 0 lacks masks"):
        detection_ap([good | masks], [target], "segm")
    with pytest.raises(InputError, match="different numbers"):
        detection_ap([image(boxes([0, 0, 5, 5]), [1, 1], [0.5])], [target])
    with pytest.raises(InputError, match="x1 <= x2"):
        detection_ap([image(boxes([5, 5, 0, 0]), [1], [0.5])], [target])
    with pytest.raises(InputError, match="iou_type"):
        detection_ap([good], [target], "keypoints")


def test_precision_of_each_class_by_hand():
    # Class 1 is found (IoU 1). Class 2 has an IoU of 0.82: seven of ten thresholds. Class 3 is missed, and class 4 is
    # predicted where nothing is: it has no precision and takes no part in the mean.
    truth = image(boxes([0, 0, 40, 40], [100, 100, 200, 200], [300, 300, 340, 340]), [1, 2, 3])
    found = image(boxes([0, 0, 40, 40], [100, 100, 182, 200], [300, 300, 340, 340]), [1, 2, 4], [0.9, 0.8, 0.7])
    ap = detection_ap([found], [truth], per_class=True)
    assert [ap[f"map | {label}"] for label in (1, 2, 3)] == pytest.approx([1, 0.7, 0])
    assert [ap[f"map_50 | {label}"] for label in (1, 2, 3)] == pytest.approx([1, 1, 0])
    assert [ap[f"map_75 | {label}"] for label in (1, 2, 3)] == pytest.approx([1, 1, 0])
    assert ap["map"] == pytest.approx(1.7 / 3)
    assert "map | 4" not in ap
    plain = detection_ap([found], [truth])
    assert plain == {name: value for name, value in ap.items() if "|" not in name}


def test_a_false_alarm_between_two_hits_by_hand():
    # Ranked hit, miss, hit of two objects: precision 1 up to recall 1/2 (51 of COCO's 101 recalls), then 2/3 (50).
    truth = image(boxes([0, 0, 40, 40], [100, 0, 140, 40]), [1, 1])
    found = image(boxes([0, 0, 40, 40], [50, 50, 90, 90], [100, 0, 140, 40]), [1, 1, 1], [0.9, 0.8, 0.7])
    assert detection_ap([found], [truth])["map_50"] == pytest.approx((51 + 50 * 2 / 3) / 101)
    twice = image(boxes([0, 0, 40, 40], [0, 0, 40, 40], [100, 0, 140, 40]), [1, 1, 1], [0.9, 0.8, 0.7])
    assert detection_ap([twice], [truth])["map_50"] == pytest.approx((51 + 50 * 2 / 3) / 101), (
        "found twice is once wrong"
    )


def test_crowds_are_ignored():
    # The crowd swallows the false alarms inside it; an object outside stays to be found.
    where, labels = boxes([0, 0, 40, 40], [100, 100, 300, 300]), [1, 1]
    crowd = image(where, labels) | {"iscrowd": torch.tensor([0, 1])}
    found = image(boxes([110, 110, 150, 150], [200, 200, 260, 250], [0, 0, 40, 40]), [1] * 3, [0.9, 0.8, 0.7])
    assert detection_ap([found], [crowd], per_class=True)["map | 1"] == pytest.approx(1)
    assert detection_ap([found], [image(where, labels)])["map"] < 0.5
    masks = torch.zeros(2, 30, 30, dtype=torch.bool)
    masks[0, :10, :10], masks[1, 15:, 15:] = True, True
    targets = {"masks": masks.byte(), "labels": torch.tensor(labels), "iscrowd": torch.tensor([0, 1])}
    inside = torch.zeros(1, 30, 30, dtype=torch.bool)
    inside[0, 20:25, 20:25] = True
    scored = {
        "masks": torch.cat([inside, masks[:1]]),
        "labels": torch.tensor(labels),
        "scores": torch.tensor([0.9, 0.8]),
    }
    assert detection_ap([scored], [targets], "segm")["map"] == pytest.approx(1)


def test_images_fed_one_by_one_score_as_all_at_once():
    truth = [image(boxes([0, 0, 40, 40]), [label]) for label in (1, 1, 2)]
    found = [image(boxes([0, 0, 40, 40 - 5 * n]), [1], [0.9 - 0.1 * n]) for n in range(3)]
    score = DetectionScore("bbox", per_class=True)
    for one, other in zip(found, truth, strict=True):
        score.update([one], [other])
    assert score.compute() == detection_ap(found, truth, per_class=True)
    with pytest.raises(InputError, match="target of image 3 lacks labels"):
        score.update(found[:1], [{"boxes": boxes([0, 0, 1, 1])}])
    assert score.compute() == detection_ap(found, truth, per_class=True), "what is refused is not counted"
    with pytest.raises(InputError, match="1 images and targets for 2"):
        score.update(found[:1], truth[:2])
    with pytest.raises(InputError, match="no images"):
        DetectionScore("segm").compute()


def test_nothing_to_find():
    empty = image(boxes(), [])
    assert detection_ap([image(boxes(), [], [])], [empty], per_class=True)["map"] == -1
    assert detection_ap([image(boxes([0, 0, 5, 5]), [1], [0.5])], [empty], per_class=True)["map"] == -1
    with pytest.raises(InputError, match="different numbers"):
        detection_ap([image(boxes(), [], [])], [empty | {"iscrowd": torch.tensor([1])}])
