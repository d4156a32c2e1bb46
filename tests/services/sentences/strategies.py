"""All sentences, with names that look like words of the language, and values of every shape."""

from typing import Any, Final

from hypothesis import strategies as st

from gateway.core.call import Operation
from services.sentences import kinds
from services.sentences.kinds import DAYS, Asks, Compares, Is, Span

NAMES: Final = (
    "email", "sms", "phone", "vip", "gold", "marketing", "service", "legal", "sales-bot", "a", "an", "or", "and", "in",
    "the", "to", "is", "ou", "et", "de", "vaut", "customers", "clients", "emails", "any", "each", "x.y", "a-", "b.",
    "unknown", "inconnu", "two", "deux", "monday", "lundi", "channel", "h", "days", "read", "lire", "not", "c_suite",
    "pour", "par", "7d-x",
)  # fmt: skip
VALID: Final = tuple(name for name in NAMES if name[0].isalpha())
WORDS: Final = (
    *VALID,
    "VIP",
    "VIP club",
    "Été 2026",
    "or unknown",
    "7",
    "l’Oréal",
    "a, b",
    "(x)",
    "x;y",
    "1.5",
    "x/READ",
)
PATHS: Final = ("contact.email", "contact.attributes.score", "in", "or", "et", "a.*", "customer", "deal.amount_cents")
PLAIN_PATHS: Final = tuple(path for path in PATHS if "*" not in path and path != "in")
METHODS: Final = ("/pilote.crm.v1.MessageService/SendMessage", "/pilote.*", "/a.B/C", "ratelimit/mail/send", "or", "to")
ZONES: Final = ("Europe/Paris", "UTC", "America/Argentina/Buenos_Aires", "Etc/GMT-14")

TRUE: Final = st.just(value=True)
names = st.lists(st.sampled_from(VALID), max_size=3, unique=True).map(tuple)
words = st.lists(st.sampled_from(WORDS), max_size=3, unique=True).map(tuple)
some_words = st.lists(st.sampled_from(WORDS), min_size=1, max_size=3, unique=True).map(tuple)
methods = st.lists(st.sampled_from(METHODS), max_size=2, unique=True).map(tuple)
operations = st.lists(st.sampled_from(tuple(Operation)), max_size=3, unique=True).map(tuple)
counts = st.integers(0, 1_000_000)
durations = st.builds(
    lambda number, unit: f"{number}{unit}", st.integers(1, 400), st.sampled_from(("ms", "s", "m", "h", "d"))
)
periods = durations | st.sampled_from(("day", "week", "month", "year"))
numbers = st.decimals(-1000, 1000, places=3).map(float) | st.sampled_from((0.0, 1e-7, 1e9, 0.1))
orders = st.sampled_from(("above", "at_least", "below", "at_most", "exactly"))
clocks = st.sampled_from(("00:00", "08:30", "09:00", "13:05", "20:00", "23:59", "24:00"))
days = st.sets(st.sampled_from(DAYS), min_size=1).map(lambda some: tuple(sorted(some, key=DAYS.index)))
exceeds = st.sampled_from(("", "defer", "review"))
maps = st.sampled_from(WORDS)


def listed(one: st.SearchStrategy[Any]) -> st.SearchStrategy[tuple[Any, ...]]:
    return st.lists(one, max_size=2, unique=True).map(tuple)


@st.composite
def texts(draw: st.DrawFn, *, negated: bool = True, unknown: bool = True) -> Is:
    how = draw(st.sampled_from(["is", *["not"] * negated, *["unknown"] * unknown]))
    return Is(name=draw(maps), values=draw(some_words), negated=how == "not", or_unknown=how == "unknown")


compares = st.builds(Compares, name=maps, order=orders, value=numbers, or_unknown=st.booleans())
asks = st.builds(Asks, path=st.sampled_from(PLAIN_PATHS), order=orders, value=st.integers(-(10**15), 10**15) | numbers)


@st.composite
def calls(draw: st.DrawFn, /, kind: type[Any], **more: st.SearchStrategy[Any]) -> Any:
    """Most slots are empty, as in sentences that people say."""
    labels = {kinds.Never: texts(negated=False), kinds.Only: texts(negated=False, unknown=False)}.get(kind, texts())
    slots = {
        "agents": names, "labels": listed(labels), "operations": operations, "methods": methods, "channels": names,
        "categories": names, "purposes": names, "campaigns": words, "segments": words,
        "outside": words, "traits": listed(texts()),
        "scores": listed(compares), "pressure": numbers.map(abs), "unagreed": TRUE, "request": listed(asks),
        "watched": TRUE,
    }  # fmt: skip
    chosen = draw(st.sets(st.sampled_from(sorted(slots)), max_size=6))
    given = {name: draw(slots[name]) for name in sorted(chosen)} | {name: draw(how) for name, how in more.items()}
    if kind is kinds.Only and not given.get("agents") and not given.get("labels"):
        given["agents"] = ("sales-bot",)
    return kind(**given)


@st.composite
def contacts(draw: st.DrawFn, /, kind: type[Any], **more: st.SearchStrategy[Any]) -> Any:
    slots = {
        "categories": names, "topics": names, "brands": names, "channels": names, "segments": words, "exempt": names,
        "exceed": exceeds, "watched": TRUE,
    }  # fmt: skip
    chosen = draw(st.sets(st.sampled_from(sorted(slots)), max_size=6))
    return kind(
        **{name: draw(slots[name]) for name in sorted(chosen)}, **{name: draw(how) for name, how in more.items()}
    )


eaches = st.sampled_from(((), ("channel",), ("category",), ("channel", "category")))
dimensions = st.lists(
    st.sampled_from(("tenant", "agent", "method", "operation", "model", "version", "upstream", "route", "subject",
                     "channel", "category", "brand", "campaign")),
    max_size=3, unique=True,
).map(tuple)  # fmt: skip
a_span = (
    st.lists(clocks, min_size=2, max_size=2, unique=True).map(sorted).map(lambda two: Span(start=two[0], end=two[1]))
)
spans = st.lists(a_span, min_size=1, max_size=2).map(tuple)


@st.composite
def redactions(draw: st.DrawFn) -> kinds.Redact:
    fields = draw(listed(st.sampled_from(PATHS)))
    sensitivity = draw(
        st.sampled_from(("", "INTERNAL", "PERSONAL", "SPECIAL", "CREDENTIAL") if fields else ("PERSONAL",))
    )
    side = st.sampled_from(("reply", "request"))
    more = {"side": side, "instead": st.just("") | maps, "fields": st.just(fields), "sensitivity": st.just(sensitivity)}
    found: kinds.Redact = draw(calls(kinds.Redact, **more))
    return found


@st.composite
def hours(draw: st.DrawFn) -> kinds.Hours:
    zone = draw(st.sampled_from(("", *ZONES)))
    return kinds.Hours(
        channels=draw(names),
        categories=draw(names),
        spans=draw(spans),
        days=draw(days),
        zone=zone,
        fallback="" if zone else draw(st.sampled_from(("", *ZONES))),
        holidays=draw(st.sampled_from(("", "FR", "DE", "IN", "IS"))),
        later=draw(st.booleans()),
        watched=draw(st.booleans()),
    )


@st.composite
def sequences(draw: st.DrawFn) -> kinds.After:
    by: Any = draw(st.sampled_from(("subject", "agent")))
    return kinds.After(
        within=draw(durations),
        first=draw(operations),
        first_methods=draw(methods),
        then=draw(operations),
        then_methods=draw(methods),
        by=by,
        whose=draw(st.sampled_from(("any", "same", *["other"] * (by == "subject")))),
        ask=draw(st.booleans()),
        watched=draw(st.booleans()),
    )


consents = st.builds(
    kinds.Consent,
    channels=names,
    categories=names,
    purposes=names,
    bases=st.lists(
        st.sampled_from(("consent", "contract", "existing_customer", "legitimate_interest", "legal_obligation",
                         "public_task", "vital_interest")),
        min_size=1, max_size=3, unique=True,
    ).map(tuple),
    anywhere=st.booleans(),
    max_age=st.just("") | durations,
    silence=st.just("") | durations,
    watched=st.booleans(),
)  # fmt: skip
RULES: Final = (
    calls(kinds.Never), calls(kinds.Hold), calls(kinds.May), calls(kinds.Only), redactions(),
)  # fmt: skip
rules = st.one_of(*RULES)
caps = st.one_of(
    contacts(kinds.Cap, max=counts, period=periods, each=eaches),
    contacts(kinds.Gap, gap=durations, each=eaches),
    contacts(kinds.Repeat, same=st.sampled_from(("topic", "brand", "campaign")), max=counts, period=periods),
)
limits = st.one_of(
    calls(kinds.Limit, max=counts, period=periods, by=dimensions),
    calls(kinds.Rate, rate=counts, per=durations, burst=st.none() | counts, by=dimensions),
    calls(kinds.Running, at_once=counts, by=dimensions),
)
sentences = st.one_of(caps, rules, hours(), consents, sequences(), limits)
