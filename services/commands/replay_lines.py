"""What `pilote replay` says of a decision: that it agrees or how it differs, and what else became of the call."""

from collections.abc import Iterator, Sequence

from gateway.core.change_words import percent
from gateway.core.texts import LANGUAGES
from services.commands.effects_texts import VERDICTS
from services.commands.replay_texts import say
from services.commands.replaying import CopyOnce, Once, Unusable, shown


def agrees(once: Once, copied: Sequence[CopyOnce]) -> bool:
    """Whether the call and all its copies come to what was recorded."""
    return not once.differing and all(each.agrees for each in copied)


def lines(once: Once, copied: Sequence[CopyOnce], *, language: str) -> tuple[str, ...]:
    """The sentences, in order; what differs is in `table`."""
    record = once.opened.record
    verdict = f"{_in_words(record.verdict.value, language)} {record.reason}".strip()
    values = {"decision": f"decisions/{record.id}", "revision": record.revision, "said": verdict}
    found = [say("replay-differs" if once.differing else "replay-agrees", language=language, **values)]
    found += [say(key, language=language, by=by) for key, by in _besides(once)]
    for copy in copied:
        key = "copy-undecided" if not copy.verdict else "copy-agrees" if copy.agrees else "copy-differs"
        said = _in_words(copy.verdict, language)
        found.append(say(key, language=language, arm=copy.arm, said=said, end=copy.end))
    return tuple(found)


def table(once: Once, *, language: str) -> tuple[tuple[str, ...], ...]:
    """What differs: field, as recorded, as replayed; the names of the columns first."""
    return (tuple(say("replay-columns", language=language).split("|")), *shown(once))


def reason(unusable: Unusable, *, language: str) -> str:
    """Why a decision cannot be decided once more."""
    share = unusable.values.get("share")
    values = unusable.values | ({"share": percent(share, language)} if isinstance(share, int) else {})
    return say(unusable.why, language=language, **values)


def _in_words(verdict: str, language: str) -> str:
    return VERDICTS[verdict][LANGUAGES.index(language)] if verdict in VERDICTS else verdict


def _besides(once: Once) -> Iterator[tuple[str, str]]:
    """What the record is of, and what became of the call after its decision: texts, and what they name."""
    record, outcome, inputs = once.opened.record, once.opened.outcome, once.opened.inputs
    if inputs.standby:
        yield "replay-standby", inputs.standby
    if inputs.again:
        yield "replay-again", ""
    if inputs.kept:
        yield "replay-kept", ""
    elif outcome.stop:
        yield "replay-stop", outcome.stop
    elif 0 <= outcome.refused < len(record.buckets):
        yield "replay-bucket", record.buckets[outcome.refused].limit
    elif outcome.reason:
        yield "replay-store", outcome.reason
    elif outcome.first and outcome.granted:
        yield "replay-repeat", f"decisions/{outcome.first}"
