"""Which calls Envoy can carry by itself, once the gateway has admitted them.

All others go on to the gateway, which takes them through every step as if there were no Envoy: streams, calls whose
answers the policy looks at, and those that may be tried, copied or served otherwise.
"""

import ipaddress
from typing import Final

from gateway.callrun import CallRun, forward_rule_of, timeout_s
from gateway.core.call import Operation
from gateway.core.policy.upstreams import Outliers, Upstream
from gateway.core.revision.compiled import MethodPolicy, Revision
from gateway.core.routing import RouteRule
from gateway.upstream.making import again

LONGEST_SECONDS: Final = 100.0
"""Of calls that must not be made twice: Envoy knows all upstreams for longer that it once was told of."""
_SETTLED_AT_ONCE = frozenset({"budget", "concurrency", "quota"})
"""Kinds of limit that the next call must find settled, or that read the answer."""


def carries(policy: MethodPolicy) -> bool:
    """Whether Envoy may carry calls of this method, as far as that depends on the policy alone."""
    contract = policy.contract
    return (
        contract.whole
        and not contract.unrouted
        and contract.operation is not Operation.INFER  # what a model has used and which one it was, its answer says
        and contract.instruct is None
        and contract.served is None
        and not any(
            rule.bucket.kind in _SETTLED_AT_ONCE or rule.quota is not None or rule.actual is not None
            for rule in policy.limits
        )
        and not any(rule.bucket.counts_on != "reserved" for rule in policy.caps)
        and any(_plain(rule) for rule in policy.routes)
    )


def carried_methods(revision: Revision) -> frozenset[str]:
    """Full names of the methods of a revision that Envoy may carry."""
    return frozenset(name for name, policy in revision.methods.items() if carries(policy))


def reachable(upstream: Upstream) -> bool:
    """Whether Envoy itself can reach an upstream, and does all that the policy says of it."""
    return upstream.kind == "grpc" and upstream.breaker is None


def named(upstream: Upstream) -> bool:
    """Whether any of its addresses is found by a name."""
    hosts = (each.rpartition(":")[0].strip("[]") for each in upstream.all_addresses if not each.startswith("unix:"))
    return not all(is_ip(host) for host in hosts)


def is_ip(host: str) -> bool:
    """Whether it is an address itself, and no name."""
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def goes_on(run: CallRun) -> bool:
    """Whether the call is tried again, or elsewhere, where its first try fails."""
    rule = forward_rule_of(run)
    return rule is not None and rule.several


def tried_again(revision: Revision) -> bool:
    """Whether there is such a call under a revision."""
    rules = (rule.forward for policy in revision.methods.values() for rule in policy.routes)
    return any(rule is not None and rule.several for rule in rules)


def fits(run: CallRun) -> bool:
    """Whether Envoy can carry this call, now that it was decided about; asked before it takes anything."""
    policy, call, upstream, rule = run.policy, run.call, run.upstream, run.routed.rule
    if policy is None or call is None or upstream is None or run.decision is None:
        return False
    contract = policy.contract
    return (
        reachable(upstream)
        and (rule is None or _plain(rule))
        and (not goes_on(run) or _surely_once(run, upstream))
        and not (run.route.version and contract.pin is not None)
        and not (call.request_id and run.repeatable)  # a repeat is given the answer, which Envoy does not keep
        and not (call.identity and contract.created is not None)  # who it is about, its answer says
        and not any(bucket.on_exceed == "downgrade" for bucket in run.decision.buckets)
    )


def _plain(rule: RouteRule) -> bool:
    return not rule.copies and (rule.forward is None or not rule.forward.hedge_ms)


def _surely_once(run: CallRun, upstream: Upstream) -> bool:
    """Whether Envoy sends the call to the upstream once, and only its second try elsewhere.

    It tells by the address that was tried that the next try goes elsewhere, which holds for as long as it knows that
    address: those of names come and go, and whole upstreams go a while after no policy names them. Where all
    addresses may be left out at a time it may make no first try.
    """
    count, rule = len(upstream.all_addresses), upstream.outliers or Outliers()
    if count > 1 and 100 * (count - 1) < rule.max_ejected * count:
        return False
    return again(run) or (not named(upstream) and timeout_s(run, upstream) < LONGEST_SECONDS)
