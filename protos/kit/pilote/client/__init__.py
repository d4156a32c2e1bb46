"""The client kit: calls through a Pilote gateway, from plain Python. `pilote.client.aio` has the same for asyncio.

It adds to a gRPC channel what an agent needs before a gateway: its credential, an idempotency key that a retry keeps,
retries that wait as long as they are asked to, and refusals as exceptions that say what to do.

It stands on grpcio, protobuf and the stubs alone, and knows neither the gateway nor the services.
"""

# The one package of ours that others import by its name: what they need of it is named here.
from pilote.client.calling import Noted, lineage, noting
from pilote.client.holds import answer_of, is_over
from pilote.client.refusals import (
    AlreadyExists,
    CallEnded,
    Cancelled,
    CapExceeded,
    Conflict,
    ConsentMissing,
    DeadlineExceeded,
    Deferred,
    Denied,
    Failed,
    Held,
    HeldOut,
    HoldExpired,
    HoldRefused,
    InDoubt,
    InvalidArgument,
    Kept,
    KeyReused,
    KeyRunning,
    LimitExceeded,
    LineageUnknown,
    NotFound,
    PreconditionFailed,
    QuietHours,
    ReplyWithheld,
    Stopped,
    Unauthenticated,
    Unavailable,
    Violation,
)
from pilote.client.sync import Pilote

__all__ = [
    "AlreadyExists",
    "CallEnded",
    "Cancelled",
    "CapExceeded",
    "Conflict",
    "ConsentMissing",
    "DeadlineExceeded",
    "Deferred",
    "Denied",
    "Failed",
    "Held",
    "HeldOut",
    "HoldExpired",
    "HoldRefused",
    "InDoubt",
    "InvalidArgument",
    "Kept",
    "KeyReused",
    "KeyRunning",
    "LimitExceeded",
    "LineageUnknown",
    "NotFound",
    "Noted",
    "Pilote",
    "PreconditionFailed",
    "QuietHours",
    "ReplyWithheld",
    "Stopped",
    "Unauthenticated",
    "Unavailable",
    "Violation",
    "answer_of",
    "is_over",
    "lineage",
    "noting",
]
