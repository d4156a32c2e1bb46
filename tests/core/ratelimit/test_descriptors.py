"""Which descriptor of Envoy's is which method: found in one way only, whatever else is described."""

from hypothesis import given
from hypothesis import strategies as st

from gateway.core.policy.ratelimit import CountedDescriptor, DescriptorEntry, RateLimitDomain
from gateway.core.ratelimit.descriptors import Descriptors, Entries
from gateway.core.ratelimit.entries import entry_source, filled

KEYS = st.sampled_from(["api", "agent", "customer"])
VALUES = st.sampled_from(["", "a", "b"])
ENTRIES = st.lists(st.tuples(KEYS, VALUES), min_size=1, max_size=3, unique_by=lambda pair: pair[0]).map(tuple)


def described(*shapes: Entries) -> Descriptors:
    """Descriptors with those keys and values, named by their places."""
    counted = tuple(
        CountedDescriptor(
            name=f"d{place}", entries=tuple(DescriptorEntry(key=k, value=v) for k, v in entries), agent="bot"
        )
        for place, entries in enumerate(shapes)
    )
    return Descriptors([RateLimitDomain(name="vendors", domain="Vendors' own", descriptors=counted)])


def found(descriptors: Descriptors, entries: Entries) -> str:
    counted = descriptors.find("Vendors' own", entries)
    return "" if counted is None else counted.method


def test_the_value_of_the_earliest_entry_says_most() -> None:
    several = described((("api", ""), ("agent", "")), (("api", ""), ("agent", "x")), (("api", "a"), ("agent", "")))
    assert found(several, (("api", "b"), ("agent", "y"))) == "/ratelimit/vendors/d0"
    assert found(several, (("api", "b"), ("agent", "x"))) == "/ratelimit/vendors/d1"
    assert found(several, (("api", "a"), ("agent", "x"))) == "/ratelimit/vendors/d2"
    assert several.find("vendors", (("api", "b"), ("agent", "y"))) is None
    assert (several.nobodys("Vendors' own"), several.nobodys("other")) == ("/ratelimit/vendors/-", "/ratelimit/-/-")


@given(st.lists(ENTRIES, max_size=5, unique=True), ENTRIES)
def test_one_is_found_where_one_fits_and_the_order_of_the_policy_changes_nothing(
    shapes: list[Entries], asked: Entries
) -> None:
    fits = [
        each
        for each in shapes
        if [key for key, _ in each] == [key for key, _ in asked]
        and all(value in ("", given) for (_, value), (_, given) in zip(each, asked, strict=True))
    ]
    name = found(described(*shapes), asked)
    assert bool(name) == bool(fits)
    if name:
        chosen = shapes[int(name.rpartition("/d")[2])]
        assert chosen in fits
        again = shapes[::-1]
        assert again[int(found(described(*again), asked).rpartition("/d")[2])] == chosen


@given(st.text(alphabet="ab {}", max_size=6), st.text(max_size=4), st.text(max_size=4))
def test_a_source_is_what_its_entries_say_or_nothing(text: str, api: str, customer: str) -> None:
    keys = ("api", "customer")
    said = filled(entry_source("x/{entries.api}:{entries.customer}", keys=keys), {"api": api, "customer": customer})
    assert said == (f"x/{api}:{customer}" if api and customer else "")
    fixed = text.replace("{", "").replace("}", "")
    assert filled(entry_source(fixed, keys=keys), {}) == fixed
