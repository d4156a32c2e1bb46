"""Whatever a request holds, its values are read, bounded and sealed, and no call fails for it."""

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.core.call import Facts
from gateway.core.used import LARGEST, packed, unpacked
from gateway.messages.describe import describe
from pilote.crm.v1.contact_service_pb2 import UpdateContactRequest
from tests.policies import revision

UPDATE = "/pilote.crm.v1.ContactService/UpdateContact"
READING = {
    "name": "reading",
    "effect": "deny",
    "methods": [UPDATE],
    "when": 'request.contact.email == "" && request.contact.attributes["a"] == "" && has(request.contact) '
    "&& request.contact.create_time > timestamp(0) && request.update_mask.paths.size() > 0 "
    '&& facts.scores["s"] > 0.5 && "x" in facts.segments && facts.traits.t == "" && facts.consents["email"]',
}
POLICY = revision(rules=[{"name": "open", "effect": "allow"}, READING]).methods[UPDATE]

_text = st.text(max_size=400)
_requests = st.builds(
    lambda email, attributes, seconds, paths: UpdateContactRequest(
        contact={"email": email, "attributes": attributes, "create_time": {"seconds": seconds}},  # type: ignore[arg-type]
        update_mask={"paths": paths},  # type: ignore[arg-type]
    ).SerializeToString(),
    _text,
    st.dictionaries(st.sampled_from(["a", "b"]), _text),
    st.integers(-(1 << 63), (1 << 63) - 1),
    st.lists(_text, max_size=30),
)
_facts = st.builds(
    Facts,
    scores=st.dictionaries(st.just("s"), st.floats()),
    traits=st.dictionaries(st.just("t"), _text),
    segments=st.lists(_text, max_size=40).map(tuple),
    consents=st.dictionaries(st.just("email"), st.booleans()),
)


@settings(max_examples=200)
@given(request=_requests, facts=_facts)
def test_any_request_and_any_facts_can_be_recorded(request: bytes, facts: Any) -> None:
    call = describe(POLICY.contract, request, metadata={})
    found = POLICY.used.values(call, facts)
    names = [name for name, _ in found]
    assert {"request.contact.email", 'facts.scores["s"]', 'facts.traits["t"]', "facts.segments"} <= set(names)
    clear = packed(found)
    assert len(clear) <= LARGEST + 16
    back = unpacked(clear)
    assert [name for name, _ in back.values] == names[: len(back.values)]
    assert len(back.values) + back.more == len(names)
