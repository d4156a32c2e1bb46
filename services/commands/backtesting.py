"""Decides about recorded calls under a new policy, and says what would change."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Final

import msgspec
from google.protobuf.timestamp_pb2 import Timestamp

from gateway.core.assignment import BASIS_POINTS
from gateway.core.backtest import Came, Difference, Found, Tally
from gateway.core.change_words import percent
from gateway.core.revision.compiled import Revision
from gateway.core.texts import number as with_digits
from gateway.replaying import NotKnown, Replayed, replayed
from pilote.audit.v1 import planning_pb2
from services.audit.shadows import wilson
from services.commands.backtest_texts import in_words, say
from services.commands.planning import share
from services.commands.replaying import Replays, Unusable, kept_inputs

if TYPE_CHECKING:  # the asynchronous stub exists for type checkers only
    from pilote.audit.v1.audit_service_pb2_grpc import AuditServiceAsyncStub

DISAGREES: Final = "disagrees"
"""Why a call is left out whose replay under its own revision is not what was recorded."""


class Backtest(msgspec.Struct, frozen=True):
    """What came of all replays."""

    tally: Tally
    kept_share: int
    """Of how many calls the inputs were kept, in basis points; the least of all revisions that decided them."""


async def backtest(
    new: Revision,
    audit: "AuditServiceAsyncStub",
    replays: Replays,
    *,
    request: planning_pb2.ListInputsRequest,
    most_examples: int = 3,
    progress: Callable[[int, int], None] = lambda _done, _total: None,
) -> Backtest:
    """Decide about the calls that the request asks for, under their own revisions as a control and under `new`.

    `progress` is told how many of how many are done. Memory does not grow with the calls: one is held at a time.

    Raises:
        grpc.aio.AioRpcError: the audit service does not answer.
    """
    tally, kept_share, done = Tally(most_examples=most_examples), BASIS_POINTS, 0
    async for kept, total in kept_inputs(audit, request):
        decision = kept.decision.removeprefix("decisions/")
        try:
            opened = replays.open(kept)
            if not opened.inputs.own:
                continue  # of the call itself all is there
            once = await replays.once(opened)
            kept_share = min(kept_share, once.share)
            if once.differing:
                raise Unusable(DISAGREES)
            after = replayed(new, once.opened.inputs, pseudonym_key=replays.pseudonym_key)
        except Unusable as unusable:
            tally.leave_out(unusable.why, decision)
        except NotKnown as unknown:
            tally.leave_out(unknown.what, decision)
        else:
            tally.add(_came(once.replayed), _came(after), once.opened.outcome)
        done += 1
        progress(done, total)
    return Backtest(tally, kept_share)


def since(start_ms: int, *, tenant: str, most: int) -> planning_pb2.ListInputsRequest:
    """The request for the newest `most` calls from a time on; 0: all."""
    start = Timestamp()
    start.FromMilliseconds(max(0, start_ms))
    return planning_pb2.ListInputsRequest(tenant=tenant, start_time=start, max_results=most)


def rows(found: Backtest, *, language: str) -> tuple[tuple[str, ...], ...]:
    """A table of what would change, the names of the columns first; empty where nothing would."""
    told = [(each, its) for each, its in found.tally.found.items() if each.kind != "counted" or _counts(found)]
    if not told:
        return ()
    head = tuple(say("columns", language=language).split("|"))
    return (head, *(_row(each, its, found, language) for each, its in told))


def sentences(found: Backtest, *, language: str) -> tuple[str, ...]:
    """What was replayed, what was left out and why, and what that leaves open."""
    tally = found.tally
    said = []
    if tally.replayed:
        values = {"otherwise": tally.otherwise, "replayed": tally.replayed}
        said.append(say("total", language=language, **values, share=_share(tally.otherwise, found, language)))
    elif not tally.left_out:
        said.append(say("none", language=language))
    for why, calls in sorted(tally.left_out_calls.items()):
        examples = ", ".join(tally.left_out[why])
        said.append(say("left-out", language=language, calls=calls, why=say(why, language=language), examples=examples))
    if tally.replayed and not _counts(found):
        said.append(say("uncounted", language=language, share=percent(found.kept_share, language)))
    elif any(each.kind == "counted" for each in tally.found):
        said.append(say("counted-how", language=language))
    return tuple(said)


def _counts(found: Backtest) -> bool:
    """Whether limits and caps can be counted: of a part of the calls nobody can say whether they would be full."""
    return found.kept_share == BASIS_POINTS


def _row(each: Difference, its: Found, found: Backtest, language: str) -> tuple[str, ...]:
    was, becomes = (in_words(text, language) for text in (each.was, each.becomes))
    what = say(f"kind-{each.kind}", language=language, was=was, becomes=becomes)
    return what, each.by, str(its.calls), _share(its.calls, found, language), ", ".join(its.examples)


def _share(calls: int, found: Backtest, language: str) -> str:
    """A share of what was replayed; of a sample with its interval at 95 %."""
    text = share(calls, found.tally.replayed, language)
    if _counts(found):
        return text
    low, high = (with_digits(100 * bound, digits=1, language=language) for bound in wilson(calls, found.tally.replayed))
    return say("interval", language=language, share=text, low=low, high=high)


def _came(side: Replayed) -> Came:
    return Came(side.record, side.decision)
