"""The commands of the Neural Data Server: `ndslib index | serve | rate | adapt`.

They lie beside `ndslib.cli` and outside of `ndslib.nds`, whose import takes seconds: help has to answer at once.
"""

import contextlib
import re
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.filesize import decimal
from rich.markup import escape

from ndslib.core.errors import InputError
from ndslib.core.terminal import console, new_table

if TYPE_CHECKING:
    from ndslib.nds.dataset import Dataset
    from ndslib.nds.remote import Adaptation

BATCH_SIZE, LEARNING_RATE, WARMUP = 16, 0.1, 0.05  # of what `index` trains
_SHOWN = 10  # experts in the table that `adapt` prints
_UNITS = " kmgt"


def register(app: typer.Typer) -> None:
    """Add the commands to the command line."""
    for command in (index, serve, rate, adapt):
        app.command()(command)


def parse_bytes(text: str) -> int:
    """A number of bytes as people write it: 1000000, 500MB, 1.5 GB, 2GiB.

    Raises:
        InputError: anything else.
    """
    match = re.fullmatch(r"(\d+(?:\.\d+)?) ?(?:([kmgt])(i?))?b?", text.strip().lower())
    if match is None:
        raise InputError(f"{text!r} is no number of bytes; write it as 500MB, 5GB or 2GiB")
    number, unit, binary = match.groups()
    return int(float(number) * (1024 if binary else 1000) ** _UNITS.index(unit or " "))


_Url = Annotated[str, typer.Argument(metavar="URL", help="The dataserver, e.g. http://127.0.0.1:8000.")]
_Token = Annotated[str | None, typer.Option(envvar="NDSLIB_TOKEN", help="For a server that wants one.")]
_Folder = typer.Argument(metavar="DATA_DIR", help="Your images, at any depth below it.")
_Device = Annotated[str, typer.Option(help="cpu, cuda or cuda:n.")]
_SkipCorrupt = Annotated[bool, typer.Option("--skip-corrupt", help="Leave unreadable images out, and name them.")]
_Filter = list[str] | None


def index(
    place: Annotated[Path, typer.Argument(metavar="INDEX", help="The index; made when absent.")],
    folder: Annotated[Path | None, typer.Argument(metavar="FOLDER", help="Images, at any depth below it.")] = None,
    manifest: Annotated[str | None, typer.Option(help="Instead: a dataset of `ndslib data list` (in FOLDER).")] = None,
    split: Annotated[str, typer.Option(help="The manifest's split.")] = "train",
    name: Annotated[str | None, typer.Option(help="Name of the dataset, if not FOLDER's.")] = None,
    title: Annotated[str | None, typer.Option(help="Its title for people.")] = None,
    link: Annotated[str | None, typer.Option(help="Its provider's page.")] = None,
    licence: Annotated[str | None, typer.Option(help="Licence of the images in FOLDER, e.g. CC-BY-4.0.")] = None,
    base_url: Annotated[str | None, typer.Option(help="Where clients find what is in FOLDER: http(s)://...")] = None,
    experts: Annotated[int, typer.Option(min=1, help="Clusters K, each with its expert.")] = 4,
    size: Annotated[int, typer.Option(min=8, help="Side of the experts' input in pixels.")] = 32,
    width: Annotated[int, typer.Option(min=1, help="Channels of the experts' first stage; 64 in the paper.")] = 16,
    steps: Annotated[int, typer.Option(min=1, help="Steps of training, for each expert and the extractor.")] = 300,
    gating: Annotated[str, typer.Option(help="unsupervised, or superclass (needs labels).")] = "unsupervised",
    task: Annotated[str, typer.Option(help="Experts' task: rotation, or classification (needs labels).")] = "rotation",
    extractor: Annotated[
        str, typer.Option(help="Features to cluster: of rotation or labels, learnt here; or imagenet, the paper's.")
    ] = "rotation",
    seed: Annotated[int, typer.Option(min=0)] = 0,
    workers: Annotated[int, typer.Option(min=1, help="Experts that train at a time.")] = 1,
    device: _Device = "cpu",
    skip_corrupt: _SkipCorrupt = False,
) -> None:
    """Add a folder of images to an index: find its clusters and train an expert on each.

    The folders directly below FOLDER are classes. A killed run resumes; the same command again changes nothing.
    """
    from ndslib.core.training import TrainConfig
    from ndslib.nds import sources
    from ndslib.nds.experts import ExpertConfig
    from ndslib.nds.index import Index

    train = TrainConfig(steps, BATCH_SIZE, LEARNING_RATE, warmup=WARMUP, device=device, seed=seed)
    config, on_corrupt = ExpertConfig(train, task, width), "skip" if skip_corrupt else "raise"
    about = {"title": title, "link": link, "base_url": base_url, "on_corrupt": on_corrupt}
    with _plain_warnings():
        if manifest is not None:
            if name or licence:
                raise InputError(f"--name and --licence are for a folder of your own; {manifest} has its own")
            source = sources.of_manifest(manifest, split, experts, folder, **about)
        elif folder is not None:
            source = sources.of_folder(folder, experts, name, licence=licence, **about)
        else:
            raise InputError("give the folder of the images, or a dataset of `ndslib data list` with --manifest")
        built = Index.create(place, place.absolute().name)
        network = sources.features_for(extractor, source.table, size, train, width, on_corrupt)
        options = {"gating": gating, "size": size, "seed": seed, "workers": workers, "on_corrupt": on_corrupt}
        (dataset,) = built.add_all([source], network, config, **options)
    _print_dataset(dataset)
    console.print(f"{place}: {built.size} images, {len(built.cluster_names)} experts", soft_wrap=True)


def serve(
    place: Annotated[Path, typer.Argument(metavar="INDEX", help="An index made by `ndslib index`.")],
    host: Annotated[str, typer.Option(help="Address to listen at; 0.0.0.0 for all.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="0 for any free one.")] = 8000,
    token: Annotated[str | None, typer.Option(envvar="NDSLIB_TOKEN", help="Serve only clients that send it.")] = None,
    most_images: Annotated[int, typer.Option(min=1, help="Images that a client may ask for at once.")] = 1_000_000,
) -> None:
    """Serve an index over HTTP, with a page for people at /; Ctrl-C stops it."""
    from ndslib.nds.index import Index

    try:
        from ndslib.nds import service
    except ModuleNotFoundError as error:
        if error.name is None or error.name.startswith("ndslib"):
            raise
        raise InputError(f"the server needs {error.name}: pip install 'ndslib[service]'") from error

    def announce(url: str) -> None:
        console.print(
            f"{place} is served at {url} (its page: open it in a browser; the API: {url}/docs)", soft_wrap=True
        )

    service.serve(Index.open(place), host, port, announce, token=token, most_images=most_images)


def rate(
    url: _Url,
    folder: Annotated[Path, _Folder],
    out: Annotated[Path, typer.Option(help="The scores file.")] = Path("scores.json"),
    token: _Token = None,
    device: _Device = "cpu",
    skip_corrupt: _SkipCorrupt = False,
) -> None:
    """Rate a server's experts on your images and write a scores file; no image and no score leaves this machine."""
    from ndslib.data.fetching.disk import check_writable
    from ndslib.nds import remote

    check_writable(out)
    with _plain_warnings():
        scores = remote.rate(remote.RemoteServer(url, token), folder, skip_corrupt, device)
    remote.write_scores(out, scores)
    table = new_table("expert", "score")
    for expert in sorted(scores, key=scores.get, reverse=True)[:_SHOWN]:
        table.add_row(escape(expert), f"{scores[expert]:.4f}")
    console.print(table)
    console.print(f"{len(scores)} scores in {out}", soft_wrap=True)


def adapt(
    url: _Url,
    folder: Annotated[
        Path | None, typer.Argument(metavar="DATA_DIR", help="Your images, at any depth below it.")
    ] = None,
    out: Annotated[Path, typer.Option(help="The list; .parquet, .csv or .jsonl.")] = Path("picks.parquet"),
    budget: Annotated[int | None, typer.Option(help="Images to select.")] = None,
    budget_bytes: Annotated[str | None, typer.Option(help="Or bytes to download: 500MB, 5GB.")] = None,
    dataset: Annotated[_Filter, typer.Option(help="Only from this dataset; repeatable.")] = None,
    labels: Annotated[_Filter, typer.Option(help="Only with none, class, boxes or masks; repeatable.")] = None,
    licence: Annotated[_Filter, typer.Option(help="Only under this licence, or not-stated; repeatable.")] = None,
    temperature: Annotated[float, typer.Option(help="Of the softmax over scores.")] = 0.1,
    normalisation: Annotated[str, typer.Option(help="Of the scores: minmax or none.")] = "minmax",
    seed: Annotated[int, typer.Option(min=0, help="Of the selection.")] = 0,
    annotations: Annotated[bool, typer.Option("--annotations", help="List the samples' annotations too.")] = False,
    scores: Annotated[Path | None, typer.Option(help="Of `ndslib rate`: DATA_DIR is not read then.")] = None,
    token: _Token = None,
    device: _Device = "cpu",
    skip_corrupt: _SkipCorrupt = False,
) -> None:
    """Get the list of those samples of a server that suit your images: only scores of experts leave this machine."""
    from ndslib.nds import remote
    from ndslib.nds.protocol import NOT_STATED

    licences = [None if name == NOT_STATED else name for name in licence or ()]
    filters = {"datasets": dataset, "labels": labels, "licences": licences}
    with _plain_warnings():
        found = remote.adapt(
            remote.RemoteServer(url, token),
            folder,
            out,
            budget,
            None if budget_bytes is None else parse_bytes(budget_bytes),
            scores=None if scores is None else remote.read_scores(scores),
            skip_corrupt=skip_corrupt,
            device=device,
            temperature=temperature,
            normalisation=normalisation,
            seed=seed,
            annotations=annotations,
            **{key: tuple(wanted) for key, wanted in filters.items() if wanted},
        )
    _print_adaptation(found)
    console.print(f"{found.datasets['images'].sum()} samples listed in {out}", soft_wrap=True)


def _print_dataset(dataset: "Dataset") -> None:
    table = new_table("cluster", "images", "size")
    for number, (images, size) in enumerate(zip(dataset.cluster_sizes, dataset.cluster_bytes, strict=True)):
        table.add_row(escape(f"{dataset.name}/{number}"), str(images), decimal(size))
    console.print(table)
    for entry in dataset.corrupt:
        console.print(escape(f"left out: {entry['uri']}: {entry['reason']}"), soft_wrap=True)


def _print_adaptation(found: "Adaptation") -> None:
    experts = new_table("expert", "score", "weight")
    for line in found.clusters.head(_SHOWN).itertuples():
        experts.add_row(escape(line.cluster), f"{line.score:.4f}", f"{line.weight:.4f}")
    console.print(experts)
    if len(found.clusters) > _SHOWN:
        console.print(f"and {len(found.clusters) - _SHOWN} more")
    datasets = new_table("dataset", "images", "size")
    for line in found.datasets.itertuples():
        datasets.add_row(escape(line.dataset), str(line.images), decimal(line.bytes))
    console.print(datasets)


@contextlib.contextmanager
def _plain_warnings() -> Iterator[None]:
    """Warnings as one line each, for a person."""
    terminal = Console(stderr=True)

    def show(message: Warning | str, *_: object, **__: object) -> None:
        terminal.print(f"[yellow]warning:[/] {escape(str(message))}", soft_wrap=True, highlight=False)

    with warnings.catch_warnings():
        warnings.simplefilter("always", UserWarning)
        warnings.showwarning = show
        yield
