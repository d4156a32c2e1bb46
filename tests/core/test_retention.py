"""The class of retention of a record: the first of the policy that fits its method, operation and category."""

import pytest

from gateway.core.retention import RetentionRule, retention_of
from gateway.core.revision.decode import PolicyInvalid
from tests.policies import READ, SEND, revision

CLASSES = [
    {"name": "proof", "operations": ["CONTACT"], "categories": ["legal"], "keep": "3650d"},
    {"name": "contacts", "operations": ["CONTACT"], "keep": "730d"},
    {"name": "reads", "methods": [READ], "keep": "30d"},
]


def test_the_first_class_that_fits_counts() -> None:
    methods = revision(retention=CLASSES).methods
    assert retention_of(methods[SEND].retention, "legal") == RetentionRule(
        name="proof", days=3650, categories=frozenset({"legal"})
    )
    assert retention_of(methods[SEND].retention, "marketing") == RetentionRule(name="contacts", days=730)
    assert retention_of(methods[SEND].retention, "") == RetentionRule(name="contacts", days=730)
    assert retention_of(methods[READ].retention, "") == RetentionRule(name="reads", days=30)


def test_a_method_that_no_class_fits_has_none() -> None:
    policy = revision(retention=CLASSES).methods["/pilote.crm.v1.ContactService/DeleteContact"]
    assert retention_of(policy.retention, "") is None


@pytest.mark.parametrize("keep", ["0d", "12h", "", "-1d", "100000d"])
def test_a_class_is_kept_for_whole_days(keep: str) -> None:
    with pytest.raises(PolicyInvalid) as raised:
        revision(retention=[{"name": "reads", "keep": keep}])
    assert [mistake.path for mistake in raised.value.mistakes] == ["retention[0].keep"]
