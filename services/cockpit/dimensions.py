"""What KPIs are told by. One more is a line here, and a line in `services.workbench.kpis.contacts.KEYS`."""

from typing import Final, Literal, get_args

Dimension = Literal["agent", "version", "campaign", "objective", "category", "segment", "channel", "rule"]
DIMENSIONS: Final[tuple[Dimension, ...]] = get_args(Dimension)
ALL: Final = "all"
"""The cells of everything together, which have the empty key."""


def filter_of(dimension: str, key: str) -> str:
    """The decisions that a cell is of, as a filter; empty of segments: which ones a customer is in is personal."""
    if not key or dimension == "segment":
        return ""
    return _version(key) if dimension == "version" else f"{dimension} = {quoted(key)}"


def quoted(value: str) -> str:
    """A value as filters write it, where nothing in it means anything else."""
    for each in ("\\", '"', "*"):
        value = value.replace(each, f"\\{each}")
    return f'"{value}"'


def _version(key: str) -> str:
    """Actions that a version led to, "model/version"; else those of an agent's own version, which may have a slash."""
    model, slash, its = key.rpartition("/")
    own = f"agent_version = {quoted(key)}"
    return f"((lineage.model = {quoted(model)} AND lineage.version = {quoted(its)}) OR {own})" if slash else own
