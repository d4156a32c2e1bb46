"""Which copies may be sent: the last word before an upstream is asked, whatever the policy was checked for."""

import pytest

from gateway.callrun import CallRun, Incoming
from gateway.copies.copying import Copy
from gateway.core.call import Operation
from gateway.core.policy.upstreams import Upstream
from gateway.core.routing import ArmTarget
from gateway.core.shadows import CopyKind, CopyRule
from tests.policies import revision

METHODS = {
    Operation.READ: "/pilote.crm.v1.ContactService/GetContact",
    Operation.WRITE: "/pilote.crm.v1.ContactService/CreateContact",
    Operation.CONTACT: "/pilote.crm.v1.MessageService/SendMessage",
    Operation.DELETE: "/pilote.crm.v1.ContactService/DeleteContact",
}


def may_be_sent(operation: Operation, kind: CopyKind, upstream: Upstream | None) -> bool:
    run = CallRun(Incoming.of(METHODS[operation], (), time_remaining=lambda: None, trace_ratio=0))
    run.policy = revision().methods[METHODS[operation]]
    run.upstream = upstream
    assert run.policy.contract.operation is operation
    rule = CopyRule(kind=kind, arm="next", share=10_000, seed="s", sticky="subject")
    return Copy(run, b"", rule, ArmTarget(arm="next", upstream="next")).may_be_sent(run)


@pytest.mark.parametrize("sandbox", [True, False])
@pytest.mark.parametrize("operation", METHODS)
def test_a_shadow_sends_what_reads_and_a_mirror_what_writes_to_a_sandbox_only(
    operation: Operation, *, sandbox: bool
) -> None:
    upstream = Upstream(name="next", address="127.0.0.1:1", sandbox=sandbox)
    reads = operation is Operation.READ
    assert may_be_sent(operation, "shadow", upstream) is reads
    assert may_be_sent(operation, "mirror", upstream) is (reads or sandbox)
    assert not may_be_sent(operation, "mirror", None)
