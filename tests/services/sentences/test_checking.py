"""What sentences write passes the policy's own check, type checks of conditions included."""

from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gateway.activation.loading import load
from services.sentences import kinds
from services.sentences.kinds import Asks, Kind
from services.sentences.writing import write
from tests.policies import policy
from tests.services.sentences.strategies import calls, caps, consents, hours, sequences

sending = st.just(("/pilote.crm.v1.DealService/UpdateDeal",))
asked = st.sampled_from(((), (Asks(path="deal.amount_cents", order="above", value=5),)))
rules: Any = st.one_of(
    *(calls(kind, methods=sending, request=asked) for kind in (kinds.Never, kinds.Hold, kinds.May, kinds.Only)),
    calls(kinds.Redact, methods=sending, request=asked, fields=st.just(("deal.title",))),
    calls(
        kinds.Limit,
        methods=sending,
        request=asked,
        max=st.integers(0, 9),
        period=st.just("7d"),
        by=st.just(("subject",)),
    ),
)


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(sentence=rules | caps | consents | hours() | sequences())
def test_what_a_sentence_writes_is_a_good_part_of_a_policy(sentence: Kind) -> None:
    sentence = _described(sentence)
    written = write(sentence, name="one")
    sections: dict[str, Any] = {written.section: [written.part]}
    if written.section == "rules":
        sections["rules"].append({"name": "open", "effect": "allow"})
    load(policy(**sections))


def _described(sentence: Any) -> Any:
    """The same about methods, agents and countries that there are: of others a policy rightly has a mistake."""
    plain: dict[str, Any] = {"operations": ()} if isinstance(sentence, kinds.Calls) else {}
    if isinstance(sentence, kinds.After):
        plain = {"first_methods": (), "then_methods": ()}
    if isinstance(sentence, kinds.Hours):
        plain = {"holidays": "FR" if sentence.holidays else ""}
    found = {name: getattr(sentence, name) for name in sentence.__struct_fields__} | plain
    if isinstance(sentence, kinds.Calls):
        found["agents"] = ("bot",) if sentence.agents else ()
    return type(sentence)(**found)
