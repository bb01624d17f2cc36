"""Networks as safetensors files that say what they are: weights, and one entry of JSON in the metadata."""

import json
from pathlib import Path
from typing import Any

from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import nn

from ndslib.core.errors import InputError
from ndslib.core.files import atomic_path


def save(path: Path | str, model: nn.Module, entry: str, metadata: dict[str, Any]) -> None:
    """Write weights and metadata (JSON, with the key `format`), atomically; the same content gives the same bytes.

    Raises:
        InputError: the file cannot be written: its path is a folder's, say.
    """
    weights = {name: value.detach().cpu().contiguous() for name, value in model.state_dict().items()}
    # One entry of JSON: safetensors writes several in an order that changes from process to process.
    about = {entry: json.dumps(metadata, sort_keys=True)}
    try:
        with atomic_path(path) as temporary:
            save_file(weights, temporary, about)
    except OSError as error:
        raise InputError(
            f"{path}: cannot be written ({error.strerror}); give the path of a file, in a folder that may be written to"
        ) from error


def read_metadata(path: Path | str, entry: str, format: str, what: str, remedy: str) -> dict[str, Any]:
    """The metadata that `save` wrote.

    Args:
        entry, format: as they were saved.
        what: what the file should be, such as "a detector", and `remedy` what to do where it cannot be read.

    Raises:
        InputError: the file is absent, damaged, or of another entry or format.
    """
    try:
        with safe_open(path, "pt") as stream:
            metadata = json.loads((stream.metadata() or {}).get(entry, "{}"))
    except (OSError, ValueError, SafetensorError) as error:
        raise InputError(f"{path}: not a readable safetensors file ({error}); {remedy}") from error
    if metadata.get("format") != format:
        raise InputError(f"{path}: safetensors without {what}'s metadata (format is {metadata.get('format')!r})")
    return metadata
