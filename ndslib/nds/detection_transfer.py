"""Transfer to detection and instance segmentation: pretrain a detector on what each method selects, fine-tune it on
each client, measure COCO's AP (NDS section 4.1, NDS-ICLR section 4.2.2).

What is selected is chosen as for classification (`transfer.select`), with the experts of the unsupervised partition.
"""

from collections.abc import Sequence
from dataclasses import replace

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from ndslib.core.detection import load_detector, predict
from ndslib.core.errors import InputError
from ndslib.core.files import digest
from ndslib.core.parallel import run_jobs
from ndslib.data import sample_table
from ndslib.data.detection_images import DetectionImages, union_of_classes
from ndslib.data.objects import class_names
from ndslib.nds import transfer as classification
from ndslib.nds.detection_training import (
    DetectionSettings,
    Pretraining,
    content_of,
    fine_tuned,
    measure,
    pretrained,
    starting_network,
)
from ndslib.nds.detections import TRUTH, Detections
from ndslib.nds.scenarios import Scenario
from ndslib.nds.transfer import Cell, select

INIT, UNIFORM, NDS, ENTIRE = "ImageNet Initialization", "Uniform Sampling", "NDS", "Entire Dataset"
METHODS = {  # as these tables print them: as `transfer.select` knows them
    INIT: classification.SCRATCH,
    UNIFORM: classification.UNIFORM,
    NDS: "NDS (UP+SS)",
    ENTIRE: classification.ENTIRE,
}


def transfer(
    scenario: Scenario,
    settings: DetectionSettings,
    clients: Sequence[str],
    methods: Sequence[str],
    budgets: Sequence[float],
    datasets: Sequence[str] = (),
    masks: bool = False,
) -> pd.DataFrame:
    """COCO's AP of clients after pretraining on what each method selects.

    Args:
        clients: names of the scenario's clients.
        methods: of `METHODS`; `ImageNet Initialization` and `Entire Dataset` take no budget.
        budgets: shares of the server's images in (0, 1].
        datasets: which of the server's datasets; all when left out. Of them, images without objects (with `masks`,
            without masks) are not on the server.

    All pretrainings take the same number of optimizer steps, so that methods differ in the data alone.

    Returns:
        A row a client, method, budget and metric: client, method, budget (0 for no pretraining, 1 for everything),
        images, server (the datasets' names joined by " + "), metric (as in NDS-S Table 4: "box AP", "mask AP50", "mask
        AP | car", ...) and value in [0, 1]. Classes without an object in the test images have no row.

    Raises:
        InputError: an unknown client, method or dataset, or a budget outside (0, 1].
    """
    if unknown := set(methods) - set(METHODS):
        raise InputError(f"unknown methods {sorted(unknown)}; choose from {list(METHODS)}")
    for budget in budgets:
        if not 0 < budget <= 1:
            raise InputError(f"budget is {budget}; give a share of the server in (0, 1]")
    part = server_part(scenario, datasets, masks)
    cells = [
        cell
        for name in clients
        for cell in select(part, settings, part.client(name), [METHODS[each] for each in methods], budgets)
    ]
    starts = _pretrainings(part, settings, cells, masks)
    run = {"workers": settings.workers, "engine": settings.engine}
    run_jobs(pretrained, list({start.key: start for start in starts}.values()), description="pretraining", **run)
    calls = [(start, part.client(cell.client), part.size) for start, cell in zip(starts, cells, strict=True)]
    measured = run_jobs(measure, calls, description="fine-tuning", **run)
    names = {theirs: ours for ours, theirs in METHODS.items()}
    return pd.DataFrame(
        {
            "client": cell.client,
            "method": names[cell.method],
            "budget": cell.budget,
            "images": 0 if cell.rows is None else len(cell.rows),
            "server": " + ".join(source.name for source in part.sources),
            "metric": metric,
            "value": value,
        }
        for cell, found in zip(cells, measured, strict=True)
        for metric, value in found.items()
    )


def server_part(scenario: Scenario, datasets: Sequence[str], masks: bool) -> Scenario:
    """The scenario with some of the server's datasets, and of those the images with boxes (or masks) alone.

    Raises:
        InputError: the server has no dataset of a name, or one of them no such image.
    """
    known = {source.name: source for source in scenario.sources}
    if unknown := sorted(set(datasets) - set(known)):
        raise InputError(f"scenario {scenario.name!r} indexes no {unknown}; choose from {sorted(known)}")
    kinds = pa.array(["masks"] if masks else ["masks", "boxes"])
    parts = []
    for source in (known[name] for name in datasets or known):
        table = source.table.filter(pc.is_in(sample_table.label_kinds(source.table), kinds))
        if table.num_rows == 0:
            raise InputError(f"{source.name} has no image with {' or '.join(kinds.to_pylist())}: leave it out")
        parts.append(replace(source, table=table))
    return replace(scenario, sources=tuple(parts))


def _pretrainings(
    scenario: Scenario, settings: DetectionSettings, cells: Sequence[Cell], masks: bool
) -> list[Pretraining]:
    classes = tuple(union_of_classes(source.table for source in scenario.sources))
    body, server = starting_network(scenario, settings), content_of(scenario.table, scenario.size)
    return [
        Pretraining(
            None if cell.rows is None else scenario.table.take(cell.rows),
            classes,
            masks,
            body,
            digest(server, None if cell.rows is None else cell.rows.tolist()),
            settings,
        )
        for cell in cells
    ]


def detections(
    scenario: Scenario,
    settings: DetectionSettings,
    client: str,
    budget: float,
    datasets: Sequence[str] = (),
    masks: bool = False,
    images: int = 3,
) -> Detections:
    """What a client's detectors find in its first test images without pretraining, with uniform sampling and with NDS,
    and what is there.

    Arguments and errors are those of `transfer`, whose detectors are taken from the cache.
    """
    part = server_part(scenario, datasets, masks)
    own = part.client(client)
    methods = (INIT, UNIFORM, NDS)
    cells = select(part, settings, own, [METHODS[each] for each in methods], [budget])
    shown = DetectionImages(own.test, class_names(own.train), masks)
    pixels, truth = zip(*(shown[place] for place in range(min(images, len(shown)))), strict=True)
    columns = {
        method: predict(load_detector(fine_tuned(start, own, part.size), settings.device), pixels)
        for method, start in zip(methods, _pretrainings(part, settings, cells, masks), strict=True)
    }
    return Detections(pixels, shown.classes, columns | {TRUTH: truth})
