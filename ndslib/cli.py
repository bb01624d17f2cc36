"""The command line: `ndslib list | run | batch | scorecard | record | data | refresh | task2sim`."""

from collections import Counter
from pathlib import Path
from typing import Annotated, Any, NoReturn

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table
from typer.core import TyperGroup

import ndslib
from ndslib import nds_commands, task2sim_commands
from ndslib.core.errors import InputError
from ndslib.core.terminal import console, new_table

# What a command needs is imported in it: `ndslib --help` and a mistyped name answer at once.


class _Group(TyperGroup):
    """Turns bad input anywhere below into a message and exit status 2."""

    def invoke(self, ctx: typer.Context) -> Any:
        try:
            return super().invoke(ctx)
        except InputError as error:
            _fail("error", str(error), status=2)


app = typer.Typer(cls=_Group, no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False)
data = typer.Typer(no_args_is_help=True, help="The datasets: what there is, what lies here, how to get it.")
app.add_typer(data, name="data")


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"ndslib {ndslib.__version__}")
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version and exit.")
    ] = False,
) -> None:
    """Understand, run and build on six methods for specialising data and models in computer vision."""


@app.command("list")
def list_notebooks(
    markdown: Annotated[bool, typer.Option("--markdown", help="Print the table of notebooks/README.md.")] = False,
) -> None:
    """Show the notebooks with their ledger rows, presets and expected times."""
    from ndslib.core import notebooks, presets

    if markdown:
        typer.echo(notebooks.index_markdown(), nl=False)
        return
    table = new_table("notebook", "title", "ledger rows", "presets (expected time)")
    for notebook in notebooks.load_all():
        times = [f"{name} ({_time(notebook.seconds.get(name))})" for name in presets.names(notebook)]
        table.add_row(notebook.key, notebook.title, ", ".join(notebook.ledger), ", ".join(times))
    console.print(table)


@app.command()
def run(
    notebook: Annotated[str, typer.Argument(help="A notebook or the start of its name, e.g. nds/03 or 00.")],
    preset: Annotated[str, typer.Option(help="smoke (the notebook's defaults), laptop, gpu or paper.")] = "smoke",
    parameter: Annotated[
        list[str] | None, typer.Option("-p", "--parameter", metavar="NAME=VALUE", help="Set one parameter; repeatable.")
    ] = None,
    out: Annotated[Path | None, typer.Option(help="Folder of the run, instead of one under runs/.")] = None,
    timeout: Annotated[float | None, typer.Option(help="Seconds after which one cell counts as hung.")] = None,
) -> None:
    """Execute a notebook and say where the result is."""
    from ndslib.core import notebooks, presets, runner

    found = notebooks.find(notebook)
    values = presets.parse_overrides(found, parameter or [])
    try:
        result = runner.run(found, preset, values, out, cell_timeout=timeout)
    except runner.RunFailed as error:
        _fail("failed", str(error))
    console.print(f"{found.key} ({preset}) finished in {_time(result.seconds)}")
    console.print(f"notebook  {result.notebook}", soft_wrap=True)
    for figure in result.figures:
        console.print(f"figure    {figure}", soft_wrap=True)
    console.print(f"record    {result.run.folder / runner.RECORD}", soft_wrap=True)


@app.command()
def batch(
    grid: Annotated[Path, typer.Argument(metavar="GRID.yaml", help="notebooks, presets, seeds, parameters.")],
    workers: Annotated[int, typer.Option(min=1, help="Notebooks at a time.")] = 1,
) -> None:
    """Execute a grid of notebooks, presets, seeds and parameters; only what is missing."""
    from ndslib.core import batch as batches

    runs = batches.load(grid)
    outcomes = []
    for outcome in batches.execute(runs, workers):
        outcomes.append(outcome)
        console.print(f"{len(outcomes)}/{len(runs)} {outcome.status} {_name(outcome)}", soft_wrap=True, highlight=False)
    console.print(_outcome_table(outcomes))
    counts = Counter(outcome.status for outcome in outcomes)
    console.print(", ".join(f"{counts[status]} {status}" for status in ("done", "kept", "failed")))
    if counts["failed"]:
        _fail("failed", "\n".join(outcome.error for outcome in outcomes if outcome.status == "failed"))


@app.command()
def scorecard(
    markdown: Annotated[bool, typer.Option("--markdown", help="Print a Markdown table.")] = False,
    headlines: Annotated[bool, typer.Option("--headlines", help="Print the README's table of claims.")] = False,
) -> None:
    """Show which tables and figures of the sources are regenerated, and which of their claims hold."""
    from ndslib.core import scorecard as cards

    if headlines:
        typer.echo(cards.headlines_markdown(), nl=False)
        return
    card = cards.scorecard()
    if markdown:
        typer.echo(cards.to_markdown(card), nl=False)
        return
    table = new_table(*cards.COLUMNS)
    for line in card[list(cards.COLUMNS)].itertuples(index=False):
        table.add_row(*map(escape, line))
    console.print(table)
    console.print(f"{(card['regenerated'] != '').sum()} of {len(card)} regenerated")


@app.command()
def record(
    notebook: Annotated[str, typer.Argument(help="A name such as nds/03.")],
    preset: Annotated[str, typer.Option("--preset", help="Whose finished runs to take, all seeds.")] = "laptop",
) -> None:
    """Write figures/<chapter>/<ledger id>.{png,csv,json} from a notebook's finished runs (for a recorded result)."""
    from ndslib.core.publish import publish

    for path in publish(notebook, preset):
        console.print(str(path), soft_wrap=True, highlight=False)


@app.command()
def refresh(
    names: Annotated[list[str] | None, typer.Argument(help="Notebooks; all when none is named.")] = None,
) -> None:
    """Execute notebooks at their defaults and store the outputs in place (for who edits them)."""
    from ndslib.core import notebooks, runner
    from ndslib.core.refresh import refresh as refresh_one

    for notebook in map(notebooks.find, names or notebooks.keys()):
        try:
            seconds = refresh_one(notebook)
        except runner.RunFailed as error:
            _fail("failed", str(error))
        console.print(f"{notebook.path}  {_time(seconds)}", soft_wrap=True)


nds_commands.register(app)
task2sim_commands.register(app)


@data.command("list")
def data_list() -> None:
    """Show every dataset: what it is for, its licence, how it is got, and whether it lies here."""
    from ndslib.core import paths
    from ndslib.data import manifests

    table = new_table("dataset", "title", "task", "licence", "access", "here")
    for name, manifest in manifests.load_all().items():
        here = "yes" if (paths.data_root() / name).is_dir() else ""
        table.add_row(*map(escape, (name, manifest.title, manifest.task, manifest.licence, manifest.access, here)))
    console.print(table)
    console.print(f"data folder: {paths.data_root()}", soft_wrap=True)


@data.command()
def verify(name: Annotated[str, typer.Argument(help="A dataset of `ndslib data list`.")]) -> None:
    """Compare a dataset's files with its manifest."""
    from ndslib.core import paths
    from ndslib.data import fetch as fetching

    folder = paths.data_root() / name
    results = fetching.verify(name, folder)
    table = new_table("file", "status", "detail")
    for result in results:
        table.add_row(*map(escape, (result.path, result.status, result.detail)))
    console.print(table if results else f"the manifest of {name} lists no files")
    if any(result.status in ("missing", "differs") for result in results):
        _fail("failed", f"{folder} is not complete; run: ndslib data fetch {name}")


@data.command()
def fetch(name: Annotated[str, typer.Argument(help="A dataset of `ndslib data list`.")]) -> None:
    """Download a dataset, going on where an earlier try stopped, and verify it."""
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TransferSpeedColumn

    from ndslib.core import paths
    from ndslib.data import fetch as fetching
    from ndslib.data import manifests

    folder = paths.data_root() / name
    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TransferSpeedColumn())
    with Progress(*columns, console=console) as bar:
        tasks: dict[str, Any] = {}

        def show(path: str, done: int, total: int | None) -> None:
            if path not in tasks:
                tasks[path] = bar.add_task(path)
            bar.update(tasks[path], completed=done, total=total)

        files = fetching.fetch(name, folder, show)
    if files:
        console.print(f"{len(files)} files verified in {folder}", soft_wrap=True)
    else:
        console.print(escape(f"{name}: nothing to download. {manifests.load(name).note or ''}"), soft_wrap=True)


@data.command("fetch-list")
def fetch_list(
    source: Annotated[Path, typer.Argument(metavar="LIST", help="Of `ndslib adapt`: .parquet, .csv or .jsonl.")],
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="Where the images and samples.parquet go.")],
    only_dataset: Annotated[list[str] | None, typer.Option(help="Fetch its images alone; repeatable.")] = None,
    workers: Annotated[int, typer.Option(min=1, help="Downloads at a time.")] = 16,
    per_host: Annotated[int, typer.Option(min=1, help="Downloads at a time from one host.")] = 8,
    allow_missing: Annotated[bool, typer.Option("--allow-missing", help="Succeed though images fail.")] = False,
) -> None:
    """Download the images of a dataserver's list, going on where an earlier try stopped, and check each."""
    from rich.filesize import decimal
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    from ndslib.data.fetching import fetch_list as fetching

    columns = ("files", BarColumn(), MofNCompleteColumn(), TextColumn("{task.description}"), TimeRemainingColumn())
    with Progress(*columns, console=console) as bar:
        task = bar.add_task("", total=None)

        def show(done: int, wanted: int, size: int) -> None:
            bar.update(task, completed=done, total=wanted, description=decimal(size))

        samples, failures = fetching.fetch_list(source, folder, only_dataset or (), workers, per_host, show)
    console.print(escape(f"{samples.num_rows} images: {folder / 'samples.parquet'}"), soft_wrap=True)
    if failures:
        message = f"{len(failures)} images are missing (all: {folder / 'failed.csv'}), the first: {failures[0].reason}"
        if not allow_missing:
            _fail("failed", f"{message}. Run it again to try them again, or with --allow-missing to do without them")
        console.print(escape(message), soft_wrap=True)


def _outcome_table(outcomes: list[Any]) -> Table:
    table = new_table("notebook", "preset", "status", "time", "folder")
    for o in sorted(outcomes, key=lambda outcome: (outcome.status == "failed", str(outcome.run.folder))):
        table.add_row(
            o.run.notebook.key,
            o.run.preset,
            o.status,
            _time(o.seconds) if o.status == "done" else "",
            str(o.run.folder),
        )
    return table


def _name(outcome: Any) -> str:
    return f"{outcome.run.notebook.key} {outcome.run.folder.name}"


def _time(seconds: float | None) -> str:
    """Seconds for reading; "?" when nothing is known."""
    from ndslib.core.notebooks import duration

    return "?" if seconds is None else duration(seconds)


def _fail(word: str, message: str, status: int = 1) -> NoReturn:
    Console(stderr=True).print(f"[bold red]{word}:[/] {escape(message)}", soft_wrap=True, highlight=False)
    raise typer.Exit(status)
