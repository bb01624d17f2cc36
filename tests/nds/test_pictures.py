"""Pictures for a person to look at: the right images, under the right names, in the right order."""

import numpy as np
import pandas as pd
import pytest

from ndslib.data import images
from ndslib.nds.index import Index
from ndslib.nds.pictures import (
    cluster_tiles,
    clusters_figure,
    mosaic,
    recommended_figure,
    tiles_data,
    top_clusters_figure,
    weights_figure,
)
from ndslib.nds.recommend import recommend
from ndslib.nds.scenarios import Client

SIZE = 8
SCORES = [0.4, 0.9, 0.6]


@pytest.fixture
def server(tmp_path, colours, mean_colour, tiny) -> Index:
    """Two datasets of 12 and 20 images, clusters of 6, 6 and 20."""
    index = Index.create(tmp_path / "server")
    index.add(colours("first"), 2, mean_colour, tiny(1), size=SIZE)
    index.add(colours("second", 20), 1, mean_colour, tiny(1), size=SIZE)
    return index


def shown(axes) -> np.ndarray:
    """The picture in a panel, uint8[H, W, 3]."""
    (image,) = axes.get_images()
    return np.asarray(image.get_array())


def panels(figure) -> dict[str, np.ndarray]:
    return {axes.get_title(): shown(axes) for axes in figure.axes if axes.get_images()}


def test_a_mosaic_goes_row_by_row_with_white_gaps():
    pixels = np.stack([np.full((3, 2, 2), value, np.uint8) for value in (10, 20, 30)])
    picture = mosaic(pixels, columns=2)
    assert picture[:, :, 0].tolist() == [
        [10, 10, 255, 20, 20],
        [10, 10, 255, 20, 20],
        [255] * 5,
        [30, 30, 255, 255, 255],
        [30, 30, 255, 255, 255],
    ]
    assert picture.dtype == np.uint8
    wide = mosaic(pixels, columns=3, gap=0)
    assert wide.shape == (2, 6, 3)


def test_a_mosaic_keeps_colours_and_orientation():
    pixels = np.arange(12, dtype=np.uint8).reshape(1, 3, 2, 2)
    assert mosaic(pixels, columns=1)[1, 0].tolist() == [2, 6, 10]


def test_tiles_are_different_images_of_the_cluster(server):
    of_cluster = images.decode(server.table.take(server.rows_of_cluster(1)), SIZE).pixels
    known = {image.tobytes() for image in np.asarray(of_cluster)}
    tiles = cluster_tiles(server, 1, 4, SIZE)
    assert tiles.shape == (4, 3, SIZE, SIZE)
    assert tiles.dtype == np.uint8
    assert len({tile.tobytes() for tile in tiles} & known) == 4
    assert {tile.tobytes() for tile in cluster_tiles(server, 1, 99, SIZE)} == known
    np.testing.assert_array_equal(cluster_tiles(server, 1, 4, SIZE), tiles)
    assert not np.array_equal(cluster_tiles(server, 1, 4, SIZE, seed=1), tiles)


def test_every_cluster_is_shown_with_its_size(server):
    found = panels(clusters_figure(server, SIZE, count=9))
    names = [f"{name}\n{count} images" for name, count in zip(server.cluster_names, (6, 6, 20), strict=True)]
    assert list(found) == names
    np.testing.assert_array_equal(found[names[2]], mosaic(cluster_tiles(server, 2, 9, SIZE), 3))


def test_top_clusters_come_best_first_with_their_own_images(server):
    answer = recommend(server, SCORES, budget=10)
    figure = top_clusters_figure(server, answer, "mine", SIZE, top=2, count=4, seed=3)
    weights = answer.clusters.set_index("cluster")["weight"]
    first, second = (
        f"{name}\nscore {s}, weight {weights[name]:.2f}" for name, s in (("first/1", "0.90"), ("second/0", "0.60"))
    )
    found = panels(figure)
    assert list(found) == [first, second]
    np.testing.assert_array_equal(found[second], mosaic(cluster_tiles(server, 2, 4, SIZE, seed=3), 3))
    assert figure.get_suptitle() == "Clusters of client mine, best expert first"


def test_a_clients_images_stand_beside_its_list(server, colours):
    client = Client("mine", colours("own", 4), colours("test", 4, seed=1), None)
    answer = recommend(server, SCORES, budget=10)
    found = panels(recommended_figure({"mine": client}, {"mine": answer}, SIZE, count=6))
    assert list(found) == ["client mine", "recommended to mine"]
    first_six = images.decode(server.table.take(answer.rows[:6]), SIZE).pixels
    np.testing.assert_array_equal(found["recommended to mine"], mosaic(np.asarray(first_six), 3))
    own = np.asarray(images.decode(client.train, SIZE).pixels)
    # 4 of 6 places are taken; a bright image has a mean above 150
    tiles = [found["client mine"][top : top + 8, left : left + 8] for top in (0, 9) for left in (0, 9, 18)]
    assert sorted(tile.transpose(2, 0, 1).tobytes() for tile in tiles[:4]) == sorted(each.tobytes() for each in own)
    assert all((tile == 255).all() for tile in tiles[4:])


@pytest.mark.parametrize("count", [1, 2, 3])
def test_weights_and_scores_of_every_client(server, count):
    answers = {f"client {n}": recommend(server, SCORES, budget=5, temperature=0.1 + n).clusters for n in range(count)}
    figure = weights_figure(answers, "weights")
    drawn = [axes for axes in figure.axes if axes.axison]
    assert [axes.get_title() for axes in drawn] == list(answers)
    for axes, table in zip(drawn, answers.values(), strict=True):
        assert [bar.get_width() for bar in axes.patches] == pytest.approx(table["weight"].tolist())
        (dots,) = axes.lines
        assert dots.get_xdata().tolist() == [0.9, 0.6, 0.4]
        assert [label.get_text() for label in axes.get_yticklabels()] == ["first/1", "second/0", "first/0"]
        assert axes.yaxis_inverted(), "the best cluster is on top"
    assert figure.get_suptitle() == "weights"


def test_what_is_shown_as_data():
    tables = [("a", pd.DataFrame({"id": ["x", "y"]})), ("b", pd.DataFrame({"id": ["z"]}))]
    assert tiles_data(tables).to_dict("list") == {"id": ["x", "y", "z"], "panel": ["a", "a", "b"]}
