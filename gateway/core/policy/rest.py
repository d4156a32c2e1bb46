"""Plain HTTP APIs of vendors that Envoy stands before: which request is which method, and where it says what."""

from typing import Annotated, Literal

import msgspec

from gateway.core.policy.vocabulary import Name, Part, Text

Source = Annotated[str, msgspec.Meta(max_length=500)]
"""A text with, in braces, where a request says it: "contacts/{path.id}", "{body.message.to}", "{query.lang}",
"{headers.x-brand}"; or a text as it is, "email" say. Empty where any of the places says nothing."""
Host = Annotated[str, msgspec.Meta(pattern=r"^[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?(:[0-9]{1,5})?\Z")]
Sensitivity = Literal["PUBLIC", "INTERNAL", "PERSONAL", "SPECIAL", "CREDENTIAL"]
Verb = Literal["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "QUERY"]


class RestMethod(Part, frozen=True, kw_only=True):
    """One thing that can be asked of an API. Rules and limits name it `rest/<API>/<name>`."""

    name: Name
    verb: Verb
    path: Annotated[str, msgspec.Meta(min_length=1, max_length=500)]
    """Such as "/crm/v3/contacts/{id}": a name in braces stands for what is between two slashes, or a part of it."""
    operation: Literal["READ", "WRITE", "CONTACT", "DELETE"]
    subject: Source = ""
    channel: Source = ""
    category: Source = ""
    brand: Source = ""
    campaign: Source = ""
    purpose: Source = ""
    contact_point: Source = ""
    session: Source = ""
    request_id: Source = ""
    """Idempotency key, where no header `idempotency-key` says it. A request that was made already is refused."""
    idempotent: bool = False
    """A repeat changes nothing, so one that may or may not have arrived is not in doubt."""
    max_body_bytes: Annotated[int, msgspec.Meta(ge=0, le=67_108_864)] = 1_048_576
    sensitive: dict[Sensitivity, tuple[Text, ...]] = {}
    """Paths of its replies that are so sensitive, such as {PERSONAL: ["results.*.properties.email"]}: rules that redact
    by sensitivity take them out."""
    sensitive_requests: dict[Sensitivity, tuple[Text, ...]] = {}
    """The same of its requests, such as {PERSONAL: ["body.customer.email", "query.email"]}."""
    other_replies: Literal["withhold", "pass"] = "withhold"
    """What becomes of a reply that is no JSON, where something is to be taken out of its replies."""
    max_reply_bytes: Annotated[int, msgspec.Meta(ge=0, le=4_000_000)] = 1_048_576
    """A larger one is withheld where something is to be taken out of it."""


class RestApi(Part, frozen=True, kw_only=True):
    """An API of a vendor. A request that no method of it describes is refused."""

    name: Name
    hosts: tuple[Host, ...]
    """In lower case, as callers write them; a port belongs to it where they write one."""
    methods: tuple[RestMethod, ...]
