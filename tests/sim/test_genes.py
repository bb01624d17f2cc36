import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ndslib.sim.genes import Genes


def draws(genes, count=40):
    return np.array([genes.uniform(0, 1) for _ in range(count)])


def test_a_mesh_has_the_same_genes_every_time_and_another_mesh_others():
    assert np.array_equal(draws(Genes(("mug", "train", 0))), draws(Genes(("mug", "train", 0))))
    assert not np.isclose(draws(Genes(("mug", "train", 0))), draws(Genes(("mug", "train", 1)))).any()
    assert not np.isclose(draws(Genes(("mug", "train", 0))), draws(Genes(("mug", "test", 0)))).any()


def test_gene_k_is_draw_k_whatever_was_drawn_before():
    first, second = Genes(("a",), ("b",)), Genes(("a",), ("b",))
    for _ in range(3):
        first.uniform(2, 5)
    second.integer(0, 9)
    second.choice("abc")
    second.chance(0.1)
    assert first.uniform(0, 1) == second.uniform(0, 1)


def test_without_a_variety_genes_are_uniform():
    values = draws(Genes(("uniform",)), 4000)
    counts, _ = np.histogram(values, 10, (0, 1))
    assert abs(counts - 400).max() < 100


@given(st.integers(0, 99), st.floats(0, 1), st.floats(0, 1))
@settings(max_examples=30, deadline=None)
def test_genes_stay_in_range_for_every_variety(number, separation, spread):
    values = draws(Genes((number,), ("class", number), separation, spread), 100)
    assert ((values >= 0) & (values < 1)).all()


def test_spread_is_the_distance_from_the_class_centre():
    centre = draws(Genes(("any",), ("tulip",), spread=0.0))
    assert np.array_equal(centre, draws(Genes(("other",), ("tulip",), spread=0.0))), "no spread: the centre itself"
    inside = (centre > 0.1) & (centre < 0.9)
    distance = np.abs(draws(Genes(("any",), ("tulip",), spread=0.2)) - centre)[inside]
    assert 0.05 < distance.max() <= 0.1


def test_separation_is_the_distance_between_class_centres():
    def centres(name, separation):
        return draws(Genes(("any",), (name,), separation, spread=0.0))

    assert (centres("tulip", 0.0) == 0.5).all()
    near, far = (np.abs(centres("tulip", share) - centres("rose", share)).mean() for share in (0.1, 1.0))
    assert near == pytest.approx(far / 10)


@pytest.mark.parametrize(("gene", "expected"), [(0.0, (2, 3, "a", True)), (np.nextafter(1, 0), (5, 7, "c", False))])
def test_the_ends_of_the_range_are_within_every_kind_of_draw(gene, expected, monkeypatch):
    genes = Genes(("ends",))
    monkeypatch.setattr(genes, "_next", lambda: gene)
    values = (genes.uniform(2, 5), genes.integer(3, 7), genes.choice("abc"), genes.chance(0.5))
    assert values == (pytest.approx(expected[0]), *expected[1:])


def test_a_chance_comes_true_as_often_as_it_says():
    genes = Genes(("chances",))
    assert sum(genes.chance(0.2) for _ in range(2000)) == pytest.approx(400, abs=80)
    assert not any(genes.chance(0.0) for _ in range(100))
    assert all(genes.chance(1.0) for _ in range(100))
