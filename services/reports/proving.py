"""The part of every report that proves it: the checkpoint, and how to check it offline. Pure."""

from collections.abc import Iterator, Sequence
from typing import Final

from gateway.core.texts import moment
from services.findings.wording import number
from services.reports.counted import Checkpoint
from services.reports.document import Block, Code, Paragraph
from services.reports.texts import say

_CHECK: Final = "pilote audit export log.jsonl\npilote verify log.jsonl --key '{key}' --previous checkpoint.txt"


def proof(point: Checkpoint | None, *, end_ms: int, unreadable: Sequence[str], language: str) -> Iterator[Block]:
    """The checkpoint of what ends before `end_ms`, and what it does not prove."""

    def said(key: str, **values: object) -> str:
        return say(key, language=language, **values)

    if unreadable:
        yield Paragraph(said("proof-unreadable", segments=", ".join(unreadable)))
    if point is None:
        yield Paragraph(said("proof-none"))
        return
    size = number(point.size, language=language)
    signed = moment(point.signed_ms // 1000 * 1000, language=language)
    if not point.valid:
        yield Paragraph(said("proof-bad"))
    yield Paragraph(said("proof-said", origin=point.origin, size=size, signed=signed))
    if not covers(point, end_ms=end_ms):
        yield Paragraph(said("proof-early"))
    yield Paragraph(said("proof-limits"))
    yield Code(said("proof-note", size=size, root=point.root), point.note)
    yield Code(said("proof-key"), point.key)
    yield Paragraph(said("proof-steps"))
    yield Code(said("proof-how"), commands(point.key))


def commands(key: str) -> str:
    """What checks it offline, line by line: an export, and that this one continues the checkpoint in checkpoint.txt."""
    return _CHECK.replace("{key}", key)


def covers(point: Checkpoint | None, *, end_ms: int) -> bool:
    """Whether it was signed when the time of the report was over."""
    return point is not None and point.signed_ms >= end_ms
