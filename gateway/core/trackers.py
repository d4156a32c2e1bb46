"""Trackers: systems that count what customers get and do. They are told of contacts, and of nothing else."""

import hashlib
from typing import Final, Literal, get_args

import msgspec

CONTACT: Final = "contact"
"""The only type of event that a tracker gets, and that no other endpoint gets."""
Manner = Literal["matomo", "segment"]
MANNERS: Final[tuple[Manner, ...]] = get_args(Manner)


class Tracker(msgspec.Struct, frozen=True, kw_only=True):
    """How one is told."""

    manner: Manner
    site: int = 0
    """Of Matomo: the number of the site that contacts are counted under."""
    purpose: str = ""
    """Only contacts on channels for which the customer has agreed to it are told; empty: all."""


def person(subject_ref: str, *, of: str) -> str:
    """What a customer is called at one tracker, 32 hexadecimal digits: `of` says which tracker it is.

    The pseudonym in our own log is a keyed hash already, so nobody can undo this one. That they differ keeps two
    trackers from being put together; who has our log can tell which customer of it a tracker speaks of.
    """
    return hashlib.blake2b(subject_ref.encode(), digest_size=16, key=_key(of), person=b"pilote-tracker").hexdigest()


def _key(of: str) -> bytes:
    return hashlib.sha256(of.encode()).digest()
