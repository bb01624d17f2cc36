import contextlib
import copy
import sys

import numpy as np
import pytest
import torch
from scipy.stats import spearmanr
from sklearn.datasets import load_digits
from torch import nn
from torch.nn import functional as F
from torch.utils.data import DataLoader, TensorDataset

from ndslib.core.errors import InputError
from ndslib.core.features import fingerprint
from ndslib.core.models import ResNet18, to_float
from ndslib.data.labelled import Labelled
from ndslib.task2sim.distance import distances
from ndslib.task2sim.fisher import diagonal_fisher
from ndslib.task2sim.probe import embedded_layers, layout
from ndslib.task2sim.task2vec import task2vec

MODULE = sys.modules["ndslib.task2sim.task2vec"]  # the package's name `task2vec` is the function

QUICK = {"samples": 200, "head_epochs": 5}


class Probe(nn.Module):
    """Every kind of convolution: strides, dilation, groups, biases, kernels that are not square, few positions."""

    def __init__(self):
        super().__init__()
        self.layers = nn.Sequential(
            nn.Conv2d(3, 8, (3, 5), padding=(1, 2), stride=(2, 1)),
            nn.BatchNorm2d(8),
            nn.ReLU(inplace=True),
            nn.Conv2d(8, 12, 3, dilation=2, groups=4, bias=False),
            nn.BatchNorm2d(12),
            nn.ReLU(inplace=True),
            nn.Conv2d(12, 6, 1, stride=2),
            nn.Conv2d(6, 40, 3, padding=1),
        )

    def features(self, images):
        return self.layers(images).mean((2, 3))


def probe_of(make, *arguments, **options):
    torch.manual_seed(0)
    probe = make(*arguments, **options)
    for part in probe.modules():
        if isinstance(part, nn.BatchNorm2d):
            nn.init.uniform_(part.running_var, 0.5, 2)
            nn.init.normal_(part.running_mean)
    return probe.eval()


def digits(classes, count=60, size=16):
    data = load_digits()
    rows = np.flatnonzero(np.isin(data.target, classes))[:count]
    grey = np.kron(data.images[rows] * 255 / 16, np.ones((size // 8, size // 8))).astype(np.uint8)
    labels = np.searchsorted(sorted(classes), data.target[rows])
    return Labelled(np.repeat(grey[:, None], 3, axis=1), labels)


def textures(count=60, size=16, seed=0):
    """Stripes of three directions in random colours."""
    rng = np.random.default_rng(seed)
    labels = np.arange(count) % 3
    rows, columns = np.indices((size, size))
    waves = np.stack([rows, columns, rows + columns])[labels] + rng.uniform(0, 6, (count, 1, 1))
    colours = rng.uniform(0, 255, (count, 3, 1, 1))
    return Labelled((colours * (0.5 + 0.5 * np.sin(1.5 * waves))[:, None]).astype(np.uint8), labels)


def sample_by_sample(probe, head, images, pairs, weights):
    """The Fisher information as its definition says: a loop over samples, each with gradients of its own."""
    parts = [part for part in probe.modules() if isinstance(part, nn.Conv2d | nn.BatchNorm2d)]
    total = 0
    for (place, label), weight in zip(pairs.tolist(), weights.tolist(), strict=True):
        scores = head(probe.features(to_float(images[place : place + 1])))
        gradients = torch.autograd.grad(F.cross_entropy(scores, torch.tensor([label])), [part.weight for part in parts])
        squares = [
            gradient.square().flatten(1).mean(1) if gradient.ndim > 1 else gradient.square() for gradient in gradients
        ]
        total = total + weight * torch.cat(squares)
    return total


@pytest.mark.parametrize(
    ("make", "options"),
    [(Probe, {}), (ResNet18, {"classes": 1, "width": 8}), (ResNet18, {"classes": 1, "width": 16, "stem": "imagenet"})],
)
def test_the_estimate_equals_a_direct_computation_sample_by_sample(make, options):
    probe = probe_of(make, **options)
    images = torch.from_numpy(textures(7).images)
    with torch.no_grad():
        head = nn.Linear(probe.features(to_float(images)).shape[1], 3)
    pairs = torch.tensor([[0, 1], [0, 2], [3, 0], [6, 1], [5, 2]])
    weights = torch.tensor([0.3, 0.1, 0.2, 0.25, 0.15])
    ours = diagonal_fisher(probe, head, embedded_layers(probe), images, pairs, weights, chunk=2)
    torch.testing.assert_close(ours, sample_by_sample(probe, head, images, pairs, weights), rtol=1e-3, atol=1e-9)
    assert (ours >= 0).all()


def test_task2vec_is_the_mean_over_its_draws(monkeypatch):
    seen = {}

    def spy(probe, head, layers, images, pairs, weights, chunk):
        seen.update(probe=probe, head=head, images=images, pairs=pairs, weights=weights)
        return diagonal_fisher(probe, head, layers, images, pairs, weights, chunk)

    monkeypatch.setattr(MODULE, "diagonal_fisher", spy)
    vector = task2vec(probe_of(Probe), digits([0, 1, 2], 30), **QUICK)
    direct = sample_by_sample(**seen)
    np.testing.assert_allclose(vector, direct.detach(), rtol=1e-3, atol=1e-9)
    assert seen["weights"].sum().item() == pytest.approx(1)
    assert (seen["weights"] * 200).round().sum() == 200


def test_labels_are_drawn_from_the_predictions_and_classes_equally_often(monkeypatch):
    seen = {}

    def spy(probe, head, layers, images, pairs, weights, chunk):
        with torch.no_grad():
            seen.update(pairs=pairs, weights=weights, predicted=head(probe.features(to_float(images))).softmax(1))
        return torch.zeros(sum(len(layer.weight) for layer in layers.values()))

    monkeypatch.setattr(MODULE, "diagonal_fisher", spy)
    rare = digits([0, 1], 60)
    labels = rare.labels.copy()
    kept = np.r_[np.flatnonzero(labels == 0), np.flatnonzero(labels == 1)[:3]]
    task2vec(probe_of(Probe), Labelled(rare.images[kept], labels[kept]), samples=20_000, head_epochs=1)
    places, drawn = seen["pairs"].T
    of_rare = torch.from_numpy(labels[kept])[places] == 1
    assert seen["weights"][of_rare].sum().item() == pytest.approx(0.5, abs=0.02)
    for place in places[of_rare].unique():
        share = seen["weights"][(places == place) & (drawn == 1)].sum() / seen["weights"][places == place].sum()
        assert share.item() == pytest.approx(seen["predicted"][place, 1].item(), abs=0.04)


@pytest.mark.parametrize("method", ["montecarlo", "variational"])
def test_resnet18_gives_9600_values_layer_after_layer(method):
    probe = probe_of(ResNet18, 1, stem="imagenet")
    vector = task2vec(probe, digits([3, 5], 8, size=32), method, samples=6, head_epochs=1)
    assert vector.shape == (9600,)
    assert vector.dtype == np.float32
    assert (vector >= 0).all()
    parts = np.split(vector, np.cumsum([values for _, values in layout(probe)])[:-1])
    assert all(part.any() for part in parts)


@pytest.mark.parametrize("method", ["montecarlo", "variational"])
def test_one_seed_gives_one_vector(method):
    probe, task, options = probe_of(Probe), digits([0, 1], 20), {"samples": 40, "head_epochs": 1, "batch_size": 8}
    before = fingerprint(probe), probe.layers[0].weight.requires_grad
    global_state = torch.get_rng_state()
    first = task2vec(probe, task, method, **options)
    assert torch.equal(torch.get_rng_state(), global_state)
    assert (fingerprint(probe), probe.layers[0].weight.requires_grad) == before
    assert len(first) == sum(values for _, values in layout(probe))
    np.testing.assert_array_equal(task2vec(probe.train(), task, method, **options), first)
    assert not np.array_equal(task2vec(probe, task, method, seed=1, **options), first)


def test_chunks_do_not_matter():
    probe, task = probe_of(ResNet18, 1, width=8), digits([0, 1, 2], 20)
    whole = task2vec(probe, task, **QUICK)
    np.testing.assert_allclose(task2vec(probe, task, chunk=7, **QUICK), whole, rtol=1e-3, atol=whole.max() * 1e-6)


def test_similar_tasks_are_closer_than_different_ones():
    tasks = [digits([0, 1, 2]), digits([3, 4, 5]), textures(), textures(seed=1)]
    apart = distances([task2vec(probe_of(ResNet18, 1, width=8), task, **QUICK) for task in tasks])
    alike = max(apart[0, 1], apart[2, 3])
    assert alike < apart[:2, 2:].min()


def of_layer(vector, probe, name):
    names = [part for part, _ in layout(probe)]
    return np.split(vector, np.cumsum([values for _, values in layout(probe)])[:-1])[names.index(name)]


def test_both_methods_rank_filters_alike():
    """Filters that the next batch norm all but silences, and others that it makes loud."""
    probe = probe_of(Probe)
    with torch.no_grad():
        probe.layers[4].weight.copy_(torch.logspace(-1, 1, 12)[torch.randperm(12)])
    sampled = task2vec(probe, digits([0, 1, 2]), samples=1000)
    learnt = task2vec(probe, digits([0, 1, 2]), "variational", samples=1000, epochs=4, beta=1e-5)
    assert spearmanr(of_layer(sampled, probe, "layers.3"), of_layer(learnt, probe, "layers.3")).statistic > 0.5


def test_both_methods_rank_batch_norm_weights_alike():
    """Channels that the next convolution all but ignores, and others that it weighs much."""
    probe = probe_of(Probe)
    with torch.no_grad():
        probe.layers[6].weight.mul_(torch.logspace(-1, 1, 12)[torch.randperm(12)].view(1, 12, 1, 1))
    sampled = task2vec(probe, digits([0, 1, 2]), samples=1000)
    learnt = task2vec(probe, digits([0, 1, 2]), "variational", samples=1000, epochs=4, beta=1e-3)
    assert spearmanr(of_layer(sampled, probe, "layers.4"), of_layer(learnt, probe, "layers.4")).statistic > 0.5


def with_label(label, place=0):
    task = digits([0, 1, 2], 20)
    labels = task.labels.copy()
    labels[place] = label
    return Labelled(task.images, labels)


@pytest.mark.parametrize(
    ("task", "message"),
    [
        (with_label(3), "class 3 of 0 to 3 has one image"),
        (with_label(5), "class 3 of 0 to 5 has no image"),
        (with_label(-1, 4), "label -1 of image 4: labels must be 0 to C - 1"),
        (Labelled(textures(4).images, np.zeros(4, np.int64)), "all images are of class 0"),
        (Labelled(textures(4).images, np.array([0.0, 0, 1, 1])), "labels are float64"),
        (Labelled(textures(4).images / 255, np.array([0, 0, 1, 1])), "images are torch.float64"),
        (Labelled(textures(4).images[:, :1], np.array([0, 0, 1, 1])), r"images are torch.uint8 \(4, 1, 16, 16\)"),
    ],
)
def test_bad_datasets_are_refused(task, message):
    with pytest.raises(InputError, match=message):
        task2vec(probe_of(Probe), task, **QUICK)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"method": "exact"}, "method is 'exact'"),
        ({"samples": 0}, "samples is 0"),
        ({"samples": 2.5}, "samples is 2.5; it must be a whole number of at least 1"),
        ({"samples": True}, "samples is True"),
        ({"batch_size": 0}, "batch_size is 0"),
        ({"chunk": -1}, "chunk is -1"),
        ({"epochs": 0}, "epochs is 0"),
        ({"device": "cuda:99"}, "device is 'cuda:99'"),
        ({"device": "foo"}, "device is 'foo'"),
        ({"device": "meta"}, "device is 'meta'; choose 'cpu'"),
    ],
)
def test_bad_options_are_refused(options, message):
    with pytest.raises(InputError, match=message):
        task2vec(probe_of(Probe), digits([0, 1], 20), **options)


def test_a_read_only_dataset_is_taken():
    task = digits([0, 1], 20)
    task.images.setflags(write=False)
    assert np.isfinite(task2vec(probe_of(Probe), task, **QUICK)).all()


def test_images_and_labels_of_negative_strides_are_taken():
    task = digits([0, 1], 20)
    turned = Labelled(task.images[::-1, ::-1], task.labels[::-1])
    copied = Labelled(turned.images.copy(), turned.labels.copy())
    np.testing.assert_array_equal(
        task2vec(probe_of(Probe), turned, **QUICK), task2vec(probe_of(Probe), copied, **QUICK)
    )


def test_a_dataset_of_torch_gives_the_vector_of_its_images():
    task = digits([0, 1], 20)
    loader = DataLoader(TensorDataset(torch.tensor(task.images) / 255, torch.tensor(task.labels)))
    expected = task2vec(probe_of(Probe), task, **QUICK)
    for dataset in ((task.images, task.labels), loader.dataset, loader):
        np.testing.assert_array_equal(task2vec(probe_of(Probe), dataset, **QUICK), expected)
    with pytest.raises(InputError, match=r"image 0 has floats .* leave normalisation to the network"):
        task2vec(probe_of(Probe), (task.images / 127.5 - 1, task.labels), **QUICK)


@contextlib.contextmanager
def double_by_default():
    torch.set_default_dtype(torch.float64)
    try:
        yield
    finally:
        torch.set_default_dtype(torch.float32)


@pytest.mark.parametrize("method", ["montecarlo", "variational"])
@pytest.mark.parametrize("surroundings", [torch.no_grad, torch.inference_mode, double_by_default])
def test_the_callers_settings_of_torch_do_not_matter(surroundings, method):
    probe, task = probe_of(Probe), digits([0, 1], 20)
    options = {"samples": 40, "head_epochs": 1, "batch_size": 8}
    expected = task2vec(probe, task, method, **options)
    with surroundings():
        before = torch.is_grad_enabled(), torch.is_inference_mode_enabled(), torch.get_default_dtype()
        vector = task2vec(copy.deepcopy(probe), task, method, **options)
        assert (torch.is_grad_enabled(), torch.is_inference_mode_enabled(), torch.get_default_dtype()) == before
    assert vector.dtype == np.float32
    np.testing.assert_array_equal(vector, expected)


def test_a_probe_in_double_precision_is_looked_through_in_single():
    task = digits([0, 1], 20)
    expected = task2vec(probe_of(Probe), task, **QUICK)
    np.testing.assert_array_equal(task2vec(probe_of(Probe).double(), task, **QUICK), expected)


class Broken(Probe):
    """Faults that only a pass shows."""

    def __init__(self, fault):
        super().__init__()
        self.fault = fault

    def features(self, images):
        if self.fault == "twice":
            first = self.layers[0]
            return (first(images) + first(images)).mean((2, 3))
        with torch.set_grad_enabled(self.fault != "no_grad"):
            features = super().features(images)
        if self.fault == "detached":
            return features.detach()
        if self.fault == "nan":
            return features.where(images[:, 0, 0, 0, None] > images.min(), torch.nan)
        return (features - features.detach()).abs().sqrt()  # finite, with an infinite slope


@pytest.mark.parametrize(
    ("fault", "message"),
    [
        ("twice", r"layers.0 of the probe runs more than once"),
        ("detached", "features have no gradient"),
        ("no_grad", "features have no gradient"),
        ("nan", r"the features of image \d+ are not finite"),
        ("slope", r"Fisher information of layers.0 is not finite"),
    ],
)
def test_faults_of_a_pass_are_named(fault, message):
    with pytest.raises(InputError, match=message):
        task2vec(probe_of(Broken, fault), digits([0, 1], 20), **QUICK)
