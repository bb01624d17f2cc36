"""`python -m ndslib`, the same as `ndslib`."""

from ndslib.cli import app

app()
