"""One line of a file of facts: what its writer knows in the clear, as the store may hold it."""

import msgspec

from gateway.core.call import Facts
from gateway.core.consents import Consent
from gateway.core.proofs import is_personal
from gateway.core.record import contact_ref, subject_ref
from gateway.messages.contact_points import ContactPointUnclear, normalised


class KnownSubject(msgspec.Struct, frozen=True):
    """What is known of one subject, with pseudonyms in place of names."""

    tenant: str
    subject_ref: str
    facts: Facts


class _Statement(Consent, frozen=True, kw_only=True, forbid_unknown_fields=True):
    contact_point: str = ""
    """In the clear."""


class _Facts(Facts, frozen=True, kw_only=True, forbid_unknown_fields=True):
    consent_records: tuple[_Statement, ...] = ()


class _Line(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    tenant: str
    subject: str
    facts: _Facts
    person: str = ""
    """E-mail address or telephone number that stands for the person in assignments, whatever the subject's name."""


def read_line(line: bytes, *, pseudonym_key: bytes) -> KnownSubject:
    """What one line says; contact points stand there in the clear, and come out as pseudonyms.

    Raises:
        ValueError: it cannot be read, or a proof tells something of a person.
    """
    known = msgspec.json.decode(line, type=_Line)
    records = tuple(_stored(each, tenant=known.tenant, key=pseudonym_key) for each in known.facts.consent_records)
    facts = msgspec.convert(msgspec.to_builtins(known.facts) | {"consent_records": []}, Facts)
    return KnownSubject(
        tenant=known.tenant,
        subject_ref=subject_ref(pseudonym_key, tenant=known.tenant, subject=known.subject),
        facts=msgspec.structs.replace(facts, consent_records=records, unit=_unit(known, pseudonym_key) or facts.unit),
    )


def _unit(known: _Line, key: bytes) -> str:
    if not known.person:
        return ""
    try:
        person = normalised(known.person, channel="email" if "@" in known.person else "phone")
    except ContactPointUnclear as error:
        raise ValueError(f"person {error}") from error
    return contact_ref(key, tenant=known.tenant, contact_point=person)


def _stored(told: _Statement, *, tenant: str, key: bytes) -> Consent:
    if is_personal(told.proof):
        raise ValueError("a proof names where it is found, without address or number of a person")
    point = ""
    if told.contact_point:
        try:
            point = normalised(told.contact_point, channel=told.channel)
        except ContactPointUnclear as error:
            raise ValueError(f"contact_point {error}") from error
        point = contact_ref(key, tenant=tenant, contact_point=point)
    return msgspec.convert(msgspec.to_builtins(told) | {"contact_point": point}, Consent)
