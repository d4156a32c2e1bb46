"""What the rules take out of a request that Envoy is about to forward, and out of its reply; and whether it can be."""

from collections.abc import Set as AbstractSet
from typing import Final, NamedTuple

from gateway.callrun import CallRun
from gateway.core.errors import CallEnded, Reason
from gateway.envoy.asking import Http
from gateway.envoy.doors import REDACTS_HEADER
from gateway.envoy.seals import Redacting, Reducing
from gateway.messages.rest_redacted_requests import RequestTakes, reduced, reduced_path
from gateway.messages.rest_replies import RestReplies, TakeAll
from gateway.passing import takes_of

_NOBODY_REDACTS: Final = (
    "Something must be taken out of {side}, and the proxy does not say that it has that done: set the filter "
    f"ext_proc in Envoy, and {REDACTS_HEADER} in the initial metadata of its filter ext_authz."
)


class Redactions(NamedTuple):
    """What is taken out of which side; `None` where nothing is."""

    request: Reducing | None
    reply: Redacting | None

    def look(self, redacted: AbstractSet[str]) -> None:
        """See that it will be done, by an Envoy that has "requests" or "replies" `redacted`.

        Raises:
            CallEnded: NOT_BUILT.
        """
        for wanted, side in ((self.request, "requests"), (self.reply, "replies")):
            if wanted is not None and side not in redacted:
                raise CallEnded(Reason.NOT_BUILT, _NOBODY_REDACTS.format(side=side))


def redactions_of(run: CallRun, http: Http) -> Redactions:
    """What the rules that decided about a call take out of it, `http` being its request.

    Raises:
        CallEnded: ARGUMENT_INVALID where something cannot be taken out of this request.
    """
    return Redactions(_of_request(run, http), _of_reply(run))


def _of_reply(run: CallRun) -> Redacting | None:
    replies = None if run.policy is None else run.policy.contract.redactors.get("reply")
    takes = [take for take in takes_of(run, "reply") if isinstance(take, TakeAll)]
    paths = tuple(path for take in takes for path in take.paths)
    if not paths or not isinstance(replies, RestReplies):
        return None
    return Redacting(
        paths=paths,
        max_bytes=replies.max_bytes,
        passes_others=replies.passes_others,
        language=run.incoming.language,
    )


def _of_request(run: CallRun, http: Http) -> Reducing | None:
    takes = [take for take in takes_of(run, "request") if isinstance(take, RequestTakes)]
    paths = tuple(path for take in takes for path in take.body) if http.raw_body else ()
    query = tuple(path for take in takes for path in take.query) if b"?" in http.path else ()
    if not paths and not query:
        return None
    # Done once here, so that who sends what it cannot be done to hears of it in words, and before it goes anywhere.
    reduced(http.raw_body, paths, content_type=http.headers.get("content-type", b"").decode(errors="replace"))
    reduced_path(http.path.decode("ascii"), query)  # it was read as such before
    return Reducing(paths=paths, query=query, upstream=run.route.upstream, language=run.incoming.language)
