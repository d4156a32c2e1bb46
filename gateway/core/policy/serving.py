"""Who serves a call: models, prompts and their versions, foreign contracts, routes."""

from typing import Annotated, Literal

import msgspec

from gateway.core.call import Operation
from gateway.core.policy.upstreams import Hedge, Retries
from gateway.core.policy.vocabulary import (
    BasisPoints,
    Duration,
    Expression,
    Name,
    Part,
    Sha256,
    SuiteName,
    Text,
    Version,
    Versioned,
)

VersionOrAlias = Annotated[str, msgspec.Meta(pattern=r"^(@[a-z][a-z0-9_.-]{0,62}|[0-9A-Za-z][0-9A-Za-z_.+:-]{0,62})\Z")]


class PromptVersion(Part, frozen=True, kw_only=True):
    """One version of a prompt: its text, or only what proves that a text is this one."""

    version: Version
    text: Annotated[str, msgspec.Meta(min_length=1, max_length=100_000)] | None = None
    """Written to the `instructions` of the contract; an OpenAI-compatible server gets it before all messages of a chat,
    as the system's."""
    sha256: Sha256 | None = None
    """Of a text that is kept elsewhere."""


class Prompt(Part, frozen=True, kw_only=True):
    """A prompt and its versions."""

    name: Name
    versions: tuple[PromptVersion, ...]


class ModelVersion(Part, frozen=True, kw_only=True):
    """One version of a model, and who serves it."""

    version: Version
    upstream: Name
    served_as: Annotated[str, msgspec.Meta(min_length=1, max_length=200)] | None = None
    """The name by which the upstream knows this very version, "gpt-4o-2024-08-06" say; null: the version's own name. An
    OpenAI-compatible server needs it."""
    prompt: Versioned | None = None
    """The prompt that this version is served with."""
    probes: tuple[SuiteName, ...] = ()
    """Suites of probes that the version must have passed before a policy in which an arm leads to it becomes active."""


class Model(Part, frozen=True, kw_only=True):
    """A model and its versions. A call never reaches a version that is not listed."""

    name: Name
    versions: tuple[ModelVersion, ...]
    aliases: dict[Name, Version] = {}
    """Names that stand for a version, such as "champion" and "challenger"; written "@champion" where a version is."""


class MethodBinding(Part, frozen=True, kw_only=True):
    """How a method without annotations is governed. Paths are dotted; after a map field comes the key."""

    method: Text
    operation: Operation
    subject: str = ""
    channel: str = ""
    category: str = ""
    model: str = ""
    model_version: str = ""
    request_id: str = ""
    purpose: str = ""
    contact_point: str = ""
    brand: str = ""
    campaign: str = ""
    topics: str = ""
    session: str = ""
    identity: str = ""
    created: str = ""
    """Of the response."""
    instructions: str = ""
    served_version: str = ""
    """Of the response."""
    usage: str = ""
    """Of the response, a message."""
    idempotent: bool = False
    max_message_bytes: Annotated[int, msgspec.Meta(ge=0, le=67_108_864)] = 0


class Contract(Part, frozen=True, kw_only=True):
    """A foreign contract: its descriptor set, and a binding for each method that has no annotations."""

    name: Name
    descriptor_set: str = ""
    """A serialised FileDescriptorSet in base64. In a file, `descriptor_set_file` names a file to take it from."""
    methods: tuple[MethodBinding, ...] = ()


class Arm(Part, frozen=True, kw_only=True):
    """One way a route's calls may go. Names an upstream, or for models a version."""

    name: Name
    weight: BasisPoints = 10_000
    """Share; the weights of a route add up to 10,000. 0: only for experiments, rollouts, fallbacks and shadows, and not
    for callers who ask for its version."""
    upstream: Name | None = None
    version: VersionOrAlias | None = None


class Lineage(Part, frozen=True, kw_only=True):
    """How actions say which inference led to them, by its decision id in `pilote-inference-id`."""

    keep: Duration | None = "1h"
    """How long an inference can be named, about 150 bytes of the store each; null: none can."""
    required_for: tuple[Literal["WRITE", "CONTACT", "DELETE"], ...] = ()
    """Operations that must name one, unless the agent is registered with a version of its own."""
    exempt: tuple[Name, ...] = ("transactional", "legal")
    """Categories of contacts that need none."""


class Copy(Part, frozen=True, kw_only=True):
    """A copy of a route's calls that goes to another of its arms; its answer never reaches the caller."""

    arm: Name
    share: BasisPoints = 10_000
    """How many calls are copied; by the subject, where the route is sticky."""


class Shadow(Copy, frozen=True, kw_only=True):
    """A candidate that gets a copy of each call. It is decided about and its answer is compared, and both are recorded.

    What reads or infers is sent to it. What writes, contacts or deletes is only decided about: it reaches no upstream.
    """

    ignore: tuple[Text, ...] = ()
    """Dotted paths of the reply that are not compared; "*" stands for every element of a list or key of a map."""
    tolerance: Annotated[float, msgspec.Meta(ge=0, le=1)] = 0.0
    """Numbers that differ by no more than this share of the larger one count as the same."""


class LatencyObjective(Part, frozen=True, kw_only=True):
    """How many calls must be answered within a time."""

    within: Duration
    percent: Annotated[float, msgspec.Meta(gt=0, lt=100)]


class Objectives(Part, frozen=True, kw_only=True):
    """What is promised of a route over thirty days. What refuses a call by the policy is no failure of the route."""

    availability: Annotated[float, msgspec.Meta(gt=0, lt=100)] | None = None
    """Percent of admitted calls that the upstream answers; that it refuses one is an answer."""
    latency: LatencyObjective | None = None


class Route(Part, frozen=True, kw_only=True):
    """Which upstream or model version serves a call. The first route that matches is taken."""

    name: Name
    methods: tuple[Text, ...]
    models: tuple[Name, ...] = ()
    """INFER only: the models served; empty for methods that ask no model."""
    when: Expression | None = None
    """CEL over `request`, `agent`, `call`, `facts` and `now`: which of these calls the route is for; null: all. Where
    it fails at run time the route is not taken."""
    sticky: Literal["subject", "session", "none"] = "subject"
    """"subject": a customer always gets the same arm. "session": all calls of a session do. Calls without the one or
    the other are spread by chance."""
    seed: str = ""
    """Seed of the assignment; empty: the route's name."""
    arms: tuple[Arm, ...]
    fallback: tuple[Name, ...] = ()
    """Arms that take over, in this order, where the chosen one certainly has not acted; of calls that read or infer,
    where it has failed. The policy must let the call go there too."""
    timeout: Duration | None = None
    """Longest call, with all its tries; null: as long as the upstream's own."""
    retries: Retries | None = None
    hedge: Hedge | None = None
    mirror: Copy | None = None
    """Copies whose answers nobody looks at. Of calls that write only to an upstream that is a `sandbox`."""
    shadow: Shadow | None = None
    objectives: Objectives | None = None
