"""What commands print on: one console, and tables of one look."""

from rich.console import Console
from rich.table import Table

console = Console()


def new_table(*columns: str) -> Table:
    """An empty table. Names in its first column are never broken: a broken name cannot be copied."""
    table = Table(show_edge=False, header_style="bold")
    for number, column in enumerate(columns):
        table.add_column(column, overflow="fold", no_wrap=number == 0)
    return table
