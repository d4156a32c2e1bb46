"""Names of tools say what they do, stay the same when contracts are added, and never meet."""

import re

from hypothesis import given
from hypothesis import strategies as st

from services.agents.mcp.naming import MOST, names_of

CRM = "/pilote.crm.v1"
_identifiers = st.from_regex(r"[A-Za-z][A-Za-z0-9_]{0,40}", fullmatch=True)
_methods = st.builds(
    lambda package, service, call: f"/{package}{service}/{call}",
    st.sampled_from(["", "a.", "a.b.v1.", "pilote.crm.v1.", "pilote.cdp.v1.", "x" * 80 + "."]),
    _identifiers | st.sampled_from(["ContactService", "Contact"]),
    _identifiers | st.sampled_from(["GetContact", "GetContacts", "ListContacts"]),
)


def test_a_tool_is_named_by_its_things_and_what_it_does_with_them() -> None:
    names = names_of(
        [
            f"{CRM}.ContactService/GetContact",
            f"{CRM}.ContactService/ListContacts",
            f"{CRM}.ActivityService/CreateActivity",
            f"{CRM}.MessageService/SendMessage",
            f"{CRM}.MessageService/SendMessages",
            "/pilote.cdp.v1.ProfileService/SetConsents",
            "/inference.GRPCInferenceService/ModelInfer",
        ]
    )
    assert sorted(names.values()) == [
        "activities_create",
        "contacts_get",
        "contacts_list",
        "grpc_inference_model_infer",
        "messages_send",
        "messages_send_many",
        "profile_set_consents",
    ]


def test_a_foreign_contract_changes_no_name_of_ours() -> None:
    ours, theirs = f"{CRM}.ContactService/GetContact", "/vendor.v2.ContactService/GetContact"
    assert names_of([ours, theirs]) == {ours: "contacts_get", theirs: "vendor_v2_contacts_get"}
    assert names_of([theirs]) == {theirs: "contacts_get"}


@given(st.sets(_methods, max_size=12))
def test_every_method_has_a_name_of_its_own_that_any_model_takes(methods: set[str]) -> None:
    names = names_of(methods)
    assert names.keys() == methods
    assert len(set(names.values())) == len(methods)
    assert all(re.fullmatch(rf"[a-z0-9_]{{1,{MOST}}}", name) for name in names.values())
    assert names_of(sorted(methods, reverse=True)) == names
