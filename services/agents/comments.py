"""What our own contracts say of each symbol: `make protos` keeps their comments beside the stubs."""

import functools
import importlib.resources
from collections.abc import Mapping

import msgspec


@functools.cache
def comments() -> Mapping[str, str]:
    """The comments, in English, by the full name of the symbol: "pilote.crm.v1.ContactService.GetContact"."""
    kept = importlib.resources.files("pilote").joinpath("comments.json")
    return msgspec.json.decode(kept.read_bytes(), type=dict[str, str])
